import { apiVersionOf, type Doc, type Kind, type Kinds } from '#shared/kubernetes/mod.ts';

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const customVerbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
/** Nobody deletes all namespaces at once. */
const verbsOf = ({ kind, builtIn }: Kind): readonly string[] =>
  !builtIn ? customVerbs : kind === 'Namespace' ? verbs.filter((verb) => verb !== 'deletecollection') : verbs;
const rootOf = (kind: Kind): string => `${kind.group === '' ? '/api' : '/apis'}/${apiVersionOf(kind)}`;
const some = (name: string, list: readonly unknown[] = []): Doc => (list.length > 0 ? { [name]: list } : {});

/** The answer to a discovery path, or undefined when it is none. `aggregated`: everything at once. */
export function discovery(kinds: Kinds, path: string, aggregated: boolean): Doc | undefined {
  const [, root, name, version] = path.split('/');
  const groups = [...Map.groupBy(kinds.all(), ({ group }) => group)].filter(([group]) => (group === '') === (root === 'api'));
  if (name === undefined && aggregated)
    return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items: groups.map(aggregatedOf) };
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(groupOf) };
  const group = groups.find(([one]) => one === name && root === 'apis' && version === undefined);
  if (group) return { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(group) };
  const members = kinds.all().filter((kind) => rootOf(kind) === path);
  const list = { kind: 'APIResourceList', ...(root === 'api' ? {} : { apiVersion: 'v1' }), groupVersion: path.replace(/^\/apis?\//, '') };
  return members.length > 0
    ? { ...list, resources: members.toSorted((a, b) => (a.resource < b.resource ? -1 : 1)).flatMap(resourcesOf) }
    : undefined;
}

/** A kind has one version here; kinds of a group may have different ones. */
function groupOf([name, members]: readonly [string, readonly Kind[]]): Doc {
  const versions = [...new Set(members.map(({ version }) => version))].map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions, preferredVersion: versions[0] };
}

function aggregatedOf([name, members]: readonly [string, readonly Kind[]]): Doc {
  const versions = [...Map.groupBy(members, ({ version }) => version)];
  return {
    metadata: { ...(name === '' ? {} : { name }), creationTimestamp: null },
    versions: versions.map(([version, kinds]) => ({ version, resources: kinds.map(aggregatedResource), freshness: 'Current' })),
  };
}

function aggregatedResource(one: Kind): Doc {
  const { group, version, kind, resource, singular } = one;
  const subresources = endpointsOf(one).map(([subresource, responseKind]) => ({ subresource, responseKind, verbs: endpointVerbs }));
  const place = { resource, responseKind: { group, version, kind }, scope: one.namespaced ? 'Namespaced' : 'Cluster' };
  return { ...place, singularResource: singular, verbs: verbsOf(one), ...wordsOf(one), ...some('subresources', subresources) };
}

const endpointVerbs = ['get', 'patch', 'update'];
const endpointsOf = ({ hasScale, hasStatus, group, version, kind }: Kind): readonly (readonly [string, Doc])[] => [
  ...(hasScale ? [['scale', { group: 'autoscaling', version: 'v1', kind: 'Scale' }] as const] : []),
  ...(hasStatus ? [['status', { group, version, kind }] as const] : []),
];
const wordsOf = ({ shortNames, categories }: Kind): Doc => ({ ...some('shortNames', shortNames), ...some('categories', categories) });

/** The same in the old form. */
function resourcesOf(one: Kind): readonly Doc[] {
  const { resource, singular, namespaced, kind, group } = one;
  const own = { name: resource, singularName: singular, namespaced, kind, verbs: verbsOf(one), ...wordsOf(one) };
  const others = endpointsOf(one).map(([name, of]) => {
    return { name: `${resource}/${name}`, singularName: '', namespaced, ...(of['group'] === group ? { kind } : of), verbs: endpointVerbs };
  });
  return [own, ...others];
}

/** OpenAPI v3 as far as kubectl asks it: which documents there are, and that a PATCH of a kind knows dryRun and fieldValidation. */
export function openApi(kinds: Kinds, root: string): Doc | undefined {
  const served = Map.groupBy(kinds.all(), rootOf);
  const documents = [...served.keys()].map((path) => [path.slice(1), { serverRelativeURL: `/openapi/v3${path}` }] as const);
  if (root === '') return { paths: Object.fromEntries(documents) };
  const parameters = ['dryRun', 'fieldManager', 'fieldValidation', 'force'].map((name) => ({
    name,
    in: 'query',
    schema: { type: 'string' },
  }));
  const patches = served.get(root)?.map(({ group, version, kind, namespaced, resource }) => {
    const patch = {
      parameters,
      responses: {},
      'x-kubernetes-action': 'patch',
      'x-kubernetes-group-version-kind': { group, version, kind },
    };
    return [`${root}${namespaced ? '/namespaces/{namespace}' : ''}/${resource}/{name}`, { patch }] as const;
  });
  const info = { title: 'Kubernetes sandbox', version: 'v1' };
  return patches && { openapi: '3.0.0', info, paths: Object.fromEntries(patches), components: { schemas: {} } };
}
