import { apiVersionOf, type Kind, type Kinds } from '../objects/kinds.ts';
import type { Doc } from '../values.ts';

const ownVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const customVerbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
const verbsOf = ({ builtIn, kind }: Kind): readonly string[] =>
  builtIn ? ownVerbs.filter((verb) => kind !== 'Namespace' || verb !== 'deletecollection') : customVerbs;
const statusVerbs = ['get', 'patch', 'update'];

interface Group {
  readonly name: string;
  /** Version to its kinds; the preferred one first. */
  readonly versions: ReadonlyMap<string, readonly Kind[]>;
}

/** v1 before v1beta1 before v1alpha1, newer before older. */
const rank = (version: string): string => {
  const [, major = '0', stage, minor = '0'] = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version) ?? [];
  return `${stage === undefined ? 2 : stage === 'beta' ? 1 : 0}${major.padStart(4, '0')}${minor.padStart(4, '0')}`;
};

function groupsOf(kinds: Kinds): readonly Group[] {
  const groups = Map.groupBy(kinds.all(), ({ group }) => group);
  return [...groups].map(([name, members]) => {
    const versions = [...Map.groupBy(members, ({ version }) => version)];
    return { name, versions: new Map(versions.sort(([a], [b]) => (rank(a) > rank(b) ? -1 : 1))) };
  });
}

/** The answer to a discovery path, or undefined when it is none. `aggregated`: everything at once. */
export function discovery(kinds: Kinds, path: string, aggregated: boolean, address: string): Doc | undefined {
  if (path === '/api' || path === '/apis') {
    const groups = groupsOf(kinds).filter(({ name }) => (name === '') === (path === '/api'));
    if (aggregated)
      return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items: groups.map(aggregatedGroup) };
    if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(groupDoc) };
    const serverAddressByClientCIDRs = [{ clientCIDR: '0.0.0.0/0', serverAddress: address }];
    return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs };
  }
  const [, root, first = '', second] = path.split('/');
  const [name, version] = root === 'api' ? ['', first] : [first, second];
  const group = groupsOf(kinds).find((one) => one.name === name);
  if (!group || path.split('/').length > (root === 'api' ? 3 : 4)) return undefined;
  if (version === undefined) return { kind: 'APIGroup', apiVersion: 'v1', ...groupDoc(group) };
  const members = group.versions.get(version);
  if (!members) return undefined;
  return {
    kind: 'APIResourceList',
    ...(name === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: apiVersionOf({ group: name, version }),
    resources: members.toSorted((a, b) => (a.resource < b.resource ? -1 : 1)).flatMap(resources),
  };
}

const groupDoc = ({ name, versions }: Group): Doc => {
  const all = [...versions.keys()].map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: all, preferredVersion: all[0] };
};

const some = (name: string, list: readonly string[]): Doc => (list.length > 0 ? { [name]: list } : {});

const resources = (kind: Kind): readonly Doc[] => {
  const { resource, singular, namespaced, shortNames, categories, hasStatus } = kind;
  const main = {
    name: resource,
    singularName: singular,
    namespaced,
    kind: kind.kind,
    verbs: verbsOf(kind),
    ...some('shortNames', shortNames),
    ...some('categories', categories),
  };
  return hasStatus ? [main, { name: `${resource}/status`, singularName: '', namespaced, kind: kind.kind, verbs: statusVerbs }] : [main];
};

const aggregatedGroup = ({ name, versions }: Group): Doc => ({
  metadata: { name: name === '' ? undefined : name, creationTimestamp: null },
  versions: [...versions].map(([version, members]) => ({ version, resources: members.map(aggregatedResource), freshness: 'Current' })),
});

function aggregatedResource(kind: Kind): Doc {
  const { group, version, resource, singular, namespaced, shortNames, categories, hasStatus } = kind;
  const responseKind = { group, version, kind: kind.kind };
  const main = { resource, responseKind, scope: namespaced ? 'Namespaced' : 'Cluster', singularResource: singular, verbs: verbsOf(kind) };
  const subresources = hasStatus ? { subresources: [{ subresource: 'status', responseKind, verbs: statusVerbs }] } : {};
  return { ...main, ...some('shortNames', shortNames), ...some('categories', categories), ...subresources };
}

/** OpenAPI v3, as far as kubectl asks it: which documents there are, and that a PATCH of a kind knows dryRun and fieldValidation. */
export function openApi(kinds: Kinds, path: string): Doc | undefined {
  const served = [...Map.groupBy(kinds.all(), (kind) => `${kind.group === '' ? 'api' : 'apis'}/${apiVersionOf(kind)}`)];
  if (path === '')
    return { paths: Object.fromEntries(served.map(([root]) => [root, { serverRelativeURL: `/openapi/v3/${root}?hash=sandbox` }])) };
  const members = served.find(([root]) => `/${root}` === path)?.[1];
  if (!members) return undefined;
  const parameters = ['dryRun', 'fieldManager', 'fieldValidation', 'force'].map((name) => ({
    name,
    in: 'query',
    schema: { type: 'string' },
  }));
  const patches = members.map(({ group, version, kind, namespaced, resource }) => {
    const patch = {
      parameters,
      responses: {},
      'x-kubernetes-action': 'patch',
      'x-kubernetes-group-version-kind': { group, version, kind },
    };
    return [`${path}${namespaced ? '/namespaces/{namespace}' : ''}/${resource}/{name}`, { patch }];
  });
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes sandbox', version: 'v1' },
    paths: Object.fromEntries(patches),
    components: { schemas: {} },
  };
}
