import assert from 'node:assert/strict';
import test from 'node:test';
import { seededRandom, VirtualClock } from '#shared/clock/mod.ts';
import { MemorySource, SourceError, SourcePoller, type PolledApp, type Source } from './mod.ts';

const intervalMs = 30_000;

class Fixture {
  readonly clock = new VirtualClock();
  apps: PolledApp[] = [{ id: 1, generation: 1 }];
  readonly sources = new Map<number, Source>();
  readonly handed: string[] = [];
  readonly errors: string[] = [];
  asked = 0;
  fail: Error | undefined;
  readonly poller: SourcePoller<PolledApp>;
  constructor(parallelMax = 4) {
    this.poller = new SourcePoller({
      apps: async () => this.apps,
      open: ({ id }) => {
        this.asked++;
        return this.sources.get(id) ?? new MemorySource();
      },
      onCommit: async ({ id, generation }, commit) => {
        if (this.fail) throw this.fail;
        this.handed.push(`${id}/${generation} ${commit}`);
      },
      onError: ({ id }, error) => this.errors.push(`${id} ${(error as { code?: string }).code}`),
      clock: this.clock,
      random: seededRandom(1),
      intervalMs,
      parallelMax,
    });
  }
  memory(id = 1): MemorySource {
    const source = new MemorySource();
    this.sources.set(id, source);
    return source;
  }
}

test('each commit is handed over once, the next one within an interval and its jitter', async () => {
  const f = new Fixture();
  const source = f.memory();
  const first = source.commit({ a: 'a' });
  await f.poller.start();
  await f.poller.idle();
  assert.deepEqual(f.handed, [`1/1 ${first}`]);
  await f.clock.advance(3 * intervalMs);
  assert.equal(f.handed.length, 1);
  const second = source.commit({ a: 'b' });
  await f.clock.advance(1.2 * intervalMs);
  assert.deepEqual(f.handed, [`1/1 ${first}`, `1/1 ${second}`]);
  assert.deepEqual(f.poller.status(1), { commit: second, answeredAt: f.poller.status(1)?.answeredAt, error: undefined, failures: 0 });
  await f.poller.stop();
});

test('a poll asked for happens at once', async () => {
  const f = new Fixture();
  const source = f.memory();
  source.commit({ a: 'a' });
  await f.poller.start();
  await f.poller.idle();
  source.commit({ a: 'b' });
  f.poller.pollNow(1);
  f.poller.pollNow(1);
  f.poller.pollNow(99);
  await f.poller.idle();
  assert.equal(f.handed.length, 2);
  await f.poller.stop();
});

test('a changed app is looked at again at once, a new one too, and one that is gone no more', async () => {
  const f = new Fixture();
  const commit = f.memory().commit({ a: 'a' });
  const other = f.memory(2).commit({ b: 'b' });
  await f.poller.start();
  await f.poller.idle();
  f.apps = [
    { id: 1, generation: 2 },
    { id: 2, generation: 1 },
  ];
  await f.poller.refresh();
  await f.poller.idle();
  assert.deepEqual(f.handed, [`1/1 ${commit}`, `1/2 ${commit}`, `2/1 ${other}`]);
  f.apps = [];
  await f.poller.refresh();
  const { asked } = f;
  await f.clock.advance(10 * intervalMs);
  assert.equal(f.asked, asked);
  assert.equal(f.poller.status(1), undefined);
  await f.poller.stop();
});

test('the list is read again by itself', async () => {
  const f = new Fixture();
  f.apps = [];
  await f.poller.start();
  f.memory().commit({ a: 'a' });
  f.apps = [{ id: 1, generation: 1 }];
  await f.clock.advance(1.2 * intervalMs);
  assert.equal(f.handed.length, 1);
  await f.poller.stop();
});

test('a source that fails is asked less and less often, its error is shown, and it recovers', async () => {
  const f = new Fixture();
  await f.poller.start();
  await f.poller.idle();
  assert.equal(f.poller.status(1)?.error?.code, 'REF_MISSING');
  assert.equal(f.poller.status(1)?.commit, '');
  await f.clock.advance(3_600_000);
  const { failures = 0 } = f.poller.status(1) ?? {};
  // 2 s doubling to 5 min: about 8 attempts to get there, then 10-20 an hour; with a fixed 2 s it would be over a thousand.
  assert.ok(failures > 10 && failures < 40, String(failures));
  assert.equal(f.errors.length, failures);
  const commit = f.memory().commit({ a: 'a' });
  await f.clock.advance(450_000);
  assert.deepEqual([f.poller.status(1)?.commit, f.poller.status(1)?.error, f.poller.status(1)?.failures], [commit, undefined, 0]);
  await f.poller.stop();
});

test('a commit that could not be taken is handed over again', async () => {
  const f = new Fixture();
  const commit = f.memory().commit({ a: 'a' });
  f.fail = new SourceError('UNREACHABLE', 'the registry is down');
  await f.poller.start();
  await f.poller.idle();
  assert.deepEqual(f.errors, ['1 UNREACHABLE']);
  f.fail = undefined;
  await f.clock.advance(3_000);
  assert.deepEqual(f.handed, [`1/1 ${commit}`]);
  await f.poller.stop();
});

test('one source that hangs delays no other, and no more than the maximum are asked at once', async () => {
  const f = new Fixture(2);
  f.apps = [1, 2, 3, 4].map((id) => ({ id, generation: 1 }));
  let [now, most] = [0, 0];
  const release: (() => void)[] = [];
  const slow = (hangs: boolean): Source => ({
    head: async () => {
      most = Math.max(most, ++now);
      await (hangs ? new Promise<void>((resolve) => release.push(resolve)) : Promise.resolve());
      now--;
      return { commit: 'c' };
    },
    read: () => Promise.reject(new Error('not read')),
  });
  for (const { id } of f.apps) f.sources.set(id, slow(id === 1));
  await f.poller.start();
  await f.clock.advance(1);
  assert.deepEqual(f.handed, ['2/1 c', '3/1 c', '4/1 c']);
  assert.equal(most, 2);
  release[0]?.();
  await f.poller.idle();
  await f.poller.stop();
});

test('stopping tells who is being asked, waits for them, and nothing happens after', async () => {
  const f = new Fixture();
  let told = false;
  f.sources.set(1, {
    head: (signal) =>
      new Promise((_, reject) =>
        signal.addEventListener('abort', () => {
          told = true;
          reject(signal.reason as Error);
        }),
      ),
    read: () => Promise.reject(new Error('not read')),
  });
  await f.poller.start();
  await f.poller.stop();
  assert.ok(told);
  const { asked } = f;
  await f.clock.advance(10 * intervalMs);
  f.poller.pollNow(1);
  assert.equal(f.asked, asked);
  assert.deepEqual(f.errors, []);
});
