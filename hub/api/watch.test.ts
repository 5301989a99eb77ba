import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import test, { type TestContext } from 'node:test';
import { seededRandom, VirtualClock } from '#shared/clock/mod.ts';
import { openSqliteStore } from '#hub/store/mod.ts';
import { Revocations } from './auth/revocations.ts';
import { watchLimits } from './watch/watcher.ts';
import { Feed } from './watch/feed.ts';
import { startRig, type Rig } from './testing/rig.ts';

interface Said {
  readonly event: string;
  readonly id: string | undefined;
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly data: any;
}

/** Reads a stream event by event; time moves while nothing comes. */
class Listener {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #stop = new AbortController();
  readonly #rig: Rig;
  #text = '';
  comments = 0;

  private constructor(rig: Rig, reader: ReadableStreamDefaultReader<Uint8Array>, stop: AbortController) {
    this.#rig = rig;
    this.#reader = reader;
    this.#stop = stop;
  }

  static async open(rig: Rig, path: string, headers: Record<string, string> = {}): Promise<Listener> {
    const stop = new AbortController();
    const response = await fetch(rig.base + path, { headers: { authorization: `Bearer ${rig.token}`, ...headers }, signal: stop.signal });
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
    return new Listener(rig, response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array>, stop);
  }

  async next(): Promise<Said> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        if (block.startsWith(':')) {
          this.comments++;
          continue;
        }
        const field = (name: string): string | undefined =>
          block
            .split('\n')
            .find((line) => line.startsWith(`${name}: `))
            ?.slice(name.length + 2);
        return { event: field('event') ?? '', id: field('id'), data: JSON.parse(field('data') ?? 'null') };
      }
      await this.#more();
    }
  }

  /** All up to the next bookmark, which is the last. */
  async untilBookmark(): Promise<Said[]> {
    const said: Said[] = [];
    do said.push(await this.next());
    while (said.at(-1)?.event !== 'bookmark');
    return said;
  }

  async #more(): Promise<void> {
    const read = this.#reader.read();
    const waiting = { done: false };
    const marked = read.finally(() => {
      waiting.done = true;
    });
    // The server's clock is ours: it goes on while we wait, a step at a time.
    for (let step = 0; !waiting.done && step < 2_000; step++) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (step % 10 === 9) await this.#rig.clock.advance(100);
    }
    const { value } = await marked;
    this.#text += Buffer.from(value ?? []).toString('utf8');
  }

  close(): void {
    this.#stop.abort();
  }
}

const cluster = (name: string, env: string): string =>
  `apiVersion: wheelhouse.dev/v1alpha1\nkind: Cluster\nmetadata: {name: ${name}}\nspec: {labels: {env: ${env}}}\n`;
const apply = (rig: Rig, text: string) => rig.call('POST', '/v1alpha1/apply', { body: text });
const short = ({ event, data }: Said): string => (event === 'bookmark' ? event : `${event} ${data.metadata.name}`);

test('a watch says what is there, then what changes, whole, and then that it is gone', async () => {
  await using rig = await startRig();
  await apply(rig, cluster('n1', 'mine'));
  const listener = await Listener.open(rig, '/v1alpha1/clusters?watch=true&labelSelector=env=mine');
  assert.deepEqual((await listener.untilBookmark()).map(short), ['added n1', 'bookmark']);
  await apply(rig, `${cluster('n2', 'mine')}---\n${cluster('n3', 'other')}`);
  const [added] = await listener.untilBookmark();
  assert.deepEqual([added?.event, added?.data.metadata.name, added?.data.status.connection], ['added', 'n2', 'NeverConnected']);
  await apply(rig, cluster('n1', 'other'));
  assert.deepEqual((await listener.untilBookmark()).map(short), ['deleted n1', 'bookmark']);
  await rig.call('DELETE', '/v1alpha1/clusters/n2');
  assert.deepEqual((await listener.untilBookmark()).map(short), ['deleted n2', 'bookmark']);
  listener.close();
});

