// A tenant's account on the cluster, and what it may do there.
export { accountOf, Tenancy, TenancyError, tenantObjects } from './tenancy.ts';
