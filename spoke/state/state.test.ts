import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom, VirtualClock } from '../../shared/clock/mod.ts';
import type { KubeCode, KubeObject } from '../kube/mod.ts';
import { MemoryKube } from '../kube/memory/mod.ts';
import { SpokeState, StateError, type StateCode } from './mod.ts';
import { assignment, content, desired, identity, layerOf, secretWords } from './testing.ts';

const signal = new AbortController().signal;
let seed = 0;

function cluster() {
  const clock = new VirtualClock();
  const client = new MemoryKube({ clock });
  const open = async (): Promise<SpokeState> => await SpokeState.open({ client, clock, random: seededRandom(++seed) }, signal);
  const secret = (name: string): KubeObject | undefined =>
    client.objects().find(({ kind, metadata }) => kind === 'Secret' && metadata.name === name);
  return { clock, client, open, secret };
}

const rejects = async (code: StateCode, promise: Promise<unknown>): Promise<void> => {
  await assert.rejects(
    promise,
    (error) => (error instanceof StateError && error.code === code) || assert.fail(`${code} expected, got ${String(error)}`),
  );
};

describe('the first start', () => {
  test('makes the namespaces and an identity with a holder', async () => {
    const { client, open, secret } = cluster();
    const state = await open();
    const isOurs = ({ metadata }: KubeObject): boolean => metadata.labels?.['app.kubernetes.io/managed-by'] === 'wheelhouse';
    const made = client.objects().flatMap((object) => (object.kind === 'Namespace' && isOurs(object) ? [object.metadata.name] : []));
    assert.deepEqual(made, ['wheelhouse-system', 'wheelhouse-tenants']);
    const kept = secret('wheelhouse-identity');
    assert.equal(kept?.metadata.labels?.['app.kubernetes.io/managed-by'], 'wheelhouse');
    assert.deepEqual(state.identity, {});
    assert.equal(await state.loadDesired(signal), undefined);
    assert.deepEqual(await state.assignments.list(signal), []);
    assert.equal(await state.assignments.load('p1', signal), undefined);
  });

  test('leaves namespaces that are there as they are', async () => {
    const { client, open } = cluster();
    const own = client.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'wheelhouse-system', labels: { of: 'somebody' } } });
    await open();
    const now = client.objects().find(({ metadata }) => metadata.name === 'wheelhouse-system');
    assert.equal(now?.metadata.resourceVersion, own.metadata.resourceVersion);
    assert.deepEqual(
      client.requests.filter(({ verb, kind }) => verb === 'create' && kind === 'Namespace').map(({ name }) => name),
      ['wheelhouse-tenants'],
    );
  });

  test('bears with a namespace that another process makes at the same moment', async () => {
    const { client, open } = cluster();
    client.fail({ verb: 'create', kind: 'Namespace', code: 'ALREADY_EXISTS', answerLost: true, times: 2 });
    await open();
  });
});

