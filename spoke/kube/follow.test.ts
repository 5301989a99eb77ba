import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom, VirtualClock } from '../../shared/clock/mod.ts';
import { configMap, configMaps } from './contract.ts';
import { follow, type Followed } from './follow.ts';
import { MemoryKube } from './memory/mod.ts';
import { watchQuietMaxMs } from './port.ts';

function harness() {
  const clock = new VirtualClock();
  const client = new MemoryKube({ clock });
  const stop = new AbortController();
  const seen: string[] = [];
  const shown = (event: Followed): string =>
    event.type === 'LISTED'
      ? `LISTED ${event.objects.map(({ metadata }) => metadata.name).join()}`
      : event.type === 'FAILED'
        ? 'FAILED'
        : `${event.type} ${event.object.metadata.name}`;
  const done = (async () => {
    for await (const event of follow({ client, clock, random: seededRandom(1) }, configMaps, { namespace: 'default' }, stop.signal))
      seen.push(shown(event));
  })();
  // What was just set in motion gets to set its timers before time moves.
  const pass = async (ms: number): Promise<void> => {
    await clock.advance(0);
    await clock.advance(ms);
  };
  const put = (name: string): void => void client.put(configMap('default', name, {}));
  return { clock, pass, client, seen, stop, done, put };
}

test('what is there, then what happens, then all of it again after a gap', async () => {
  const { clock, pass, client, seen, stop, done, put } = harness();
  put('a');
  await clock.advance(0);
  put('b');
  await clock.advance(0);
  client.silence();
  put('c');
  await clock.advance(0);
  assert.deepEqual(seen, ['LISTED a', 'ADDED b']);
  client.compact();
  client.heal();
  await pass(10_000);
  assert.deepEqual(seen, ['LISTED a', 'ADDED b', 'LISTED a,b,c']);
  stop.abort();
  await done;
});

test('a list that fails is said, tried again later, and nothing is taken for gone', async () => {
  const { pass, client, seen, stop, done, put } = harness();
  put('a');
  client.fail({ verb: 'list', code: 'SERVER_UNAVAILABLE', times: 3 });
  await pass(60_000);
  assert.deepEqual(seen, ['FAILED', 'FAILED', 'FAILED', 'LISTED a']);
  stop.abort();
  await done;
});

test('a silent API server shows in the health of the watches, and its end too', async () => {
  const { pass, client, stop, done } = harness();
  await pass(600_000);
  assert.equal(client.watchHealth().watches, 1);
  assert.ok(client.watchHealth().quietestMs <= watchQuietMaxMs, 'bookmarks are progress');
  client.silence();
  await pass(watchQuietMaxMs + 60_000);
  assert.ok(client.watchHealth().quietestMs > watchQuietMaxMs);
  client.heal();
  await pass(61_000);
  assert.ok(client.watchHealth().quietestMs <= watchQuietMaxMs);
  stop.abort();
  await done;
  assert.equal(client.watchHealth().watches, 0);
});
