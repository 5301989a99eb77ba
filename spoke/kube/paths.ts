import type { KindInfo } from './port.ts';

/** The path of a kind's collection, or of one object in it. `namespace` '' on a namespaced kind means all namespaces. */
export function pathOf(kind: KindInfo, namespace = '', name = ''): string {
  const root = kind.group === '' ? `/api/${segment(kind.version)}` : `/apis/${segment(kind.group)}/${segment(kind.version)}`;
  const scope = kind.namespaced && namespace !== '' ? `/namespaces/${segment(namespace)}` : '';
  return `${root}${scope}/${segment(kind.resource)}${name === '' ? '' : `/${segment(name)}`}`;
}

// A dot segment survives encodeURIComponent and would climb out of the collection; the API server itself refuses such names.
function segment(text: string): string {
  if (text === '.' || text === '..') throw new RangeError(`"${text}" cannot be a path segment`);
  return encodeURIComponent(text);
}

export const apiVersionOf = (kind: Pick<KindInfo, 'group' | 'version'>): string =>
  kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;

export const kindKey = (kind: Pick<KindInfo, 'group' | 'kind'>): string => `${kind.kind}.${kind.group}`;
