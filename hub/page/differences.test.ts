import assert from 'node:assert/strict';
import test from 'node:test';
import { looksSame } from './differences.ts';
import { html } from './html.ts';

const age = (at: number, said: string) => html`<li>prod-1 <span class="age" data-at="${at}">${said}</span></li>`.text;

const rows: readonly (readonly [what: string, before: string, after: string, same: boolean])[] = [
  ['nothing happened', age(1_000, '5s'), age(1_000, '5s'), true],
  ['only time passed', age(1_000, '5s'), age(1_000, '7s'), true],
  ['time passed, and the moments of two questions differ', age(1_000, '5s'), age(1_900, '7s'), true],
  ['it was heard again', age(1_000, '5s'), age(9_000, '0s'), false],
  ['a word changed', age(1_000, '5s'), age(1_000, '5s').replace('prod-1', 'prod-2'), false],
  ['there is one more', age(1_000, '5s'), age(1_000, '5s') + age(1_000, '5s'), false],
  ['there was nothing', '', age(1_000, '5s'), false],
  ['the hub has started anew', age(900_000, '5s'), age(-4_000, '9s'), false],
];
for (const [what, before, after, same] of rows)
  test(`${what}: ${same ? 'the same' : 'sent'}`, () => assert.equal(looksSame(before, after), same));
