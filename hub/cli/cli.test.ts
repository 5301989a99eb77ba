import { version } from '#shared/kernel/mod.ts';
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { exits } from './exits.ts';
import { cases, commands } from './testing/cases.ts';
import { readRecorded, tell, type Told } from './testing/fake.ts';

const recorded = readRecorded(join(import.meta.dirname, 'testdata/recorded.json'));

const quoted = (word: string): string => (/^[\w./:=@-]+$/.test(word) ? word : `'${word}'`);

/** One file tells the whole: what was typed, what was asked of the hub, what was said on which stream, how it ended. Rewrite: --test-update-snapshots. */
const transcript = (words: readonly string[], { asked, out, err, exit }: Told): string =>
  [
    `$ wheelhouse ${words.map(quoted).join(' ')}`,
    ...asked.map((each) => `> ${each}`),
    ...(out === '' ? [] : ['--- stdout', out.replaceAll('\u001B', '\\e').replace(/\n$/, '')]),
    ...(err === '' ? [] : ['--- stderr', err.replaceAll('\u001B', '\\e').replace(/\n$/, '')]),
    `--- exit ${exit}`,
    '',
  ].join('\n');

for (const { name, words, scene } of cases) {
  test(`wheelhouse ${name}`, async (t) => {
    const told = await tell(words, recorded, scene);
    assert.doesNotMatch(told.err + told.out, /NOT_RECORDED|INTERNAL/);
    t.assert.fileSnapshot(transcript(words, told), join(import.meta.dirname, `golden/${name}.txt`), { serializers: [String] });
  });
}

test('every case has a name of its own', () => {
  assert.equal(new Set(cases.map(({ name }) => name)).size, cases.length);
});

const isOf = (words: readonly string[], command: string): boolean => words.slice(0, command.split(' ').length).join(' ') === command;

test('every command that the program has is told in golden files: its help, and what it does or refuses', () => {
  assert.ok(commands.length > 20);
  const untold = commands.filter((command) => {
    const own = cases.filter(({ words }) => isOf(words, command));
    const help = own.some(({ words }) => words.at(-1) === '--help' && words.length === command.split(' ').length + 1);
    return !help || !own.some(({ words }) => !words.includes('--help'));
  });
  assert.deepEqual(untold, []);
});

test('the command is of the version of its package', () => {
  const { version: packed } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as { version: string };
  assert.equal(version, packed);
});

test('every exit code is reached', async () => {
  const reached = new Set<number>();
  for (const { words, scene } of cases) reached.add((await tell(words, recorded, scene)).exit);
  assert.deepEqual([...reached].toSorted(), Object.values(exits).toSorted());
});

test('no golden file is left of a case that there is no more', () => {
  const names = new Set(cases.map(({ name }) => `${name}.txt`));
  assert.deepEqual(
    readdirSync(join(import.meta.dirname, 'golden')).filter((file) => !names.has(file)),
    [],
  );
});
