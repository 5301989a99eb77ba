import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom, VirtualClock } from '#shared/clock/mod.ts';
import { silentLog } from '#shared/telemetry/mod.ts';
import { MemoryKube } from '#spoke/kube/mod.ts';
import { SpokeState } from '#spoke/state/mod.ts';
import { SpokeIdentity } from './mod.ts';
import { keptIdentity } from './testing.ts';

test('a floor that was kept is none: what the hub said at enrolment is old when the desired state is lost', async () => {
  const clock = new VirtualClock();
  const random = seededRandom(1);
  const { signal } = new AbortController();
  const state = await SpokeState.open({ client: new MemoryKube({ clock }), clock, random }, signal);
  const kept = await keptIdentity(new Date(clock.now() + 86_400_000), 'k', { epoch: 1, generation: 3, hash: Buffer.alloc(32) });
  await state.saveIdentity(kept, signal);
  const facts = () => ({ kubernetesVersion: '', nodes: 0, labels: {} });
  const options = { state, token: undefined, kubeSystemUid: 'k', version: '0', facts, clock, random, log: silentLog };
  const identity = await SpokeIdentity.open(options, signal);
  assert.equal(identity.current.clusterUid, 'c1');
  assert.equal(identity.floor, undefined);
  // A backup of the same Secrets, restored in another cluster: refused before anything is done with what they hold.
  await assert.rejects(SpokeIdentity.open({ ...options, kubeSystemUid: 'other' }, signal), { code: 'CLONE' });
});