test('contact with a spoke changes its cluster and its placements, and what changes nothing is not said', async () => {
  await using rig = await startRig();
  const [id = 0] = rig.clusterIds;
  const healthy = { connected: true, sinceMs: 1, beatMs: 999_999, vouchedMs: 999_999, doubt: '' as const, doubtMessage: '' };
  rig.fleet.set(id, healthy);
  const listener = await Listener.open(rig, '/v1alpha1/placements?watch=true&fieldSelector=spec.cluster=c-00000');
  const before = await listener.untilBookmark();
  assert.equal(before.length, 5);
  rig.feed.clusters([id]);
  assert.deepEqual((await listener.untilBookmark()).map(short), ['bookmark']);
  rig.fleet.set(id, { ...healthy, doubt: 'ClusterApiSilent', doubtMessage: 'gone away' });
  rig.feed.clusters([id]);
  const after = await listener.untilBookmark();
  assert.deepEqual(
    after.slice(0, -1).map(({ event, data }) => [event, data.status.health, data.status.reason]),
    Array.from({ length: 4 }, () => ['modified', 'Unknown', 'ClusterApiSilent']),
  );
  listener.close();
});

test('with Last-Event-ID nothing is missed and nothing else is said; what left the filter meanwhile is said to be gone', async () => {
  await using rig = await startRig();
  await apply(rig, `${cluster('n1', 'mine')}---\n${cluster('n2', 'mine')}`);
  await rig.clock.advance(200);
  const path = '/v1alpha1/clusters?labelSelector=env=mine';
  const first = await Listener.open(rig, path, { accept: 'text/event-stream' });
  const id = (await first.untilBookmark()).at(-1)?.id ?? '';
  first.close();
  await apply(rig, `${cluster('n2', 'other')}---\n${cluster('n3', 'mine')}`);
  await rig.clock.advance(200);
  const second = await Listener.open(rig, path, { accept: 'text/event-stream', 'last-event-id': id });
  assert.deepEqual((await second.untilBookmark()).map(short).toSorted(), ['bookmark', 'deleted n2', 'modified n3']);
  second.close();
});

test('a list says where a watch goes on from', async () => {
  await using rig = await startRig();
  const { resourceVersion } = (await rig.get('/v1alpha1/audit?limit=1')).body.metadata;
  await apply(rig, cluster('n1', 'mine'));
  const listener = await Listener.open(rig, `/v1alpha1/audit?watch=true&resourceVersion=${resourceVersion}`);
  const [record] = await listener.untilBookmark();
  assert.deepEqual([record?.data.spec.action, record?.data.spec.subject], ['apply.cluster', 'Cluster/n1']);
  listener.close();
});

test('a start that is not known any more is 410: of another life, deleted since, forgotten', async () => {
  await using rig = await startRig();
  await apply(rig, cluster('n1', 'mine'));
  const { resourceVersion } = (await rig.get('/v1alpha1/clusters?limit=1')).body.metadata;
  await rig.call('DELETE', '/v1alpha1/clusters/n1');
  await rig.clock.advance(200);
  for (const from of ['000000.1', resourceVersion, `${resourceVersion.split('.')[0]}.999999`]) {
    const { status, body } = await rig.get(`/v1alpha1/clusters?watch=true&resourceVersion=${from}`);
    assert.deepEqual([status, body.code], [410, 'WATCH_EXPIRED'], from);
  }
});

test('the feed forgets the oldest keys, and says so', async () => {
  const clock = new VirtualClock();
  await using store = await openSqliteStore({ file: ':memory:', clock, random: seededRandom(1) });
  const feed = new Feed({ store, clock, random: seededRandom(2), onError: (error) => assert.ifError(error), keysMax: 3 });
  const start = feed.position();
  feed.clusters([1, 2]);
  await clock.advance(100);
  assert.deepEqual(feed.since(start, 'clusters'), [1, 2]);
  const middle = feed.position();
  feed.clusters([1, 3, 4]);
  await clock.advance(100);
  assert.deepEqual(feed.since(middle, 'clusters'), [1, 3, 4]);
  assert.equal(feed.since(start, 'clusters'), undefined);
});

