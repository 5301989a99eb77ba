import assert from 'node:assert/strict';
import test from 'node:test';
import { AssignmentReport, Health, reportSetHash, type HubMessage, type SpokeMessage } from '#proto/mod.ts';
import { VirtualClock, seededRandom } from '#shared/clock/mod.ts';
import type { RpcStream } from '#shared/rpc/mod.ts';
import { silentLog } from '#shared/telemetry/mod.ts';
import { Link, ReportSet } from './mod.ts';

const report = (uid: string, message = ''): AssignmentReport => ({
  ...AssignmentReport.decode(new Uint8Array()),
  assignmentUid: uid,
  health: Health.HEALTH_HEALTHY,
  message,
});
const decoded = (next: { value: Uint8Array } | undefined): AssignmentReport | undefined => next && AssignmentReport.decode(next.value);
const hashOf = (...reports: AssignmentReport[]): string =>
  reportSetHash(reports.map((r) => [r.assignmentUid, AssignmentReport.encode(r).finish()])).toString('hex');

test('a report set sends the last value once, and vouches only for what was sent', () => {
  const set = new ReportSet();
  assert.equal(set.put(report('a', 'one')), true);
  assert.equal(set.put(report('a', 'two')), true);
  assert.equal(set.put(report('a', 'two')), false);
  assert.equal(Buffer.from(set.sentHash).toString('hex'), hashOf());
  assert.deepEqual([decoded(set.next())?.message, set.next()], ['two', undefined]);
  assert.equal(Buffer.from(set.sentHash).toString('hex'), hashOf(report('a', 'two')));
  set.put(report('b'));
  set.confirmed();
  assert.equal(set.next(), undefined);
  set.forgotten();
  assert.deepEqual([decoded(set.next())?.assignmentUid, decoded(set.next())?.assignmentUid], ['a', 'b']);
  set.refused('b');
  assert.equal(Buffer.from(set.sentHash).toString('hex'), hashOf(report('a', 'two')));
});

/** A hub's end without a network: what the spoke sent, and a way to answer. */
class FakeHub {
  readonly streams: { sent: SpokeMessage[]; say: (message: HubMessage['message']) => void; cut: () => void; givenUp: boolean }[] = [];
  open = async (signal: AbortSignal): Promise<RpcStream<HubMessage, SpokeMessage>> => {
    const sent: SpokeMessage[] = [];
    const waiting: (HubMessage | undefined)[] = [];
    let wake = (): void => {};
    const push = (message: HubMessage | undefined): void => {
      waiting.push(message);
      wake();
    };
    const stream = { sent, say: (message: HubMessage['message']) => push({ message }), cut: () => push(undefined), givenUp: false };
    this.streams.push(stream);
    signal.addEventListener('abort', () => {
      stream.givenUp = true;
      push(undefined);
    });
    return {
      send: (message: SpokeMessage) => sent.push(message),
      end: () => push(undefined),
      async *[Symbol.asyncIterator]() {
        for (;;) {
          while (waiting.length > 0) {
            const next = waiting.shift();
            if (!next) return;
            yield next;
          }
          await new Promise<void>((resolve) => (wake = resolve));
        }
      },
    } as unknown as RpcStream<HubMessage, SpokeMessage>;
  };
  get last() {
    const stream = this.streams.at(-1);
    assert.ok(stream);
    return stream;
  }
  kinds(): (string | undefined)[] {
    return this.last.sent.map((m) => m.message?.$case);
  }
}

