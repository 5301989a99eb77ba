import { isKubeError, type KubeClient } from '../kube/mod.ts';
import { stateError } from './errors.ts';
import { managedBy, namespaceKind, systemNamespace, tenantsNamespace } from './kinds.ts';

/** Makes the two namespaces of a spoke where they are missing; what is there, labels included, is whoever made it's. Throws StateError. */
export async function ensureNamespaces(client: KubeClient, signal: AbortSignal): Promise<void> {
  for (const name of [systemNamespace, tenantsNamespace]) {
    try {
      if (await client.get(namespaceKind, '', name, signal)) continue;
      await client.create(namespaceKind, { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: managedBy } }, {}, signal);
    } catch (error) {
      if (!isKubeError(error, 'ALREADY_EXISTS')) throw stateError(error, `Namespace ${name}`);
    }
  }
}
