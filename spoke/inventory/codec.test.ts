import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { InventoryEntry } from '../plan/mod.ts';
import { decodeInventory, encodeInventory, InventoryError, inventoryEntriesMax } from './codec.ts';

const text = fc.string({ minLength: 1, maxLength: 20 }).filter((value) => !value.includes('/'));
const entry: fc.Arbitrary<InventoryEntry> = fc
  .record(
    {
      ref: fc.record({ group: fc.oneof(fc.constant(''), text), kind: text, namespace: fc.oneof(fc.constant(''), text), name: text }),
      uid: text,
      fields: text,
      dropped: fc.constant(true as const),
      rebuilt: fc.constant(true as const),
      ahead: fc.constant(true as const),
    },
    { requiredKeys: ['ref'] },
  )
  .map((value) => ({ ...value, ref: { ...value.ref } }));
const key = ({ ref }: InventoryEntry): string => `${ref.group}/${ref.kind}/${ref.namespace}/${ref.name}`;
const entries = fc.uniqueArray(entry, { selector: key, maxLength: 50 });
const byKey = (a: InventoryEntry, b: InventoryEntry): number => (key(a) < key(b) ? -1 : 1);

test('what was kept is what is read', () => {
  fc.assert(fc.property(entries, (all) => assert.deepEqual(decodeInventory(encodeInventory(all)), [...all].sort(byKey))));
});

test('order makes no difference to the bytes', () => {
  fc.assert(fc.property(entries, (all) => assert.deepEqual(encodeInventory(all.toReversed()), encodeInventory(all))));
});

test('no flipped byte is ever read as another inventory of the same objects', () => {
  const bytes = encodeInventory([{ ref: { group: '', kind: 'Secret', namespace: 'a', name: 'b' }, uid: 'u' }]);
  for (let at = 10; at < bytes.byteLength; at++) {
    const broken = Uint8Array.from(bytes);
    broken[at] = (broken[at] ?? 0) ^ 0x01;
    assert.throws(() => decodeInventory(broken), InventoryError, `byte ${at}`);
  }
});

const packed = (value: unknown): Uint8Array => gzipSync(JSON.stringify(value));
const row = ['', 'Secret', 'a', 'b', 'uid', '', ''];
const refused: readonly (readonly [string, Uint8Array])[] = [
  ['nothing', new Uint8Array()],
  ['no gzip', Buffer.from('{}')],
  ['no JSON', gzipSync('oops')],
  ['null', packed(null)],
  ['another format', packed({ format: 2, rows: [] })],
  ['no rows', packed({ format: 1 })],
  ['a short row', packed({ format: 1, rows: [row.slice(1)] })],
  ['a number', packed({ format: 1, rows: [row.with(4, 7 as unknown as string)] })],
  ['no name', packed({ format: 1, rows: [row.with(3, '')] })],
  ['an unknown mark', packed({ format: 1, rows: [row.with(6, 'x')] })],
  ['an object twice', packed({ format: 1, rows: [row, row.with(4, 'other')] })],
  ['a bomb', gzipSync(Buffer.alloc(40 * 1024 * 1024))],
];
for (const [what, bytes] of refused)
  test(`an inventory that is ${what} is refused, never read as empty`, () => assert.throws(() => decodeInventory(bytes), InventoryError));

const many = (count: number): InventoryEntry[] =>
  Array.from({ length: count }, (_, at) => ({
    ref: { group: 'apps', kind: 'Deployment', namespace: 'shop', name: `web-${at}` },
    uid: crypto.randomUUID(),
  }));

test('the most entries there may be fit beside content into one Secret', () => {
  const bytes = encodeInventory(many(inventoryEntriesMax));
  assert.ok(bytes.byteLength < 600 * 1024, `${bytes.byteLength} bytes`);
  assert.equal(decodeInventory(bytes).length, inventoryEntriesMax);
});

test('one more is refused', () => {
  assert.throws(() => encodeInventory(many(inventoryEntriesMax + 1)), { code: 'TOO_MANY' });
});
