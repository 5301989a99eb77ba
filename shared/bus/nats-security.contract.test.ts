// What a taken-over spoke can do with its own credentials against a real server: nothing but read its own key.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { Kvm } from '@nats-io/kv';
import { temporaryFolder } from '#deploy/local/processes/mod.ts';
import { startNats } from '#deploy/local/servers/mod.ts';
import { systemClock, systemRandom } from '../clock/mod.ts';
import { mintJwt, createNkey } from './nkeys.ts';
import { bucket, getService, keySubject, stream } from './layout.ts';
import { connectRevoker } from './nats-hub.ts';
import { bytes, MessageInbox } from './testing/inbox.ts';
import { NatsFixture } from './testing/nats.ts';

const onNats = (title: string, run: (bus: NatsFixture, signal: AbortSignal) => Promise<void>): void =>
  test(title, { timeout: 60_000 }, async () => {
    await using bus = await NatsFixture.open(startNats, temporaryFolder('bus'));
    const end = new AbortController();
    try {
      await run(bus, end.signal);
    } finally {
      end.abort();
    }
  }) as unknown as void;

const text = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString();
const stateOf = async (bus: NatsFixture): Promise<string[]> =>
  Promise.all(['c1', 'c2'].map(async (uid) => text((await bus.hub.held(uid)).bytes)));

/** Two rounds through the server and the stream: what was sent before has had its effect, if it has one. */
const settled = async (bus: NatsFixture, nc: NatsConnection): Promise<void> => {
  await nc.flush();
  await bus.hub.put('settled', bytes('x'));
  await nc.flush();
  await bus.hub.held('settled');
};

onNats('attack: a reply subject that names another key, the stream or a push changes nothing', async (bus, signal) => {
  await bus.hub.put('c1', bytes('of c1'));
  await bus.hub.put('c2', bytes('of c2'));
  const victim = new MessageInbox();
  (await bus.spoke('c2')).watch('c2', victim.take, signal);
  await victim.untilText('of c2');
  // The answer to a read is the value, or empty for a key that was never written: some requests are obeyed only when they are empty.
  const attackers = [await bus.rawSpoke('c1'), await bus.rawSpoke('c3')] as const;
  const targets = [
    keySubject('c2'),
    'push.c2',
    'desired.push.c2',
    'desired.get.c2',
    ...['DELETE', 'PURGE', 'MSG.DELETE', 'UPDATE'].map((verb) => `$JS.API.STREAM.${verb}.${stream}`),
  ];
  for (const [index, { nc }] of attackers.entries()) {
    for (const reply of targets) nc.publish(index === 0 ? 'desired.get.c1' : 'desired.get.c3', '', { reply });
    await settled(bus, nc);
  }
  assert.deepEqual(await stateOf(bus), ['of c1', 'of c2']);
  await bus.hub.put('c2', bytes('next of c2'));
  await victim.untilText('next of c2');
  assert.deepEqual(
    victim.texts.filter((t) => t.includes('c1')),
    [],
  );
});

onNats('control: in one shared account the same attack overwrites the other key and deletes the stream', async (bus) => {
  await bus.hub.put('c1', bytes('of c1'));
  await bus.hub.put('c2', bytes('of c2'));
  const user = createNkey('user', systemRandom);
  const read = (uid: string): string => getService.replace('*', uid);
  const permissions = { pub: { allow: [read('c1'), read('c3')] }, sub: { allow: ['_INBOX.c1.>'] } };
  const claims = {
    name: 'c1',
    subject: user.id,
    issuedAtMs: Date.now(),
    nats: { type: 'user', subs: -1, data: -1, payload: -1, ...permissions },
  };
  const { nc } = await bus.raw('c1', mintJwt(bus.keys.hub, claims), user);
  nc.publish(read('c1'), '', { reply: keySubject('c2') });
  await settled(bus, nc);
  assert.deepEqual(await stateOf(bus), ['of c1', 'of c1']);
  nc.publish(read('c3'), '', { reply: `$JS.API.STREAM.DELETE.${stream}` });
  // Nothing tells when the server is done with it; the hub makes the bucket anew as soon as it is.
  let state: readonly string[] = [];
  for (let tries = 0; state.join() !== ',' && tries < 250; tries++) {
    await systemClock.sleep(20);
    state = await stateOf(bus).catch(() => ['being deleted']);
  }
  assert.deepEqual(state, ['', '']);
});

