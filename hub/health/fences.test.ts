import assert from 'node:assert/strict';
import test from 'node:test';
import { judgeFence, type HashedFence } from './fences.ts';

const [a, b] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
const at = (epoch: number, generation: number, hash: Uint8Array = a): HashedFence => ({ epoch, generation, hash });
const record = at(1, 5);

const rows: readonly [string, HashedFence | undefined, Uint8Array | undefined, string][] = [
  ['nothing accepted yet', undefined, undefined, 'Unconfirmed'],
  ['generation 0', at(1, 0), undefined, 'Unconfirmed'],
  ['the same', at(1, 5), undefined, 'Confirmed'],
  ['the same fence, another state', at(1, 5, b), undefined, 'Forked'],
  ['an earlier one that the history knows', at(1, 3), a, 'Confirmed'],
  ['an earlier one of another history', at(1, 3, b), a, 'Forked'],
  ['an earlier one that the history does not reach', at(1, 3), undefined, 'Unconfirmed'],
  ['a higher generation', at(1, 6), undefined, 'Ahead'],
  ['a higher epoch', at(2, 1), undefined, 'Ahead'],
  ['a lower epoch, higher generation', at(0, 9), undefined, 'Unconfirmed'],
];
for (const [name, claimed, history, outcome] of rows)
  test(`fence: ${name}`, () => assert.equal(judgeFence(claimed, record, history).outcome, outcome));
