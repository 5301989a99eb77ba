import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Identity } from '#proto/mod.ts';
import { seededRandom, VirtualClock } from '#shared/clock/mod.ts';
import { silentLog } from '#shared/telemetry/mod.ts';
import { MemoryKube } from '#spoke/kube/memory/mod.ts';
import { SpokeState } from '#spoke/state/mod.ts';
import { IdentityError, SpokeIdentity } from './mod.ts';
import { keptIdentity } from './testing.ts';

const dayMs = 86_400_000;
const minuteMs = 60_000;
const facts = () => ({ kubernetesVersion: '', nodes: 0, labels: {} });

/** A spoke that has an identity of a day, good for so long still, and a hub that renews it when it is there. */
async function spokeWith(leftMs: number) {
  const clock = new VirtualClock();
  const random = seededRandom(1);
  const stop = new AbortController();
  const state = await SpokeState.open({ client: new MemoryKube({ clock }), clock, random }, stop.signal);
  const kept = await keptIdentity(new Date(clock.now() + leftMs), 'k', { epoch: 1, generation: 3, hash: Buffer.alloc(32) });
  await state.saveIdentity(kept, stop.signal);
  const hub = { isThere: true, goodForMs: dayMs, askedAtMs: [] as number[], busy: 0 };
  const renew = async (): Promise<Identity> => {
    hub.askedAtMs.push(clock.now());
    if (!hub.isThere) throw new IdentityError('REFUSED', 'nobody there');
    hub.busy++;
    const { identity: next } = await keptIdentity(new Date(clock.now() + hub.goodForMs), 'k');
    hub.busy--;
    return { ...kept.identity, certificate: next.certificate };
  };
  const options = { state, token: undefined, kubeSystemUid: 'k', version: '0', facts, clock, random, log: silentLog, renew };
  const identity = await SpokeIdentity.open(options, stop.signal);
  const leftNow = (): number => identity.current.notAfter - clock.now();
  return { clock, state, stop, hub, options, identity, leftNow, began: clock.now() };
}

/** Virtual time passes in steps; between them, what takes real time (keys are made) comes to its end. */
async function pass({ clock, hub }: { clock: VirtualClock; hub: { busy: number } }, ms: number, stepMs: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    await clock.advance(stepMs);
    do await new Promise((resolve) => setImmediate(resolve));
    while (hub.busy > 0);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('a floor that was kept is none: what the hub said at enrolment is old when the desired state is lost', async () => {
  const { identity, options, stop } = await spokeWith(dayMs);
  assert.equal(identity.current.clusterUid, 'c1');
  assert.equal(identity.floor, undefined);
  // A backup of the same Secrets, restored in another cluster: refused before anything is done with what they hold.
  await assert.rejects(SpokeIdentity.open({ ...options, kubeSystemUid: 'other' }, stop.signal), { code: 'CLONE' });
});

test('before anything else: what is good still is left alone', async () => {
  const { identity, hub, stop } = await spokeWith(minuteMs);
  await identity.refresh(stop.signal);
  assert.deepEqual(hub.askedAtMs, []);
});

test('before anything else: what expired while the spoke was away is renewed, kept, and the same identity', async () => {
  const { identity, state, stop, hub, leftNow } = await spokeWith(-minuteMs);
  const { certificate, clusterUid } = identity.current;
  await identity.refresh(stop.signal);
  assert.equal(hub.askedAtMs.length, 1);
  assert.ok(leftNow() > 0);
  assert.equal(identity.current.clusterUid, clusterUid);
  assert.notEqual(identity.current.certificate, certificate);
  assert.equal(state.identity.identity?.certificate, identity.current.certificate);
});

for (const [what, away] of [
  ['is not there', { isThere: false }],
  ['gives what has expired already', { goodForMs: -1 }],
] as const)
  test(`before anything else: a hub that ${what} is asked again, slower each time, and nothing goes on before it is renewed`, async () => {
    const spoke = await spokeWith(-minuteMs);
    const { identity, stop, hub, leftNow } = spoke;
    Object.assign(hub, away);
    let isOver = false;
    const refreshed = identity.refresh(stop.signal).then(() => (isOver = true));
    await pass(spoke, 10 * minuteMs, 1_000);
    const asked = hub.askedAtMs.length;
    assert.ok(!isOver && asked >= 6 && asked <= 30, `${asked} times in ten minutes`);
    Object.assign(hub, { isThere: true, goodForMs: dayMs });
    await pass(spoke, 2 * minuteMs, 1_000);
    assert.ok(isOver && leftNow() > 0);
    await refreshed;
    assert.equal(hub.askedAtMs.length, asked + 1);
  });

test('while it runs: renewed when two thirds of its life are over, and again of the next one', async () => {
  const spoke = await spokeWith(dayMs);
  const { identity, stop, hub, leftNow, began } = spoke;
  let renewed = 0;
  const running = identity.keepFresh(() => renewed++, stop.signal);
  await pass(spoke, 3 * dayMs, 5 * minuteMs);
  assert.ok(renewed >= 4 && renewed <= 5, `${renewed} renewals in three days`);
  const first = ((hub.askedAtMs[0] ?? 0) - began) / dayMs;
  assert.ok(first > 0.55 && first < 0.78, `first after ${first} of its life`);
  assert.ok(leftNow() > 0);
  stop.abort(new Error('over'));
  await assert.rejects(running, /over/);
});

test('while it runs: a hub that is away over the end of the certificate is asked on, and connections come back with the new one', async () => {
  const spoke = await spokeWith(dayMs);
  const { identity, stop, hub, leftNow } = spoke;
  hub.isThere = false;
  let renewed = 0;
  const running = identity.keepFresh(() => renewed++, stop.signal);
  await pass(spoke, 1.25 * dayMs, minuteMs);
  assert.ok(leftNow() < 0 && renewed === 0);
  hub.isThere = true;
  await pass(spoke, 3 * minuteMs, 10_000);
  assert.ok(leftNow() > 0);
  assert.equal(renewed, 1);
  stop.abort(new Error('over'));
  await assert.rejects(running, /over/);
});