onNats('a push that is spoofed inside the account of the spokes is dropped, whatever headers it was asked with', async (bus, signal) => {
  await bus.hub.put('c1', bytes('of c1'));
  await bus.hub.put('c2', bytes('of c2'));
  const victim = new MessageInbox();
  (await bus.spoke('c2')).watch('c2', victim.take, signal);
  await victim.untilText('of c2');
  // A second reader of the same subject proves that the spoofed message does arrive.
  const witness = new MessageInbox();
  const { nc: beside } = await bus.rawSpoke('c2');
  beside.subscribe('desired.push.c2', { callback: (_error, m) => witness.take(m.data) });
  await beside.flush();
  const { nc } = await bus.rawSpoke('c1');
  const forged = headers();
  forged.set('Nats-Subject', keySubject('c2'));
  nc.publish('desired.get.c1', '', { reply: 'desired.push.c2' });
  nc.publish('desired.get.c1', '', { reply: 'desired.push.c2', headers: forged });
  await witness.untilText('of c1');
  await bus.hub.put('c2', bytes('next of c2'));
  await victim.untilText('next of c2');
  assert.deepEqual(
    victim.texts.filter((t) => t === 'of c1'),
    [],
  );
});

const forbidden: readonly [name: string, act: (nc: NatsConnection) => void][] = [
  ['read the key of another', (nc) => nc.publish('desired.get.c2', '', { reply: '_INBOX.c1.x' })],
  ['read every key', (nc) => nc.publish('desired.get.*', '', { reply: '_INBOX.c1.x' })],
  ['write its own key', (nc) => nc.publish(keySubject('c1'), 'evil')],
  ['push to itself', (nc) => nc.publish('desired.push.c1', 'evil')],
  ['push to another', (nc) => nc.publish('desired.push.c2', 'evil')],
  ['ask JetStream', (nc) => nc.publish('$JS.API.INFO', '')],
  ['ask the system account', (nc) => nc.publish('$SYS.REQ.CLAIMS.UPDATE', 'x')],
  ['listen to the pushes of another', (nc) => void nc.subscribe('desired.push.c2', { callback: () => {} })],
  ['listen to all pushes', (nc) => void nc.subscribe('desired.push.*', { callback: () => {} })],
  ['listen to everything', (nc) => void nc.subscribe('>', { callback: () => {} })],
  ['listen to the inbox of another', (nc) => void nc.subscribe('_INBOX.c2.>', { callback: () => {} })],
];

onNats('a spoke is denied everything but its own key, its own pushes and its own inbox', async (bus) => {
  await bus.hub.put('c1', bytes('of c1'));
  await bus.hub.put('c2', bytes('of c2'));
  for (const [name, act] of forbidden) {
    const { nc, errors } = await bus.rawSpoke('c1');
    act(nc);
    await nc.flush();
    await nc.flush();
    assert.ok(
      errors.some((e) => /permissions violation/i.test(e.message)),
      `could ${name}: ${errors.map((e) => e.message).join() || 'no error'}`,
    );
    await nc.close();
  }
  assert.deepEqual(await stateOf(bus), ['of c1', 'of c2']);
});

onNats('the body of a read cannot choose another message', async (bus) => {
  await bus.hub.put('c1', bytes('of c1'));
  await bus.hub.put('c2', bytes('of c2'));
  const { nc } = await bus.rawSpoke('c1');
  const answers = new MessageInbox();
  nc.subscribe('_INBOX.c1.answers', { callback: (_error, m) => answers.take(m.data) });
  const every = `$KV.${bucket}.>`;
  const bodies = [
    { seq: 2 },
    { last_by_subj: keySubject('c2') },
    { next_by_subj: keySubject('c2'), seq: 1 },
    { multi_last: [every] },
    { batch: 10, seq: 1, next_by_subj: every },
  ];
  for (const body of bodies) nc.publish('desired.get.c1', JSON.stringify(body), { reply: '_INBOX.c1.answers' });
  nc.publish('desired.get.c1', '', { reply: '_INBOX.c1.answers' });
  await answers.untilText('of c1');
  await settled(bus, nc);
  assert.ok(!answers.texts.some((t) => t.includes('of c2')), answers.texts.join());
});

onNats('a token of the scoped key that brings permissions of its own is refused', async (bus) => {
  const user = createNkey('user', systemRandom);
  const nats = { type: 'user', issuer_account: bus.keys.spokes.id, pub: { allow: ['>'] }, sub: { allow: ['>'] } };
  const jwt = mintJwt(bus.keys.spokeSigner, { name: 'c1', subject: user.id, issuedAtMs: Date.now(), nats });
  await assert.rejects(bus.raw('c1', jwt, user), /authorization/i);
});

