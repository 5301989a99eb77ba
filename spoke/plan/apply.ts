import type { Inputs } from '../../shared/kernel/mod.ts';
import { groupOf, refText, type Discovery, type KindInfo, type KubeObject, type ObjectRef } from '../kube/mod.ts';
import { refusalOf } from './boundaries.ts';
import { PlanError, type ApplyPlan, type Owner, type Planned } from './model.ts';
import { isFoundation, rankOf } from './order.ts';
import { stamped } from './ownership.ts';

export interface ApplyRequest {
  readonly objects: readonly KubeObject[];
  readonly inputs: Inputs;
  readonly discovery: Discovery;
  readonly owner: Owner;
}

/**
 * What is written, in which order; all of it is judged before the first write.
 * @throws PlanError NOT_ALLOWED with every object that is outside the tenant's boundaries, MALFORMED with those that default to the same name
 */
export function planApply({ objects, inputs, discovery, owner }: ApplyRequest): ApplyPlan {
  const kinds = kindsOf(discovery, objects);
  const unknown = [...new Set(objects.map(kindKeyOf).filter((key) => !kinds.has(key)))];
  if (unknown.length > 0) return waitFor(unknown, discovery);
  const problems: string[] = [];
  const planned: Planned[] = [];
  for (const object of objects) {
    const kind = kinds.get(kindKeyOf(object)) as KindInfo;
    const ref = placed(object, kind, inputs);
    const problem = refusalOf(ref, kind, inputs);
    if (problem === undefined) planned.push({ ref, kind: { ...kind, version: versionOf(object) }, object: stamped(object, ref, owner) });
    else problems.push(`${refText(ref)}: ${problem}`);
  }
  if (problems.length > 0) throw new PlanError('NOT_ALLOWED', problems);
  refuseTwins(planned);
  const sorted = planned.toSorted((a, b) => rankOf(a.ref) - rankOf(b.ref));
  const first = sorted.filter(({ ref }) => isFoundation(ref));
  const rest = sorted.filter(({ ref }) => !isFoundation(ref));
  return { outcome: 'ready', stages: [first, ...byRank(rest)].filter((stage) => stage.length > 0) };
}

/** One stage per step of the order: what a step stands on has been accepted before it is sent. */
const byRank = (planned: readonly Planned[]): Planned[][] => [...Map.groupBy(planned, ({ ref }) => rankOf(ref)).values()];

const kindKey = (group: string, kind: string): string => `${group}/${kind}`;
const kindKeyOf = (object: KubeObject): string => kindKey(groupOf(object.apiVersion), object.kind);
const versionOf = (object: KubeObject): string => object.apiVersion.slice(object.apiVersion.indexOf('/') + 1);

/** A namespaced object without a namespace goes to the assignment's; what a cluster-scoped one says of a namespace means nothing. */
const placed = (object: KubeObject, kind: KindInfo, inputs: Inputs): ObjectRef => ({
  group: kind.group,
  kind: kind.kind,
  namespace: kind.namespaced ? (object.metadata.namespace ?? inputs.namespace) : '',
  name: object.metadata.name,
});

/** What is served, and what the CRDs among the objects will serve. */
function kindsOf(discovery: Discovery, objects: readonly KubeObject[]): ReadonlyMap<string, KindInfo> {
  const kinds = new Map<string, KindInfo>();
  for (const object of objects) {
    const kind = kindOfCrd(object);
    if (kind) kinds.set(kindKey(kind.group, kind.kind), kind);
  }
  for (const kind of discovery.kinds) kinds.set(kindKey(kind.group, kind.kind), kind);
  return kinds;
}

/** The kind that a CRD defines; undefined for anything else, and for a CRD that the API server will refuse anyway. */
export function kindOfCrd(object: KubeObject): KindInfo | undefined {
  if (groupOf(object.apiVersion) !== 'apiextensions.k8s.io' || object.kind !== 'CustomResourceDefinition') return undefined;
  const spec = object['spec'] as
    | { group?: unknown; scope?: unknown; names?: { kind?: unknown; plural?: unknown }; versions?: { name?: unknown }[] }
    | undefined;
  const version = Array.isArray(spec?.versions) ? spec.versions[0]?.name : undefined;
  const { group, scope, names } = spec ?? {};
  if (typeof group !== 'string' || typeof names?.kind !== 'string' || typeof names.plural !== 'string' || typeof version !== 'string')
    return undefined;
  // They become parts of URL paths before the API server has judged them.
  if (![group, names.plural, version].every((part) => /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(part))) return undefined;
  const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];
  return { group, version, kind: names.kind, resource: names.plural, namespaced: scope === 'Namespaced', verbs };
}

/** The absence of a kind means something only when everything answered; even then a CRD may be on its way. So this waits, and refuses nothing. */
function waitFor(unknown: readonly string[], discovery: Discovery): ApplyPlan {
  const names = unknown.map((key) => key.replace(/^\//, '')).join(', ');
  return discovery.complete
    ? {
        outcome: 'wait',
        reason: 'KindNotServed',
        message: `the API server does not serve ${names}: is its CustomResourceDefinition installed?`,
      }
    : {
        outcome: 'wait',
        reason: 'DiscoveryIncomplete',
        message: `the API server did not answer for ${discovery.failedGroups.join(', ') || 'some groups'}, so nothing is known about ${names}`,
      };
}

/** Two objects that become one only when the namespace is filled in. */
function refuseTwins(planned: readonly Planned[]): void {
  const twins = [...Map.groupBy(planned, ({ ref }) => refText(ref))].filter(([, all]) => all.length > 1).map(([name]) => name);
  if (twins.length > 0)
    throw new PlanError(
      'MALFORMED',
      twins.map((name) => `${name} is there twice, once with its namespace and once without`),
    );
}
