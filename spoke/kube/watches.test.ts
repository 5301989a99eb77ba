import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRandom, VirtualClock } from '../../shared/clock/mod.ts';
import { configMap, configMaps } from './contract.ts';
import { KubeError } from './errors.ts';
import { linesOf } from './lines.ts';
import { watchQuietMaxMs, type WatchEvent } from './port.ts';
import { WatchTable } from './watch-health.ts';
import { watchFrom, watchSilenceMaxMs } from './watches.ts';

const line = (type: string, name: string, version: string): string => {
  const object = configMap('shop', name, {});
  return `${JSON.stringify({ type, object: { ...object, metadata: { ...object.metadata, resourceVersion: version } } })}\n`;
};
const bookmark = (version: string): string =>
  `${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: version } } })}\n`;
const fault = (code: number): string =>
  `${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', apiVersion: 'v1', code, message: 'no' } })}\n`;

/** A stream: its lines, and then an end, a break, or silence. */
type Stream = readonly [lines: string, then: 'ends' | 'breaks' | 'is silent'] | KubeError;

function harness(...streams: readonly Stream[]) {
  const clock = new VirtualClock();
  const opened: string[] = [];
  const stop = new AbortController();
  const open = async (version: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> => {
    const stream = streams[opened.length];
    opened.push(version);
    if (stream instanceof KubeError) throw stream;
    return chunks(stream ?? ['', 'is silent'], signal);
  };
  const seen: string[] = [];
  const parts = { kind: configMaps, open, clock, random: seededRandom(1), lineMaxBytes: 1_000, progress: () => undefined };
  const done = (async () => {
    for await (const event of watchFrom('5', parts, stop.signal)) seen.push(shown(event));
  })();
  return { clock, opened, seen, stop, done };
}

async function* chunks([lines, then]: Exclude<Stream, KubeError>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  yield Buffer.from(lines);
  if (then === 'breaks') throw new Error('socket hang up');
  if (then === 'is silent')
    await new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
}

const shown = (event: WatchEvent): string =>
  event.type === 'RESYNC'
    ? event.reason.slice(0, 12)
    : event.type === 'BOOKMARK'
      ? `= ${event.resourceVersion}`
      : `${event.type} ${event.object.metadata.name}`;

const unavailable = new KubeError('SERVER_UNAVAILABLE', 'no answer');
const goesOn: readonly { what: string; first: Stream; from: string }[] = [
  { what: 'the stream ends', first: [line('ADDED', 'a', '6') + bookmark('9'), 'ends'], from: '9' },
  { what: 'the stream breaks', first: [line('ADDED', 'a', '6'), 'breaks'], from: '6' },
  {
    what: 'the stream stops in the middle of a line',
    first: [line('ADDED', 'a', '6') + line('ADDED', 'b', '7').slice(0, -5), 'ends'],
    from: '6',
  },
  { what: 'the server has its troubles', first: [line('ADDED', 'a', '6') + fault(500), 'is silent'], from: '6' },
  { what: 'a line is no JSON', first: [`${line('ADDED', 'a', '6')}<html>\n`, 'is silent'], from: '6' },
  { what: 'an event is of an unknown type', first: [line('ADDED', 'a', '6') + line('RENAMED', 'a', '7'), 'is silent'], from: '6' },
  {
    what: 'an event is of another kind',
    first: [line('ADDED', 'a', '6') + line('ADDED', 'b', '7').replace('ConfigMap', 'Secret'), 'ends'],
    from: '6',
  },
  { what: 'it cannot be opened', first: unavailable, from: '5' },
];
for (const { what, first, from } of goesOn)
  test(`when ${what}, the watch goes on from the last version seen`, async () => {
    const { clock, opened, seen, stop, done } = harness(first, [line('MODIFIED', 'z', '10'), 'is silent']);
    await clock.advance(0);
    await clock.advance(1_000);
    assert.deepEqual(opened, ['5', from]);
    assert.equal(seen.at(-1), 'MODIFIED z');
    stop.abort();
    await done;
  });

const ends: readonly { what: string; first: Stream; reason: string }[] = [
  { what: 'the version is gone', first: [fault(410), 'is silent'], reason: 'GONE' },
  { what: 'the version is gone from the start', first: new KubeError('GONE', 'x'), reason: 'GONE' },
  { what: 'the kind is gone', first: new KubeError('NO_SUCH_KIND', 'x'), reason: 'NO_SUCH_KIND' },
  { what: 'the right is gone', first: new KubeError('FORBIDDEN', 'x'), reason: 'FORBIDDEN' },
  { what: 'a line has no end', first: [`"${'x'.repeat(2_000)}`, 'is silent'], reason: 'TOO_LARGE' },
];
for (const { what, first, reason } of ends)
  test(`when ${what}, the watch ends with one RESYNC`, async () => {
    const { seen, opened, done } = harness(first);
    await done;
    assert.equal(seen.length, 1);
    assert.ok(seen[0]?.startsWith(reason.slice(0, 12)), seen[0]);
    assert.equal(opened.length, 1);
  });

test('a watch that says nothing for too long is reconnected', async () => {
  const { clock, opened, stop, done } = harness([line('ADDED', 'a', '6'), 'is silent']);
  await clock.advance(0);
  await clock.advance(watchSilenceMaxMs - 1);
  assert.equal(opened.length, 1);
  await clock.advance(2_000);
  assert.deepEqual(opened, ['5', '6']);
  assert.ok(watchSilenceMaxMs + 20_000 < watchQuietMaxMs, 'a watch of a kind of which nothing happens never counts as lost');
  stop.abort();
  await done;
});

test('a server that refuses is asked less and less often', async () => {
  const { clock, opened, stop, done } = harness(...Array.from({ length: 100 }, () => unavailable));
  await clock.advance(0);
  for (let minute = 0; minute < 10; minute++) await clock.advance(60_000);
  assert.ok(opened.length > 10 && opened.length < 60, `${opened.length} attempts in ten minutes`);
  stop.abort();
  await done;
});

test('lines come out whole however the bytes are cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ minLength: 1 }).filter((text) => text.trim() !== '' && !/[\n\r]/.test(text))),
      fc.nat(),
      async (lines, seed) => {
        const random = seededRandom(seed);
        async function* cut(): AsyncGenerator<Uint8Array> {
          for (let bytes = Buffer.from(lines.map((text) => `${text}\n`).join('')); bytes.byteLength > 0;) {
            const at = 1 + Math.floor(random.next() * 7);
            yield bytes.subarray(0, at);
            bytes = bytes.subarray(at);
          }
        }
        assert.deepEqual(await Array.fromAsync(linesOf(cut(), 10_000)), lines);
      },
    ),
  );
});