onNats(
  'revoked: cut at once and refused from then on, others untouched, and a restart of the server does not forget it',
  async (bus, signal) => {
    const { keys } = bus;
    const one = await bus.spokeAs('c1');
    const two = await bus.spokeAs('c2');
    await using revoker = await connectRevoker({ keys, clock: systemClock, random: systemRandom, servers: [bus.url] }, signal);
    // Tokens are dated in whole seconds: in the future, so that each that the test still makes falls under it.
    await revoker.revoke(new Map([[one.user.id, Date.now() + 3_600_000]]));
    await one.events.untilKind('refused', /authorization|revoked/i);
    await one.events.untilKind('disconnected');
    await bus.hub.put('c2', bytes('of c2'));
    assert.equal(text(await two.bus.get('c2')), 'of c2');
    assert.ok(two.events.all.every((e) => e.kind === 'connected'));
    await assert.rejects(bus.raw('c1', bus.spokeToken('c1', one.user), one.user), /authorization/i);
    await bus.restart();
    await assert.rejects(bus.raw('c1', bus.spokeToken('c1', one.user), one.user), /authorization/i);
    const fresh = createNkey('user', systemRandom);
    await (await bus.raw('c1', bus.spokeToken('c1', fresh), fresh)).nc.flush();
  },
);

onNats('a later list of the revoked replaces the earlier one, within the same second too', async (bus, signal) => {
  const { keys } = bus;
  const [one, two] = [createNkey('user', systemRandom), createNkey('user', systemRandom)];
  await using revoker = await connectRevoker({ keys, clock: systemClock, random: systemRandom, servers: [bus.url] }, signal);
  const later = Date.now() + 3_600_000;
  await revoker.revoke(new Map([[one.id, later]]));
  await revoker.revoke(new Map([[two.id, later]]));
  await assert.rejects(bus.raw('c2', bus.spokeToken('c2', two), two), /authorization/i);
  await (await bus.raw('c1', bus.spokeToken('c1', one), one)).nc.flush();
});

onNats('a token that expires: the spoke comes back with a fresh one by itself', async (bus, signal) => {
  const { bus: spoke, events } = await bus.spokeAs('c1', { lifeMs: 2_000 });
  const inbox = new MessageInbox();
  spoke.watch('c1', inbox.take, signal);
  await events.untilKind('disconnected');
  await bus.hub.put('c1', bytes('after the expiry'));
  await inbox.untilText('after the expiry');
});

onNats('the server restarts: the watcher gets what was written after it, and what was stored is still there', async (bus, signal) => {
  const spoke = await bus.spoke('c1');
  const inbox = new MessageInbox();
  await bus.hub.put('c1', bytes('before'));
  await bus.hub.put('c2', bytes('kept'));
  spoke.watch('c1', inbox.take, signal);
  await inbox.untilText('before');
  await bus.restart(async () => {
    await assert.rejects(bus.hub.put('c1', bytes('lost')), { code: 'UNREACHABLE' });
  });
  await bus.hub.reconnect().catch(() => {});
  await bus.hub.put('c1', bytes('after'));
  await inbox.untilText('after');
  assert.equal(text((await bus.hub.held('c2')).bytes), 'kept');
});

onNats('the bucket is lost: the hub makes it anew, sequences start again, and the watcher follows', async (bus, signal) => {
  const spoke = await bus.spoke('c1');
  const inbox = new MessageInbox();
  await bus.hub.put('c1', bytes('before'));
  const watch = spoke.watch('c1', inbox.take, signal);
  await inbox.untilText('before');
  const nc = await bus.rawHub();
  await nc.request(`$JS.API.STREAM.DELETE.${stream}`);
  await assert.rejects(bus.hub.put('c1', bytes('lost')), { code: 'UNREACHABLE' });
  assert.deepEqual(await bus.hub.put('c1', bytes('after'), { sequence: 0 }), { sequence: 1 });
  await watch.refresh();
  await inbox.untilText('after');
});

onNats('what is pushed twice or late is handed on as it is, and a read settles it', async (bus, signal) => {
  const inbox = new MessageInbox();
  await bus.hub.put('c1', bytes('two'));
  const watch = (await bus.spoke('c1')).watch('c1', inbox.take, signal);
  await inbox.untilText('two');
  const late = headers();
  late.set('Nats-Subject', keySubject('c1'));
  const nc = await bus.rawHub();
  for (const body of ['one', 'two', 'two']) nc.publish('push.c1', body, { headers: late });
  await inbox.untilText('one');
  await watch.refresh();
  assert.equal(inbox.texts.at(-1), 'two');
});

onNats('the bucket is a KV bucket to any other client of NATS', async (bus) => {
  await bus.hub.put('c1', bytes('of c1'));
  const kv = await new Kvm(await bus.rawHub()).open(bucket);
  assert.equal((await kv.get('c1'))?.string(), 'of c1');
});