describe('what is kept', () => {
  test('is what a later process reads', async () => {
    const { open } = cluster();
    const first = await open();
    const record = assignment({ applied: { ...content('a', layerOf(100)), added: 3 }, applying: { ...content('b'), added: 0 } });
    await first.saveIdentity(identity, signal);
    await first.saveDesired(desired(7), signal);
    await first.assignments.save('p1', record, signal);
    await first.assignments.save('p2', assignment(), signal);
    const next = await open();
    assert.deepEqual(next.identity.own?.keyPem, identity.own?.keyPem);
    assert.deepEqual(next.identity.identity, identity.identity);
    assert.deepEqual(await next.loadDesired(signal), desired(7));
    assert.deepEqual(await next.assignments.list(signal), ['p1', 'p2']);
    assert.deepEqual(await next.assignments.load('p1', signal), record);
    await next.assignments.remove('p1', signal);
    await next.assignments.remove('p1', signal);
    assert.deepEqual(await next.assignments.list(signal), ['p2']);
  });

  test('is not written again when nothing changes', async () => {
    const { client, open } = cluster();
    const state = await open();
    const save = async (): Promise<void> => {
      await state.saveIdentity(identity, signal);
      await state.saveDesired(desired(1), signal);
      await state.assignments.save('p1', assignment({ applied: content('a') }), signal);
    };
    await save();
    client.forgetRequests();
    await save();
    assert.deepEqual(client.requests, []);
  });

  test('is written in turn when saves overlap', async () => {
    const { open } = cluster();
    const state = await open();
    await Promise.all([1, 2, 3, 4].map(async (generation) => await state.saveDesired(desired(generation), signal)));
    assert.equal((await state.loadDesired(signal))?.fence.generation, 4);
  });

  const big = layerOf(600 * 1024);
  const other = layerOf(500 * 1024);
  const cases = [
    { what: 'one layer that fits', applied: big, applying: undefined, held: [true, false] },
    { what: 'two that do not fit together: what runs comes first', applied: big, applying: other, held: [true, false] },
    { what: 'one that does not fit leaves room for one that does', applied: layerOf(950 * 1024), applying: other, held: [false, true] },
  ];
  for (const { what, applied, applying, held } of cases)
    test(`holds as much content as fits: ${what}`, async () => {
      const { open } = cluster();
      const state = await open();
      await state.assignments.save('p1', assignment({ applied: content('a', applied), applying: content('b', applying) }), signal);
      const read = await state.assignments.load('p1', signal);
      assert.deepEqual([read?.applied?.layer !== undefined, read?.applying?.layer !== undefined], held);
      assert.equal(read?.applied?.revision, 'sha256:a');
    });

  test('holds a layer once that both stages share', async () => {
    const { open } = cluster();
    const state = await open();
    await state.assignments.save('p1', assignment({ applied: content('a', big), applying: content('a', big) }), signal);
    assert.deepEqual((await state.assignments.load('p1', signal))?.applying?.layer, Buffer.from(big));
  });

  test('refuses what does not fit, and a uid that names nothing', async () => {
    const { open } = cluster();
    const state = await open();
    await rejects('TOO_LARGE', state.saveDesired({ ...desired(1), envelope: layerOf(901 * 1024) }, signal));
    await rejects('REFUSED', state.assignments.load('../identity', signal));
  });
});

