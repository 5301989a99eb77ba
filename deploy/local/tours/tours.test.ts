import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { missingLine, stepsOf, tourLines } from './mod.ts';

const text = `# Title
## Tour
### 1. Look
Words.
\`\`\`sh
not of the tour
\`\`\`
\`\`\`sh tour
. .fleet/env
status | head
\`\`\`
\`\`\`text tour
clusters  6: …
\`\`\`
and
\`\`\`sh tour look
again
\`\`\`
### 2. No commands
## Other
`;

test('steps: the marked blocks below each heading, and no others', () => {
  assert.deepEqual(stepsOf(text), [
    {
      title: '1. Look',
      stops: [
        { commands: ['. .fleet/env', 'status | head'], isLook: false, sees: ['clusters  6: …'] },
        { commands: ['again'], isLook: true, sees: [] },
      ],
    },
  ]);
});

const astray: readonly (readonly [string, string])[] = [
  ['seen before anything was typed', '### 1\n```text tour\nx\n```\n'],
  ['typed below no heading', '```sh tour\nx\n```\n'],
  ['seen twice for one thing typed', '### 1\n```sh tour\nx\n```\n```text tour\ny\n```\n```text tour\nz\n```\n'],
];
for (const [name, wrong] of astray) test(`a block ${name} is refused`, () => assert.throws(() => stepsOf(wrong), /belongs to nothing/));

const output = 'Healthy  http://127.0.0.1:1\nclusters      6: 6 Healthy (all)\nDone';
const seen: readonly (readonly [string, readonly string[], string | undefined])[] = [
  ['nothing is asked', [], undefined],
  ['a part of a line', ['http://127'], undefined],
  ['any width of columns', ['clusters 6: 6 Healthy (all)'], undefined],
  ['a wildcard', ['clusters …: … Healthy', '…', 'Done'], undefined],
  ['a wildcard within a word', ['http://127…:1'], undefined],
  ['a line that is not there', ['clusters 7'], 'clusters 7'],
  ['the wrong order', ['Done', 'clusters'], 'clusters'],
  ['one line does not serve twice', ['Done', 'Done'], 'Done'],
  ['letters of patterns mean themselves', ['6 Healthy .all.'], '6 Healthy .all.'],
];
for (const [name, sees, missing] of seen) test(`seen: ${name}`, () => assert.equal(missingLine(sees, output), missing));

test('printed: title and commands, with the name that the folder has here', () => {
  assert.deepEqual(
    tourLines(stepsOf(text), '/data', (title) => `*${title}*`),
    ['', '*1. Look*', '  . /data/env', '  status | head', '  again'],
  );
});

test('the tour of README.md can be read, begins with the shell, and every step says what one sees', () => {
  const steps = stepsOf(readFileSync(join(import.meta.dirname, '../../../README.md'), 'utf8'));
  assert.ok(steps.length >= 5);
  assert.equal(steps[0]?.stops[0]?.commands[0], '. .fleet/env');
  for (const { title, stops } of steps)
    assert.ok(
      stops.some(({ sees }) => sees.length > 0),
      title,
    );
  for (const line of tourLines(steps, '.fleet', String)) assert.ok(line.length <= 100, line);
});
