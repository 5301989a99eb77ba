import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { cases } from './testing/cases.ts';
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
