import type { KindInfo } from '../kube/mod.ts';

/** Where a spoke keeps what is its own, and where tenants' service accounts live. */
export const systemNamespace = 'wheelhouse-system';
export const tenantsNamespace = 'wheelhouse-tenants';

// Known without discovery, because state is read before anything else.
const verbs = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];
export const secretKind: KindInfo = { group: '', version: 'v1', kind: 'Secret', resource: 'secrets', namespaced: true, verbs };
export const namespaceKind: KindInfo = { group: '', version: 'v1', kind: 'Namespace', resource: 'namespaces', namespaced: false, verbs };

export const managedBy = { 'app.kubernetes.io/managed-by': 'wheelhouse' } as const;
/** Which kind of state a Secret holds: what assignments are listed by. */
export const stateLabel = 'wheelhouse.dev/state';
