// A whole fleet of sandboxes: what is killed comes back, two of them live side by side, and a data folder belongs to one.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { isRunning, portAnswers, temporaryFolder } from '../processes/mod.ts';
import type { RunningServer } from '../servers/mod.ts';
import { startLocalFleet, verdictOf, type Fleet, type Snapshot } from './mod.ts';

const waitMaxMs = 90_000;
const lookEveryMs = 100;

async function until<T>(what: string, look: () => Promise<T | undefined> | T | undefined, seen: () => string): Promise<T> {
  const end = performance.now() + waitMaxMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`waited ${waitMaxMs} ms for ${what}: ${seen()}`);
    await sleep(lookEveryMs);
  }
}

interface Started {
  readonly fleet: Fleet;
  readonly data: string;
  readonly said: string[];
  readonly done: () => Promise<Snapshot>;
}

async function start(t: TestContext, clusters: number, folder = temporaryFolder('fleet')): Promise<Started> {
  const said: string[] = [];
  const { signal } = new AbortController();
  const data = join(folder.path, 'data');
  const options = { data, clusters, kubernetes: 'sandbox', log: (line: string) => void said.push(line), signal } as const;
  const fleet = await startLocalFleet(options);
  t.after(async () => {
    await fleet[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });
  let last = '';
  const done = (): Promise<Snapshot> =>
    until(
      'every app to be healthy',
      async () => {
        const snapshot = await fleet.hub.snapshot().catch(() => undefined);
        const verdict = snapshot && verdictOf(fleet.job, snapshot);
        last = JSON.stringify(verdict);
        return verdict?.state === 'done' ? snapshot : undefined;
      },
      () => `${last}; ${said.join(' | ')}`,
    );
  return { fleet, data, said, done };
}

test('whatever part of a fleet is killed comes back, is said so, and the fleet is healthy again', async (t) => {
  const { fleet, data, said, done } = await start(t, 1);
  await done();
  const spoke = fleet.spokes.get('dev-1');
  assert.ok(spoke);
  assert.equal(readFileSync(join(data, 'spokes', 'dev-1', 'pid'), 'utf8'), `${spoke.pid}\n`);
  const parts: readonly (readonly [RegExp, RunningServer])[] = [
    [/^spoke dev-1 /, spoke],
    [/^nats-server /, fleet.nats.process],
    [/^registry /, fleet.registry.process],
    [/^sandbox /, fleet.sandbox ?? assert.fail('no sandbox')],
    [/^hub /, fleet.hubProcess],
  ];
  for (const [name, part] of parts) {
    const victim = part.pid;
    assert.ok(victim, String(name));
    said.length = 0;
    process.kill(victim, 'SIGKILL');
    const words = (): string[] => said.filter((line) => name.test(line));
    await until(
      `${name} to run again`,
      () => words().find((line) => / runs again, process \d+$/.test(line)),
      () => said.join(' | '),
    );
    assert.match(words()[0] ?? '', / ended \(SIGKILL\); starting it again in 0\.5 s$/);
    assert.ok(part.pid && part.pid !== victim && isRunning(part.pid), String(name));
    // A commit goes all the way through what has just come back.
    const files = {
      'after.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: after}\ndata: {killed: ${JSON.stringify(String(name))}}\n`,
    };
    const commit = await fleet.git.commitFiles('payments/ledger', files, 'After a kill', {
      name: 'Somebody',
      email: 's@wheelhouse.example',
    });
    const job = { ...fleet.job, apps: fleet.job.apps.map((one) => (one.app === 'ledger' ? { ...one, commit } : one)) };
    let last = '';
    await until(
      `a commit to travel after ${name}`,
      async () => {
        const snapshot = await fleet.hub.snapshot().catch(() => undefined);
        const verdict = snapshot && verdictOf(job, snapshot);
        last = JSON.stringify(verdict);
        return verdict?.state === 'done' ? true : undefined;
      },
      () => last,
    );
  }
  assert.equal(readFileSync(join(data, 'spokes', 'dev-1', 'pid'), 'utf8'), `${spoke.pid}\n`, 'the number of the process that runs now');
});

test('two fleets live side by side, share nothing, and one ends without the other', async (t) => {
  const [one, two] = await Promise.all([start(t, 1), start(t, 1)]);
  const [first, second] = await Promise.all([one.done(), two.done()]);
  const ports = [...Object.values(one.fleet.ports), ...Object.values(two.fleet.ports)];
  assert.equal(new Set(ports).size, ports.length);
  assert.notEqual(first.clusters[0]?.uid, second.clusters[0]?.uid);
  await one.fleet[Symbol.asyncDispose]();
  assert.equal(await portAnswers(one.fleet.ports.api), false);
  await two.done();
  assert.equal(existsSync(join(one.data, 'lock')), false);
});

test('a data folder belongs to one fleet at a time', async (t) => {
  const { data, fleet } = await start(t, 1);
  const again = (): Promise<Fleet> =>
    startLocalFleet({ data, clusters: 1, kubernetes: 'sandbox', log: () => undefined, signal: new AbortController().signal });
  await assert.rejects(again, (error: Error & { code?: string }) => {
    assert.equal(error.code, 'DATA_IN_USE');
    assert.equal(error.message, `${data} is in use by process ${process.pid}: stop it, or give another folder to --data`);
    return true;
  });
  assert.equal(await portAnswers(fleet.ports.api), true, 'the first goes on');
});