function start(over: Partial<ConstructorParameters<typeof Link>[0]> = {}) {
  const hub = new FakeHub();
  const clock = new VirtualClock();
  const stop = new AbortController();
  const link = new Link({
    open: hub.open,
    version: '0.1.0',
    processId: 'p1',
    kubeSystemUid: 'k1',
    capabilities: [],
    facts: () => ({ kubernetesVersion: '', nodes: 0, labels: {} }),
    keysetVersion: () => 1,
    fence: () => undefined,
    heldEnvelope: () => undefined,
    observing: () => ({ observing: false, reason: 'ApiServerSilent' }),
    onWelcome: () => {},
    onFence: () => {},
    onCommand: async (c) => ({ id: c.id, ok: true, code: '', message: '' }),
    onTrust: () => {},
    onGone: () => {},
    clock,
    random: seededRandom(1),
    log: silentLog,
    ...over,
  });
  const done = link.run(stop.signal);
  return {
    hub,
    clock,
    link,
    stop: async () => (stop.abort(new Error('test over')), hub.last.cut(), await clock.advance(60_000), await done),
  };
}
const welcomed = {
  beatIntervalMs: 1_000,
  antiEntropyMs: 60_000,
  fence: undefined,
  fenceConfirmed: false,
  keysetVersion: 1,
  reportsConfirmed: true,
};
const welcome = (confirmed: boolean): HubMessage['message'] => ({
  $case: 'welcome',
  value: { ...welcomed, reportsConfirmed: confirmed },
});

test('hello first, reports only after the welcome, then beats that say whether the API server was seen', async () => {
  const { hub, clock, link, stop } = start();
  link.report(report('a'));
  await clock.advance(0);
  assert.deepEqual(hub.kinds(), ['hello']);
  hub.last.say(welcome(false));
  hub.last.say({ $case: 'snapshotRequest', value: {} });
  await clock.advance(3_500);
  assert.deepEqual(hub.kinds().slice(0, 4), ['hello', 'report', 'snapshotEnd', 'beat']);
  const beat = hub.last.sent.findLast((m) => m.message?.$case === 'beat')?.message;
  assert.equal(beat?.$case, 'beat');
  assert.deepEqual([beat.value.observing, beat.value.notObservingReason], [false, 'ApiServerSilent']);
  assert.equal(beat.value.reportSetHash.toString('hex'), hashOf(report('a')));
  await stop();
});

test('after a break nothing is sent again that the hub confirms, and everything that it does not', async () => {
  const gone: number[] = [];
  const { hub, clock, link, stop } = start({ onGone: () => void gone.push(1) });
  link.report(report('a'));
  await clock.advance(0);
  hub.last.say(welcome(false));
  hub.last.say({ $case: 'snapshotRequest', value: {} });
  await clock.advance(100);
  hub.last.cut();
  await clock.advance(20_000);
  assert.equal(hub.streams.length, 2);
  hub.last.say(welcome(true));
  await clock.advance(100);
  assert.deepEqual(hub.kinds(), ['hello', 'beat']);
  hub.last.say({ $case: 'snapshotRequest', value: {} });
  await clock.advance(100);
  assert.deepEqual(hub.kinds(), ['hello', 'beat', 'report', 'snapshotEnd', 'beat']);
  assert.equal(gone.length, 1);
  await stop();
});

test('a hub that turns the spoke away is asked again, but not at once', async () => {
  const { hub, clock, stop } = start();
  await clock.advance(0);
  hub.last.say({ $case: 'goodbye', value: { reason: 'CloneRefused', message: '', retryAfterMs: 0 } });
  hub.last.cut();
  await clock.advance(0);
  await clock.advance(15_000);
  assert.equal(hub.streams.length, 1);
  await clock.advance(30_000);
  assert.equal(hub.streams.length, 2);
  await stop();
});

for (const reason of ['ShuttingDown', 'RecordUnavailable'])
  test(`a hub that says ${reason} has nothing against this spoke: it comes back as after a break`, async () => {
    const { hub, clock, stop } = start();
    await clock.advance(0);
    hub.last.say({ $case: 'goodbye', value: { reason, message: '', retryAfterMs: 0 } });
    hub.last.cut();
    await clock.advance(0);
    await clock.advance(1_000);
    assert.equal(hub.streams.length, 2);
    await stop();
  });

