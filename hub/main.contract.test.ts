import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { seededRandom, VirtualClock } from '#shared/clock/mod.ts';
import { openSqliteStore } from '#hub/store/mod.ts';
import { recordFile } from './hub.ts';

const run = promisify(execFile);
const main = join(import.meta.dirname, 'main.ts');

test('writing the configuration of NATS again leaves the record to the hub that is running', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'wheelhouse-main-'));
  t.after(() => rm(dir, { recursive: true }));
  const file = join(dir, 'nats.conf');
  const config = async (): Promise<string> => {
    await run(process.execPath, [main, 'nats-config', file], {
      env: { ...process.env, WHEELHOUSE_DATA: join(dir, 'hub') },
      timeout: 60_000,
    });
    return readFile(file, 'utf8');
  };
  const first = await config();
  await using store = await openSqliteStore({ file: recordFile(join(dir, 'hub')), clock: new VirtualClock(), random: seededRandom(1) });
  const decide = (): Promise<void> =>
    store.decide(
      async () => undefined,
      () => ({ result: undefined, outbox: ['target:1'] }),
    );
  await decide();
  // User credentials in it are minted anew; the keys are the same.
  assert.equal((await config()).split('\n').length, first.split('\n').length);
  await decide();
});
