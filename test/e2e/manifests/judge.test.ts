import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Both, Result } from './both.ts';
import { judge } from './judge.ts';
import type { Project } from './projects.ts';

const healthy: Result = { health: 'Healthy', reason: 'Healthy', message: 'all', objects: 4, inventory: ['a', 'b', 'c', 'd'], seconds: 1 };
const refused: Result = { health: 'Degraded', reason: 'NotAllowed', message: 'closed', objects: 0, inventory: [], seconds: 1 };
const late: Result = { ...healthy, health: 'Degraded', reason: 'HealthTimeout', message: 'Budget x: not healthy' };

const rows: readonly (readonly [what: string, expected: Pick<Project, 'health'>, both: Both, problem: RegExp | undefined])[] = [
  ['healthy on both', { health: 'Healthy' }, { real: healthy, sandbox: healthy }, undefined],
  ['refused on both', { health: 'Refused' }, { real: refused, sandbox: refused }, undefined],
  ['late on both', { health: 'Healthy' }, { real: late, sandbox: late }, /real: expected to be Healthy/],
  ['a difference', { health: 'Healthy' }, { real: healthy, sandbox: late }, /Healthy .* on the real one, Degraded/],
  [
    'an object less',
    { health: 'Healthy' },
    { real: healthy, sandbox: { ...healthy, inventory: ['a', 'b', 'c'] } },
    /only on the real one: d/,
  ],
  [
    'an object more',
    { health: 'Healthy' },
    { real: { ...healthy, inventory: ['a', 'b', 'c'] }, sandbox: healthy },
    /only on the sandbox: d/,
  ],
  ['two differences at once', { health: 'Healthy' }, { real: healthy, sandbox: { ...late, inventory: ['a'] } }, /b, c, d/],
  [
    'refused, but something was written',
    { health: 'Refused' },
    { real: { ...refused, inventory: ['a'] }, sandbox: refused },
    /nothing written/,
  ],
  ['both wrong alike', { health: 'Healthy' }, { real: refused, sandbox: refused }, /real: expected to be Healthy/],
  [
    'fewer reported than there are',
    { health: 'Healthy' },
    { real: { ...healthy, objects: 5 }, sandbox: healthy },
    /5 objects are reported, 4 are there/,
  ],
];
for (const [what, expected, both, problem] of rows)
  test(what, () => {
    const { problems } = judge(expected, both);
    if (problem) assert.match(problems.join('\n'), problem);
    else assert.deepEqual(problems, []);
  });
