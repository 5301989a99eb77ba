import assert from 'node:assert/strict';
import test from 'node:test';
import { desiredPayloadType, encodeDesired, type DesiredState, type Refusal } from '#proto/mod.ts';
import { VirtualClock } from '#shared/clock/mod.ts';
import { sha256 } from '#shared/kernel/mod.ts';
import { keyFromSeed, sealEnvelope } from '#shared/signing/mod.ts';
import { silentLog } from '#shared/telemetry/mod.ts';
import { Receiver, type Stored } from './mod.ts';

const key = keyFromSeed(new Uint8Array(32).fill(7));
const self = () => ({ fleetId: 'tfleet', clusterUid: 'cone', desired: { keys: [{ keyid: key.keyid, spki: key.spki }], threshold: 1 } });

function document(generation: number, ancestors: DesiredState['ancestors'] = []): { bytes: Uint8Array; hash: Uint8Array } {
  const payload = encodeDesired({
    fleetId: 'tfleet',
    clusterUid: 'cone',
    epoch: 1,
    generation,
    ancestors,
    keysetVersion: 1,
    requires: [],
    assignments: [],
  });
  return { bytes: sealEnvelope(payload, desiredPayloadType, [key]), hash: sha256(payload) };
}

function receiver(over: { save?: (stored: Stored) => Promise<void>; stored?: Stored } = {}) {
  const states: number[] = [];
  const refusals: Refusal[] = [];
  const saved: Stored[] = [];
  const made = new Receiver(
    {
      self,
      save: over.save ?? (async (stored) => void saved.push(stored)),
      onState: (state) => states.push(state.generation),
      onRefusal: (refusal) => refusals.push(refusal),
      clock: new VirtualClock(),
      log: silentLog,
    },
    over.stored,
    { fence: { epoch: 1, generation: 0, hash: new Uint8Array() } },
  );
  return { made, states, refusals, saved, settle: () => new Promise<void>((resolve) => setImmediate(resolve)) };
}

test('a state is kept before it is handed on, and worked towards again after a restart', async () => {
  const { made, states, saved, settle } = receiver();
  made.receive(document(1).bytes);
  await settle();
  assert.deepEqual([states, saved.length], [[1], 1]);
  const again = receiver(saved[0] ? { stored: saved[0] } : {});
  again.made.resume();
  assert.deepEqual(again.states, [1]);
});

test('what could not be kept is not worked towards, and may come again', async () => {
  let fail = true;
  const { made, states, settle } = receiver({
    save: async () => {
      if (fail) throw new Error('the API server is away');
    },
  });
  const { bytes } = document(1);
  made.receive(bytes);
  await settle();
  assert.deepEqual([states, made.stored], [[], undefined]);
  fail = false;
  made.receive(bytes);
  await settle();
  assert.deepEqual(states, [1]);
});

test('what was kept although its answer was lost is followed by nothing lower', async () => {
  const kept: number[] = [];
  let lost = true;
  const { made, states, settle } = receiver({
    save: async ({ fence }) => {
      kept.push(fence.generation);
      if (lost) throw new Error('no answer');
    },
  });
  const [older, newer] = [document(1).bytes, document(2).bytes];
  made.receive(newer);
  await settle();
  lost = false;
  made.receive(older);
  await settle();
  assert.deepEqual([kept, states], [[2], []]);
  made.receive(newer);
  await settle();
  assert.deepEqual([kept, states], [[2, 2], [2]]);
});

test('what was overtaken on its way is no replay; what comes again, or was accepted before, is', async () => {
  const { made, states, refusals, settle } = receiver();
  const first = document(1);
  const after = [{ generation: 1, hash: Buffer.from(first.hash.subarray(0, 8)) }];
  const [second, third] = [document(2, after), document(3, after)];
  for (const { bytes } of [first, third, second]) made.receive(bytes);
  await settle();
  assert.deepEqual([states.at(-1), refusals], [3, []]);
  made.receive(second.bytes);
  await settle();
  assert.deepEqual(
    refusals.map(({ outcome }) => outcome),
    ['Older'],
  );
  const other = receiver();
  for (const { bytes } of [first, second, first]) other.made.receive(bytes);
  await other.settle();
  assert.deepEqual(
    other.refusals.map(({ outcome }) => outcome),
    ['Older'],
  );
});

test('a flood of forged messages does not push out the genuine one, and each forgery is told once', async () => {
  const { made, states, refusals, settle } = receiver();
  const { bytes } = document(1);
  const forged = Uint8Array.from(bytes, (byte, i) => (i === 40 ? byte ^ 1 : byte));
  made.receive(bytes);
  for (let i = 0; i < 10; i++) made.receive(forged);
  await settle();
  assert.deepEqual(states, [1]);
  assert.deepEqual(
    refusals.map((r) => r.outcome),
    ['BadSignature'],
  );
});

test('without ancestors a later generation waits for the hub to confirm the one held', async () => {
  const { made, states, refusals, settle } = receiver();
  made.receive(document(1).bytes);
  await settle();
  made.receive(document(90).bytes);
  await settle();
  assert.deepEqual([states, refusals.map((r) => r.outcome)], [[1], ['Forked']]);
  const fence = { epoch: 1, generation: 90, hash: Buffer.from(document(90).hash) };
  const named = made.stored?.fence;
  made.welcomed({ beatIntervalMs: 1, antiEntropyMs: 1, fence, fenceConfirmed: true, keysetVersion: 1, reportsConfirmed: true }, named);
  made.receive(document(90).bytes);
  await settle();
  assert.deepEqual(states, [1, 90]);
});