describe('a failed read is not absence', () => {
  const codes: readonly (readonly [KubeCode, StateCode])[] = [
    ['SERVER_UNAVAILABLE', 'UNAVAILABLE'],
    ['BAD_RESPONSE', 'UNAVAILABLE'],
    ['TOO_MANY_REQUESTS', 'UNAVAILABLE'],
    ['UNAUTHORIZED', 'UNAVAILABLE'],
    ['NO_SUCH_KIND', 'REFUSED'],
    ['FORBIDDEN', 'REFUSED'],
    ['GONE', 'REFUSED'],
    ['INVALID', 'REFUSED'],
    ['TOO_LARGE', 'TOO_LARGE'],
  ];
  for (const [code, said] of codes)
    test(`${code} is ${said}, and nothing is written`, async () => {
      const { client, open } = cluster();
      const state = await open();
      await state.saveIdentity(identity, signal);
      client.forgetRequests();
      client.fail({ verb: 'get', code, times: 4 });
      client.fail({ verb: 'list', code });
      await rejects(said, open());
      await rejects(said, state.loadDesired(signal));
      await rejects(said, state.assignments.load('p1', signal));
      await rejects(said, state.assignments.save('p1', assignment(), signal));
      await rejects(said, state.assignments.list(signal));
      client.fail({ verb: 'get', kind: 'Secret', code });
      await rejects(said, open());
      assert.deepEqual(client.writes, []);
    });

  test('silence is UNAVAILABLE once the time is over', async () => {
    const { clock, client, open } = cluster();
    const state = await open();
    client.silence();
    const reading = rejects('UNAVAILABLE', state.loadDesired(signal));
    await clock.advance(0);
    await clock.advance(30_000);
    await reading;
  });

  const broken: readonly (readonly [string, string, Record<string, string>])[] = [
    ['wheelhouse-desired', 'empty', {}],
    ['wheelhouse-desired', 'of another format', { format: '2', fence: '[1,2]', hash: 'h'.repeat(32), envelope: 'e' }],
    ['wheelhouse-desired', 'with a fence that is none', { format: '1', fence: '[1,-2]', hash: 'h'.repeat(32), envelope: 'e' }],
    ['wheelhouse-desired', 'with half a hash', { format: '1', fence: '[1,2]', hash: 'h', envelope: 'e' }],
    ['wheelhouse-desired', 'with an empty envelope', { format: '1', fence: '[1,2]', hash: 'h'.repeat(32), envelope: '' }],
    ['wheelhouse-assignment-p1', 'without inventory', { format: '1' }],
    ['wheelhouse-assignment-p1', 'with an inventory that is none', { format: '1', inventory: 'oops' }],
    ['wheelhouse-identity', 'of another format', { format: '9', holder: 'x' }],
    ['wheelhouse-identity', 'with a key and no seed', { format: '1', holder: 'x', 'key.pem': secretWords[0] ?? '' }],
    ['wheelhouse-identity', 'with an identity that is none', { format: '1', holder: 'x', identity: '\u0001' }],
  ];
  for (const [name, what, stringData] of broken)
    test(`${name} ${what} is UNREADABLE, named, not quoted and left alone`, async () => {
      const { client, open } = cluster();
      const metadata = { name, namespace: 'wheelhouse-system' };
      client.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'wheelhouse-system' } });
      client.put({ apiVersion: 'v1', kind: 'Secret', metadata, stringData });
      const read = async (): Promise<unknown> => {
        const state = await open();
        return name.endsWith('desired') ? await state.loadDesired(signal) : await state.assignments.load('p1', signal);
      };
      await assert.rejects(read(), (error) => {
        assert.ok(error instanceof StateError && error.code === 'UNREADABLE', String(error));
        return error.message.includes(name) && !secretWords.some((word) => String(error.stack).includes(word));
      });
      assert.ok(client.writes.every((write) => write.name !== name));
    });
});

