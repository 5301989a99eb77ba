// Tenants: owners, and the boundaries of what they may ship and where.
export { allowsNamespace, allowsSource, tenantById, tenantByName, tenantOf, tenantsFrom, type Tenant } from './tenants.ts';
