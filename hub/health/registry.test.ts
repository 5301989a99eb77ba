import assert from 'node:assert/strict';
import test from 'node:test';
import { silenceOf } from './evidence.ts';
import { Registry } from './registry.ts';
import { settlingLimits } from './settling.ts';

const beatMs = 4_000;
const tickMs = 500;

/** A fleet of which all beat for a minute, and then all but the first few. What is said of the first, and when that began. */
function told(clusters: number, silent: number): { readonly said: readonly string[]; readonly atMs: number } {
  const registry = new Registry(beatMs, settlingLimits(beatMs, 30_000));
  const ids = Array.from({ length: clusters }, (_, id) => id);
  for (const id of ids) registry.joined(id, { close: () => {} }, `process-${id}`, 0);
  const said: string[] = [];
  let atMs = 0;
  for (let nowMs = 0; nowMs <= 180_000; nowMs += tickMs) {
    if (nowMs % beatMs === 0) for (const id of ids) if (nowMs <= 60_000 || id >= silent) registry.beat(id, '', '', nowMs);
    registry.look(nowMs);
    const word = silenceOf(registry.contactOf(0), { nowMs, beatMs, settling: registry.settling !== undefined }) ?? 'Vouched';
    if (word === said.at(-1)) continue;
    said.push(word);
    atMs = nowMs;
  }
  return { said, atMs };
}

test('one silent spoke reads SpokeSilent at the same moment, however small the fleet', () => {
  const large = told(100, 1);
  assert.deepEqual(large.said, ['Vouched', 'SpokeSilent']);
  for (let clusters = 1; clusters <= 9; clusters++) assert.deepEqual(told(clusters, 1), large, `${clusters} clusters`);
});

test('when many fall silent together the hub is the suspect first, however small the fleet', () => {
  for (const [clusters, silent] of [
    [2, 2],
    [3, 2],
    [9, 2],
    [9, 9],
    [10, 3],
    [100, 21],
  ] as const)
    assert.deepEqual(told(clusters, silent).said, ['Vouched', 'Settling', 'SpokeSilent'], `${silent} of ${clusters}`);
});
