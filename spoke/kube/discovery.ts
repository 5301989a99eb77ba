import { KubeError } from './errors.ts';
import type { Discovery, KindInfo } from './port.ts';

// Pure: the documents of discovery in, kinds out. Both of the API server's forms give the same value.

/** Asks for one document per root, and takes the legacy list of groups from servers and proxies that do not have it. */
export const discoveryAccept = [
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
  'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList',
  'application/json',
].join(',');

export const groupsMax = 2_000;
const kindsMax = 20_000;

/** A group as one root document shows it: complete, or still to be asked for version by version (`resources` undefined). */
export interface GroupListing {
  readonly group: string;
  /** Preferred first. */
  readonly versions: readonly VersionListing[];
}

export interface VersionListing {
  readonly version: string;
  /** undefined: not in this document. */
  readonly resources: readonly KindInfo[] | undefined;
  /** The aggregated server behind it did not answer lately: what it lists is old or nothing. */
  readonly stale: boolean;
}

type Doc = Record<string, unknown>;
const docs = (value: unknown): readonly Doc[] =>
  Array.isArray(value) ? value.filter((item): item is Doc => typeof item === 'object' && item !== null) : [];
const doc = (value: unknown): Doc => docs([value])[0] ?? {};
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []);

/** The groups in the answer of /api or /apis, of either form. Throws BAD_RESPONSE: an API server always has groups, so none is a broken answer. */
export function groupsOf(root: '/api' | '/apis', answer: Doc): readonly GroupListing[] {
  const groups = listingsOf(answer);
  if (!groups || groups.length === 0 || groups.some((group) => group.versions.length === 0))
    throw new KubeError('BAD_RESPONSE', `discovery of ${root}: the answer lists no groups, or a group without versions`);
  if (groups.length > groupsMax) throw new KubeError('TOO_LARGE', `discovery of ${root}: ${groups.length} groups, at most ${groupsMax}`);
  return groups;
}

function listingsOf(answer: Doc): readonly GroupListing[] | undefined {
  if (answer['kind'] === 'APIGroupDiscoveryList') return docs(answer['items']).map(aggregated);
  if (answer['kind'] === 'APIVersions')
    return [{ group: '', versions: texts(answer['versions']).map((version) => ({ version, resources: undefined, stale: false })) }];
  if (answer['kind'] === 'APIGroupList') return docs(answer['groups']).map(legacy);
  return undefined;
}

function aggregated(item: Doc): GroupListing {
  const group = text(doc(item['metadata'])['name']);
  const versions = docs(item['versions']).map((entry): VersionListing => {
    const version = text(entry['version']);
    const resources = docs(entry['resources']).flatMap((resource): KindInfo[] => {
      const kind = text(doc(resource['responseKind'])['kind']);
      const scope = resource['scope'];
      // Without a kind it is only a parent of subresources; nothing can be read or written there.
      if (kind === '' || (scope !== 'Namespaced' && scope !== 'Cluster')) return [];
      return [
        { group, version, kind, resource: text(resource['resource']), namespaced: scope === 'Namespaced', verbs: texts(resource['verbs']) },
      ];
    });
    return { version, resources, stale: entry['freshness'] === 'Stale' };
  });
  return { group, versions };
}

function legacy(item: Doc): GroupListing {
  const preferred = text(doc(item['preferredVersion'])['version']);
  const all = docs(item['versions']).map((entry) => text(entry['version']));
  const ordered = [...all.filter((version) => version === preferred), ...all.filter((version) => version !== preferred)];
  return { group: text(item['name']), versions: ordered.map((version) => ({ version, resources: undefined, stale: false })) };
}

/** The kinds in a legacy APIResourceList. Throws BAD_RESPONSE. */
export function resourcesOf(group: string, version: string, answer: Doc): readonly KindInfo[] {
  if (answer['kind'] !== 'APIResourceList' || !Array.isArray(answer['resources']))
    throw new KubeError('BAD_RESPONSE', `discovery of ${group}/${version}: the answer is no APIResourceList`);
  return docs(answer['resources']).flatMap((resource): KindInfo[] => {
    const name = text(resource['name']);
    if (name === '' || name.includes('/') || text(resource['kind']) === '') return [];
    const namespaced = resource['namespaced'] === true;
    return [{ group, version, kind: text(resource['kind']), resource: name, namespaced, verbs: texts(resource['verbs']) }];
  });
}

/**
 * One entry per kind, at the first version of its group that has it. A version that is stale or was not answered (`resources` undefined) makes the
 * whole discovery incomplete: a kind that is not there may well exist.
 */
export function discoveryOf(groups: readonly GroupListing[]): Discovery {
  const kinds = new Map<string, KindInfo>();
  const failed = new Set<string>();
  for (const { group, versions } of groups) {
    for (const { resources, stale } of versions) {
      if (stale || !resources) failed.add(group);
      for (const kind of resources ?? []) if (!kinds.has(`${group}/${kind.kind}`)) kinds.set(`${group}/${kind.kind}`, kind);
    }
  }
  if (kinds.size > kindsMax) throw new KubeError('TOO_LARGE', `discovery: ${kinds.size} kinds, at most ${kindsMax}`);
  return { kinds: [...kinds.values()], complete: failed.size === 0, failedGroups: [...failed].sort() };
}
