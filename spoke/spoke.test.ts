import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';
import { desiredPayloadType, encodeDesired } from '#proto/mod.ts';
import { seededRandom, VirtualClock } from '#shared/clock/mod.ts';
import { sha256 } from '#shared/kernel/mod.ts';
import { MemoryRegistry } from '#shared/oci/mod.ts';
import { sealEnvelope } from '#shared/signing/mod.ts';
import { silentLog } from '#shared/telemetry/mod.ts';
import { configMap, Contents, digestOnly, filesOf } from './assignments/testing/rig.ts';
import { contentFetcher, memoryCache } from './fetch/mod.ts';
import { desiredKey, keptIdentity, self } from './identity/testing.ts';
import { MemoryKube } from './kube/memory/mod.ts';
import { runSpoke } from './spoke.ts';
import { SpokeState } from './state/mod.ts';

test('with the hub gone for ever and a certificate that expired meanwhile, a restarted spoke keeps what it runs', async () => {
  const clock = new VirtualClock();
  const random = seededRandom(3);
  const kube = new MemoryKube({ clock });
  for (const name of ['kube-system', 'shop'])
    kube.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name }, status: { phase: 'Active' } }, 'kube-apiserver');
  const { signal } = new AbortController();

  const registry = new MemoryRegistry();
  const assignment = await new Contents(registry).assignment('p1', filesOf(configMap('a')));
  const content = await contentFetcher({ registry, cache: memoryCache(), policies: () => digestOnly, clock }).fetch(assignment, [], signal);
  const state = await SpokeState.open({ client: kube, clock, random }, signal);
  const kubeSystemUid = kube.objects().find(({ metadata }) => metadata.name === 'kube-system')?.metadata.uid ?? '';
  await state.saveIdentity(await keptIdentity(new Date(clock.now() - 1_000), kubeSystemUid), signal);
  const document = { ...self, epoch: 1, generation: 1, ancestors: [], keysetVersion: 1, requires: [], assignments: [assignment] };
  const payload = encodeDesired(document);
  const envelope = sealEnvelope(payload, desiredPayloadType, [desiredKey]);
  await state.saveDesired({ fence: { epoch: 1, generation: 1, hash: sha256(payload) }, envelope }, signal);
  const { revision, indexDigest, layerHash, inputsBytes: inputs, layer } = content;
  const ref = { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'a' };
  // Applied once, and deleted by somebody while the spoke was away.
  const applied = { revision, indexDigest, layerHash, inputs, layer, appliedAtMs: 1 };
  await state.assignments.save('p1', { inventory: [{ ref, uid: 'gone', fields: 'x' }], applied }, signal);

  const stop = new AbortController();
  const config = { joinToken: undefined, cacheDir: undefined };
  const ended = runSpoke({ config, kube, clock, random, log: silentLog }, stop.signal);
  const isBack = (): boolean => kube.objects().some(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'a');
  for (let i = 0; i < 200 && !isBack(); i++) {
    await clock.advance(100);
    await setImmediate();
  }
  stop.abort(new Error('the end'));
  for (let i = 0; i < 20; i++) await setImmediate();
  await clock.advance(60_000);
  await ended;
  assert.ok(isBack());
});
