import { canonicalJson, digestOf, type Json } from '../../shared/kernel/mod.ts';
import { fieldManager, type KubeObject } from '../kube/mod.ts';
import type { InventoryEntry, Live } from '../plan/mod.ts';

/** What is kept of a watched object: enough for health, ownership and drift, and nothing of what may be large or secret. */
export function slim(object: KubeObject): KubeObject {
  const { data: _data, stringData: _text, binaryData: _binary, spec, ...rest } = object;
  const { template: _template, versions: _versions, containers: _containers, ...kept } = (spec ?? {}) as Record<string, unknown>;
  return { ...rest, ...(spec === undefined ? {} : { spec: kept }) };
}

interface FieldsEntry {
  readonly manager?: unknown;
  readonly operation?: unknown;
  readonly subresource?: unknown;
  readonly time?: unknown;
  readonly fieldsV1?: unknown;
}

const entriesOf = (object: KubeObject): readonly FieldsEntry[] => {
  const { managedFields } = object.metadata;
  return Array.isArray(managedFields) ? (managedFields as FieldsEntry[]) : [];
};

/**
 * Hash of the fields that are ours. The API server takes a field from us the moment somebody else changes its value, so a different hash is drift; values
 * need not be compared, which would stumble over every default and normalisation.
 */
export function fieldsOf(object: KubeObject): string {
  const ours = entriesOf(object)
    .filter(({ manager, operation, subresource }) => manager === fieldManager && operation === 'Apply' && !subresource)
    .map(({ fieldsV1 }) => canonicalJson((fieldsV1 ?? {}) as Json));
  return digestOf(ours.sort().join('\n')).slice('sha256:'.length, 'sha256:'.length + 16);
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Who wrote last beside us and the controllers that write status: the best guess at who changed it. */
export function lastWriter(object: KubeObject): string {
  const others = entriesOf(object).filter(({ manager, subresource }) => manager !== fieldManager && subresource !== 'status');
  const last = others.toSorted((a, b) => (text(a.time) < text(b.time) ? -1 : 1)).at(-1);
  return text(last?.manager).slice(0, 100) || 'somebody';
}

export interface Drift {
  readonly entry: InventoryEntry;
  readonly how: string;
}

/** How the world differs from what was written; undefined: it does not, or nothing is known. */
export function driftOf(entry: InventoryEntry, live: Live): Drift | undefined {
  if (entry.dropped || live === 'unknown') return undefined;
  if (live === 'absent') return { entry, how: 'it was deleted, or lost its labels' };
  // Nothing can be written to it any more; when it is gone, it is drift of the other kind.
  if (live.metadata.deletionTimestamp !== undefined) return undefined;
  if (live.metadata.uid !== entry.uid) return { entry, how: 'it was made anew' };
  return fieldsOf(live) === entry.fields ? undefined : { entry, how: `it was changed by ${lastWriter(live)}` };
}
