// A fresh clone, nobody's rights, empty caches, no Go: two commands later there is a fleet, and afterwards nothing is left of it.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startProcess } from '#deploy/local/processes/mod.ts';
import { newcomer } from './newcomers.ts';
import { Traces } from './traces.ts';
import { visits } from './visits.ts';

test('npm start of a newcomer works at once and again, and leaves nothing behind', { timeout: 20 * 60_000 }, async (t) => {
  for (const { what, code, document, stderr, seen, left, tookMs } of await visits())
    await t.test(`${what}: ${(tookMs / 1000).toFixed(0)} s`, () => {
      assert.deepEqual([code, document?.ok, document?.reason, document?.kubernetes], [0, true, null, 'sandbox'], stderr);
      assert.equal(document?.clusters.length, 6);
      assert.ok(seen.processes >= 8 && seen.ports >= 6, `too little was looked at: ${JSON.stringify(seen)}`);
      assert.deepEqual(left, []);
    });
});

test('whatever is left behind is found', async () => {
  using who = await newcomer();
  const traces = new Traces(who);
  assert.deepEqual(await traces.left(), []);
  const script = `require('net').createServer().listen(0, '127.0.0.1', () => console.log('listens'))`;
  let listens = false;
  await using _process = await startProcess({
    name: 'a server',
    command: process.execPath,
    args: ['-e', script],
    env: { TMPDIR: who.temporary },
    output: { line: () => (listens = true) },
    ready: { what: 'listener', ask: async () => listens },
  });
  traces.look();
  for (const file of [join(who.home, '.surprise'), join(who.home, '.npm'), join(who.temporary, 'half'), join(who.clone, 'made')])
    writeFileSync(file, '');
  const left = (await traces.left()).map((line) => line.replace(who.folder, '').replaceAll(/\d+/g, 'N'));
  assert.deepEqual(
    left.map((line) => line.split(':')[0]),
    ['process N runs', 'port N is open', '/home/.surprise is there', '/tmp/half is there', 'the clone has ?? made'],
  );
});