test('a quiet watch is kept open by comments', async () => {
  await using rig = await startRig();
  const listener = await Listener.open(rig, '/v1alpha1/tenants?watch=true');
  await listener.untilBookmark();
  const next = listener.next();
  await rig.clock.advance(watchLimits.heartbeatMs * 2);
  await apply(
    rig,
    `apiVersion: wheelhouse.dev/v1alpha1\nkind: Tenant\nmetadata: {name: late}\nspec: {sources: [], namespaces: [], kinds: ['*'], serviceAccount: x}\n`,
  );
  assert.equal(short(await next), 'added late');
  assert.ok(listener.comments > 0);
  listener.close();
});

test('there is room for so many watchers, and who leaves makes room', async () => {
  await using rig = await startRig({ size: { clusters: 3, tenants: 1, apps: 1 } });
  const listeners = await Promise.all(
    Array.from({ length: watchLimits.watchersMax }, () => Listener.open(rig, '/v1alpha1/tenants?watch=true')),
  );
  assert.equal((await rig.get('/v1alpha1/tenants?watch=true')).body.code, 'TOO_MANY_WATCHERS');
  for (const listener of listeners) listener.close();
  // The server notices when the connections are closed, a few turns later.
  let again: { status: number } = { status: 503 };
  for (let i = 0; i < 200 && again.status === 503; i++) {
    const stop = new AbortController();
    again = await fetch(`${rig.base}/v1alpha1/tenants?watch=true`, {
      headers: { authorization: `Bearer ${rig.token}` },
      signal: stop.signal,
    });
    stop.abort();
  }
  assert.equal(again.status, 200);
});

/** How many listen there, and have not ended it. */
function listening(t: TestContext, where: Revocations | Feed): () => number {
  const listen = Reflect.get(where, 'listen') as (...asked: unknown[]) => () => void;
  let open = 0;
  t.mock.method(where as { listen: typeof listen }, 'listen', function (this: unknown, ...asked: unknown[]) {
    open++;
    const end = Reflect.apply(listen, this, asked);
    return () => {
      open--;
      end();
    };
  });
  return () => open;
}

const until = async (met: () => boolean): Promise<void> => {
  for (let turn = 0; turn < 20_000 && !met(); turn++) await new Promise<void>((resolve) => setImmediate(resolve));
  assert.ok(met());
};

test('who leaves is not told of tokens any more', async (t) => {
  const told = listening(t, Revocations.prototype);
  await using rig = await startRig({ size: { clusters: 3, tenants: 1, apps: 1 } });
  const listener = await Listener.open(rig, '/v1alpha1/tenants?watch=true');
  await listener.untilBookmark();
  assert.equal(told(), 1);
  listener.close();
  await until(() => told() === 0);
});

test('who leaves while its token is looked at takes no place', { timeout: 60_000 }, async (t) => {
  const told = listening(t, Revocations.prototype);
  await using rig = await startRig({ size: { clusters: 3, tenants: 1, apps: 1 } });
  const fed = listening(t, rig.feed);
  let [begun, gone] = [0, 0];
  const begins = (message: unknown): void => {
    begun++;
    (message as { response: ServerResponse }).response.once('close', () => gone++);
  };
  subscribe('http.server.request.start', begins);
  t.after(() => unsubscribe('http.server.request.start', begins));
  // Whoever asks the record waits for this.
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  const deciding = rig.store.decide(
    () => held,
    () => ({ result: undefined }),
  );
  const { hostname, port } = new URL(rig.base);
  const sockets = Array.from({ length: watchLimits.watchersMax }, () => {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => {});
    socket.write(`GET /v1alpha1/tenants?watch=true HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${rig.token}\r\n\r\n`);
    return socket;
  });
  await until(() => begun === sockets.length);
  for (const socket of sockets) socket.resetAndDestroy();
  await until(() => gone === sockets.length);
  release();
  await deciding;
  const listener = await Listener.open(rig, '/v1alpha1/tenants?watch=true');
  await listener.untilBookmark();
  assert.deepEqual([told(), fed()], [1, 1]);
  listener.close();
});
