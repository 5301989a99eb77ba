// A tenant's account on the cluster, and what it may do there.
export { accountOf, Tenancy, TenancyError, tenantObjects, tenantsNamespace } from './tenancy.ts';
