import { gunzipSync, gzipSync } from 'node:zlib';
import { CodedError } from '../../shared/kernel/mod.ts';
import { refText } from '../kube/mod.ts';
import type { InventoryEntry } from '../plan/mod.ts';

export const inventoryEntriesMax = 20_000;
const rawMaxBytes = 32 * 1024 * 1024;
const format = 1;

export type InventoryCode = 'TOO_MANY' | 'MALFORMED';

export class InventoryError extends CodedError<InventoryCode> {
  override readonly name = 'InventoryError';
}

// A field that is added to entries and not to the rows would be lost at every restart: then this is no longer `true`.
type Kept = 'ref' | 'uid' | 'fields' | 'dropped' | 'rebuilt' | 'ahead';
const keepsAll: Exclude<keyof InventoryEntry, Kept> extends never ? true : never = true;

type Row = readonly [group: string, kind: string, namespace: string, name: string, uid: string, fields: string, marks: string];

/**
 * The entries as they are kept: gzip of JSON, one row an object. The same entries in any order give the same bytes on one machine, so that what did not
 * change is not written. Throws TOO_MANY.
 */
export function encodeInventory(entries: readonly InventoryEntry[]): Uint8Array {
  if (entries.length > inventoryEntriesMax || !keepsAll)
    throw new InventoryError('TOO_MANY', `an assignment of ${entries.length} objects; at most ${inventoryEntriesMax} can be owned by one`);
  const rows = [...entries].sort((a, b) => (refText(a.ref) < refText(b.ref) ? -1 : 1)).map(rowOf);
  return gzipSync(JSON.stringify({ format, rows }), { level: 6 });
}

/** Strict: an inventory that is not wholly understood is none, because whatever it leaves out would never be pruned. Throws MALFORMED or TOO_MANY. */
export function decodeInventory(bytes: Uint8Array): readonly InventoryEntry[] {
  const { rows } = documentOf(bytes);
  if (rows.length > inventoryEntriesMax)
    throw new InventoryError('TOO_MANY', `an inventory of ${rows.length} entries, at most ${inventoryEntriesMax}`);
  const entries = rows.map(entryOf);
  if (new Set(entries.map(({ ref }) => refText(ref))).size !== entries.length) malformed('an object is in it twice');
  return entries;
}

function malformed(why: string, cause?: unknown): never {
  throw new InventoryError('MALFORMED', `the inventory cannot be read: ${why}`, { cause });
}

const marksOf = (entry: InventoryEntry): string => `${entry.dropped ? 'd' : ''}${entry.rebuilt ? 'r' : ''}${entry.ahead ? 'a' : ''}`;

const rowOf = (entry: InventoryEntry): Row => {
  const { group, kind, namespace, name } = entry.ref;
  return [group, kind, namespace, name, entry.uid ?? '', entry.fields ?? '', marksOf(entry)];
};

function documentOf(bytes: Uint8Array): { readonly rows: readonly unknown[] } {
  let value: { readonly format?: unknown; readonly rows?: unknown } | null;
  try {
    value = JSON.parse(gunzipSync(bytes, { maxOutputLength: rawMaxBytes }).toString('utf8')) as typeof value;
  } catch (cause) {
    return malformed('it is no gzip of JSON within bounds', cause);
  }
  if (value?.format !== format) return malformed('its format is another one');
  return Array.isArray(value.rows) ? { rows: value.rows } : malformed('it has no rows');
}

function entryOf(row: unknown): InventoryEntry {
  if (!Array.isArray(row) || row.length !== 7 || !row.every((cell) => typeof cell === 'string'))
    return malformed('a row is not seven texts');
  const [group, kind, namespace, name, uid, fields, marks] = row as unknown as Row;
  if (kind === '' || name === '') return malformed('an entry without kind or name');
  if (!/^d?r?a?$/.test(marks)) return malformed('an entry with an unknown mark');
  return {
    ref: { group, kind, namespace, name },
    ...(uid === '' ? {} : { uid }),
    ...(fields === '' ? {} : { fields }),
    ...(marks.includes('d') ? { dropped: true as const } : {}),
    ...(marks.includes('r') ? { rebuilt: true as const } : {}),
    ...(marks.includes('a') ? { ahead: true as const } : {}),
  };
}
