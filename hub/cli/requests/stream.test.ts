import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { eventsOf } from './stream.ts';

async function* chunks(text: string, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  for (let i = 1; i < places.length; i++) yield bytes.subarray(places[i - 1], places[i]);
}

const text =
  ': open\n\nevent: added\nid: 1\ndata: {"a":"é"}\n\n: beat\n\nevent: bookmark\nid: 2\ndata: {}\n\ndata: one\ndata: two\r\n\r\nevent: cut off';
const want = [
  { event: 'added', id: '1', data: '{"a":"é"}' },
  { event: 'bookmark', id: '2', data: '{}' },
  { event: 'message', id: '', data: 'one\ntwo' },
];

test('events are the same however the stream is cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(500), { maxLength: 12 }), async (cuts) => {
      assert.deepEqual(await Array.fromAsync(eventsOf(chunks(text, cuts))), want);
    }),
  );
});

test('an event without end is refused', async () => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield new Uint8Array(1024 * 1024).fill(97);
  }
  await assert.rejects(Array.fromAsync(eventsOf(endless())), /larger than 4 Mi/);
});