test('health is of the watch that is furthest behind, one that waits for its list included', async () => {
  const clock = new VirtualClock();
  const table = new WatchTable(clock);
  const stop = new AbortController();
  const [first, second] = [table.begin('a', stop.signal), table.begin('b', stop.signal)];
  await clock.advance(5_000);
  second.progress();
  assert.deepEqual(table.health(), { watches: 2, quietestMs: 5_000, quiet: [] });
  first.end();
  await clock.advance(1_000);
  assert.deepEqual(table.health(), { watches: 1, quietestMs: 1_000, quiet: [] });
  const again = table.begin('b', stop.signal);
  assert.deepEqual(table.health(), { watches: 1, quietestMs: 1_000, quiet: [] });
  second.end();
  assert.equal(table.health().watches, 1);
  again.progress();
  assert.equal(table.health().quietestMs, 0);
  stop.abort();
  assert.deepEqual(table.health(), { watches: 0, quietestMs: 0, quiet: [] });
});

test('a watch that is quiet for too long is named by its kind', async () => {
  const clock = new VirtualClock();
  const table = new WatchTable(clock);
  const { signal } = new AbortController();
  table.begin('Widget.acme.dev shop', signal);
  const lively = table.begin('ConfigMap. ', signal);
  await clock.advance(watchQuietMaxMs + 1);
  lively.progress();
  assert.deepEqual(table.health().quiet, ['Widget.acme.dev']);
});
