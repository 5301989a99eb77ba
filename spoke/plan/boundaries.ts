import type { Inputs } from '../../shared/kernel/mod.ts';
import type { KindInfo, ObjectRef } from '../kube/mod.ts';

const closed = ['kube-system', 'kube-public', 'kube-node-lease'];

/** Namespaces that no tenant gets, whatever its inputs say. */
export const isClosedNamespace = (name: string): boolean => closed.includes(name) || name.startsWith('wheelhouse-');

/** Why an object is not the tenant's to write; undefined: it is. Pure; the API server's own RBAC is asked besides. */
export function refusalOf(ref: ObjectRef, kind: KindInfo, inputs: Inputs): string | undefined {
  const { namespaces } = inputs.allow;
  if (!kindAllowed(ref, kind.namespaced, inputs.allow.kinds))
    return kind.namespaced
      ? `the tenant may not have the kind ${kindText(ref)}`
      : `the tenant may not have the kind ${kindText(ref)}: a cluster-scoped kind must be allowed by name`;
  // A Namespace is ruled by its own name: who makes it decides what lives in it.
  const namespace = kind.namespaced ? ref.namespace : isNamespace(ref) ? ref.name : undefined;
  if (namespace === undefined) return undefined;
  if (isClosedNamespace(namespace)) return `the namespace ${namespace} is closed to tenants`;
  return namespaces.includes(namespace)
    ? undefined
    : `the namespace ${namespace} is not the tenant's (${namespaces.join(', ') || 'it has none'})`;
}

export const isNamespace = (ref: ObjectRef): boolean => ref.group === '' && ref.kind === 'Namespace';

const kindText = ({ group, kind }: ObjectRef): string => (group === '' ? kind : `${kind}.${group}`);

/** `Kind` stands for the kind in any group, `Kind.group` in that one (`Kind.` in the core group), `*` for every namespaced kind. */
const kindAllowed = (ref: ObjectRef, namespaced: boolean, patterns: readonly string[]): boolean =>
  patterns.some((pattern) => (pattern === '*' ? namespaced : pattern === ref.kind || pattern === `${ref.kind}.${ref.group}`));
