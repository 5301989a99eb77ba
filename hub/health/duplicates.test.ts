import assert from 'node:assert/strict';
import test from 'node:test';
import { duplicateWindowMs, holdersAfter, type Holders } from './duplicates.ts';

/** Hellos of these processes, a second apart unless told; which of them said `duplicate`. */
function alarms(processes: string, stepMs = 1_000): number[] {
  let holders: Holders | undefined;
  const found: number[] = [];
  for (const [index, id] of processes.split('').entries()) {
    const next = holdersAfter(holders, id, index * stepMs);
    holders = next.holders;
    if (next.duplicate) found.push(index);
  }
  return found;
}

const rows: readonly [string, string, number[]][] = [
  ['one process that reconnects', 'AAAAAAAA', []],
  ['a restart', 'AAABBB', []],
  ['many restarts', 'ABCDEFGH', []],
  ['a restart whose old process speaks once more', 'ABA', []],
  ['two that take it from each other', 'ABAB', [3]],
  ['said once, not per swap', 'ABABABAB', [3]],
];
for (const [name, processes, expected] of rows) test(`duplicates: ${name}`, () => assert.deepEqual(alarms(processes), expected));

test('slow alternation is two restarts, not two processes', () => {
  assert.deepEqual(alarms('ABABAB', duplicateWindowMs + 1), []);
});