test('a command is answered on the stream that it came on, or not at all', async () => {
  let finish = (): void => {};
  const { hub, clock, stop } = start({
    onCommand: ({ id }) => new Promise((resolve) => (finish = () => resolve({ id, ok: true, code: '', message: '' }))),
  });
  const command = { id: 'c', deadlineMs: 60_000, command: { $case: 'syncNow' as const, value: { assignmentUid: '' } } };
  await clock.advance(0);
  hub.last.say({ $case: 'command', value: command });
  await clock.advance(0);
  finish();
  await clock.advance(0);
  assert.ok(hub.kinds().includes('commandResult'));
  hub.last.say({ $case: 'command', value: command });
  await clock.advance(0);
  hub.last.cut();
  await clock.advance(5_000);
  assert.equal(hub.streams.length, 2);
  finish();
  await clock.advance(0);
  assert.ok(!hub.kinds().includes('commandResult'));
  await stop();
});

/** Answers every beat, as a hub does, until it is told to stop. */
async function answering(hub: FakeHub, clock: VirtualClock, ms: number): Promise<void> {
  let answered = 0;
  for (let at = 0; at < ms; at += 100) {
    for (const { message } of hub.last.sent)
      if (message?.$case === 'beat' && message.value.seq > answered) {
        answered = message.value.seq;
        hub.last.say({ $case: 'beatReply', value: { seq: answered, fence: undefined } });
      }
    await clock.advance(100);
  }
}
const beatsOf = (hub: FakeHub) => hub.last.sent.flatMap(({ message }) => (message?.$case === 'beat' ? [message.value] : []));

test('a beat says which answer was heard last; on a new stream none was', async () => {
  const { hub, clock, stop } = start();
  await clock.advance(0);
  hub.last.say(welcome(true));
  await answering(hub, clock, 5_000);
  const [first, ...others] = beatsOf(hub);
  assert.equal(first?.lastReplySeq, 0);
  for (const beat of others) assert.equal(beat.lastReplySeq, beat.seq - 1);
  assert.ok(others.length >= 3);
  hub.last.cut();
  await clock.advance(20_000);
  hub.last.say(welcome(true));
  await clock.advance(100);
  assert.equal(beatsOf(hub)[0]?.lastReplySeq, 0);
  await stop();
});

test('a hub that is not heard any more is come back to after a minute, although everything could be sent', async () => {
  const gone: number[] = [];
  const { hub, clock, stop } = start({ onGone: () => void gone.push(1) });
  await clock.advance(0);
  hub.last.say(welcome(true));
  await answering(hub, clock, 10 * 60_000);
  assert.equal(hub.streams.length, 1, 'heard: kept');
  const beats = beatsOf(hub).length;
  await clock.advance(58_000);
  assert.equal(hub.streams.length, 1);
  assert.ok(beatsOf(hub).length > beats + 40, 'it goes on saying what it sees');
  await clock.advance(12_000);
  assert.deepEqual([hub.streams.length, hub.streams[0]?.givenUp, gone.length], [2, true, 1]);
  assert.deepEqual(hub.kinds(), ['hello']);
  await stop();
});

test('a hub that takes the stream and never says anything is come back to as well', async () => {
  const { hub, clock, stop } = start();
  await clock.advance(59_000);
  assert.equal(hub.streams.length, 1);
  await clock.advance(11_000);
  assert.equal(hub.streams.length, 2);
  await stop();
});

test('between slow beats a silence is none', async () => {
  const { hub, clock, stop } = start();
  await clock.advance(0);
  hub.last.say({ $case: 'welcome', value: { ...welcomed, beatIntervalMs: 60_000 } });
  await clock.advance(9 * 60_000);
  assert.equal(hub.streams.length, 1);
  await clock.advance(2 * 60_000);
  assert.equal(hub.streams.length, 2);
  await stop();
});

test('a hub that takes each stream and answers none is come back to ever more seldom', async () => {
  const { hub, clock, stop } = start();
  await clock.advance(0);
  const returns: number[] = [];
  for (let known = 1; returns.length < 8;) {
    hub.last.say(welcome(false));
    const beganMs = clock.now();
    while (hub.streams.length === known) await clock.advance(250);
    known = hub.streams.length;
    returns.push(clock.now() - beganMs);
  }
  const [first = 0] = returns;
  assert.ok(Math.max(...returns.slice(4)) > first + 3_000, returns.join());
  await stop();
});