describe('one writer', () => {
  test('a second process takes over; the first one loses whatever it writes next, for good', async () => {
    const { open } = cluster();
    const first = await open();
    await first.assignments.save('p1', assignment(), signal);
    const second = await open();
    await second.assignments.load('p1', signal);
    await second.assignments.save('p1', assignment({ applied: content('a') }), signal);
    await rejects('LOST_RACE', first.saveIdentity(identity, signal));
    await rejects('LOST_RACE', first.assignments.save('p1', assignment({ applied: content('b') }), signal));
    await rejects('LOST_RACE', first.assignments.save('p1', assignment({ applied: content('b') }), signal));
    await rejects('LOST_RACE', first.assignments.load('p1', signal));
    assert.equal((await second.assignments.load('p1', signal))?.applied?.revision, 'sha256:a');
  });

  test('who creates what the other created in between has lost', async () => {
    const { open } = cluster();
    const [first, second] = [await open(), await open()];
    assert.equal(await first.loadDesired(signal), undefined);
    await second.saveDesired(desired(2), signal);
    await rejects('LOST_RACE', first.saveDesired(desired(1), signal));
  });

  test('a record that somebody removed is a lost race, not a new one', async () => {
    const { client, open, secret } = cluster();
    const state = await open();
    await state.saveDesired(desired(1), signal);
    client.remove(secret('wheelhouse-desired') ?? assert.fail('no record'));
    await rejects('LOST_RACE', state.saveDesired(desired(2), signal));
  });

  const lostAnswers = [
    { what: 'the write happened', answerLost: true },
    { what: 'the write did not happen', answerLost: false },
  ];
  for (const { what, answerLost } of lostAnswers)
    test(`a lost answer is no lost race: ${what}`, async () => {
      const { client, open } = cluster();
      const state = await open();
      for (const [verb, generation] of [
        ['create', 1],
        ['update', 2],
      ] as const) {
        client.fail({ verb, code: 'SERVER_UNAVAILABLE', answerLost });
        await rejects('UNAVAILABLE', state.saveDesired(desired(generation), signal));
        await state.saveDesired(desired(generation), signal);
        assert.equal((await state.loadDesired(signal))?.fence.generation, generation);
      }
      await state.assignments.save('p1', assignment(), signal);
      client.fail({ verb: 'delete', code: 'SERVER_UNAVAILABLE', answerLost });
      await rejects('UNAVAILABLE', state.assignments.remove('p1', signal));
      await state.assignments.remove('p1', signal);
      assert.deepEqual(await state.assignments.list(signal), []);
    });

  test('a lost answer hides no other writer', async () => {
    const { client, open } = cluster();
    const first = await open();
    await first.saveDesired(desired(1), signal);
    client.fail({ verb: 'update', code: 'SERVER_UNAVAILABLE' });
    await rejects('UNAVAILABLE', first.saveDesired(desired(2), signal));
    const second = await open();
    await second.loadDesired(signal);
    await second.saveDesired(desired(3), signal);
    await rejects('LOST_RACE', first.saveDesired(desired(2), signal));
    assert.equal((await second.loadDesired(signal))?.fence.generation, 3);
  });
});

describe('the holder', () => {
  test('hears at once that another process holds', async () => {
    const { open } = cluster();
    const first = await open();
    const lost = first.lost(signal);
    await first.saveIdentity(identity, signal);
    const second = await open();
    assert.equal(await lost, 'another process is this spoke now');
    const stop = new AbortController();
    const still = second.lost(stop.signal);
    stop.abort();
    assert.equal(await still, undefined);
  });

  test('hears that its identity was removed', async () => {
    const { client, open, secret } = cluster();
    const state = await open();
    const lost = state.lost(signal);
    client.remove(secret('wheelhouse-identity') ?? assert.fail('no identity'));
    assert.equal(await lost, 'Secret wheelhouse-identity was removed');
  });

  const touched: readonly [name: string, write: (state: SpokeState) => Promise<void>][] = [
    ['wheelhouse-desired', (state) => state.saveDesired(desired(2), signal)],
    ['wheelhouse-assignment-p1', (state) => state.assignments.save('p1', assignment({ applied: content('b') }), signal)],
  ];
  for (const [name, write] of touched)
    test(`ends when somebody else wrote ${name}: only a process that reads it anew can go on`, async () => {
      const { client, open, secret } = cluster();
      const state = await open();
      await state.saveDesired(desired(1), signal);
      await state.assignments.save('p1', assignment(), signal);
      const lost = state.lost(signal);
      const { metadata, ...rest } = secret(name) ?? assert.fail('no record');
      client.put({ ...rest, metadata: { ...metadata, annotations: { backup: 'done' } } });
      await rejects('LOST_RACE', write(state));
      assert.match((await lost) ?? '', new RegExp(`Secret ${name}: somebody else wrote it`));
      await write(await open());
    });

  test('is not lost because nothing answers', async () => {
    const { clock, client, open } = cluster();
    const state = await open();
    client.fail({ verb: 'list', code: 'SERVER_UNAVAILABLE', times: 3 });
    const stop = new AbortController();
    const lost = state.lost(stop.signal);
    await clock.advance(0);
    await clock.advance(600_000);
    assert.equal(client.requests.filter(({ verb, outcome }) => verb === 'list' && outcome === 'SERVER_UNAVAILABLE').length, 3);
    stop.abort();
    assert.equal(await lost, undefined);
  });
});
