// Paths into documents: `status.conditions[type=Ready].status`, `items[metadata.name=a].spec`, `rules[0]`, `metadata.annotations["a/b.c"]`. Pure.

type Part = { readonly key: string } | { readonly index: number } | { readonly where: string; readonly is: string };

export interface Place {
  readonly value: unknown;
  readonly key: string;
  readonly parent: unknown;
}

const grammar = /\[(\d+)\]|\["([^"]+)"\]|\[([^=\]]+)=([^\]]*)\]|([^.[\]]+)/g;

function partsOf(path: string): readonly Part[] {
  return [...path.matchAll(grammar)].map(([, index, quoted, where, is, key]) => {
    if (index !== undefined) return { index: Number(index) };
    if (where !== undefined) return { where, is: is ?? '' };
    return { key: quoted ?? key ?? '' };
  });
}

/** What is at a path; undefined as value: nothing is. */
export function placeAt(document: unknown, path: string): Place {
  let place: Place = { value: document, key: '', parent: undefined };
  for (const part of partsOf(path)) {
    const { value } = place;
    if ('key' in part) place = { value: isRecord(value) ? value[part.key] : undefined, key: part.key, parent: value };
    else if ('index' in part) place = { ...place, value: Array.isArray(value) ? value[part.index] : undefined };
    else {
      const found: unknown = Array.isArray(value) ? value.find((item) => String(placeAt(item, part.where).value) === part.is) : undefined;
      place = { ...place, value: found };
    }
  }
  return place;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
