import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureText, runSeed, runSeeds, type Outcome } from './mod.ts';

// How many is the lane's to say: some for everybody, more where there is time.
const seeds = Array.from({ length: Number(process.env['WHEELHOUSE_SEEDS'] ?? 60) }, (_, index) => index + 1);

const outcomes = new Map(seeds.map((seed) => [seed, Promise.withResolvers<Outcome>()]));
const all = (async () => {
  for await (const outcome of runSeeds(seeds)) outcomes.get(outcome.seed)?.resolve(outcome);
})().catch((error: unknown) => outcomes.forEach(({ reject }) => reject(error)));

for (const [seed, { promise }] of outcomes) {
  // Whoever comes later has not been waited for yet.
  promise.catch(() => undefined);
  test(`seed ${seed}: every rule holds through its weather, and everything arrives`, async () => {
    const outcome = await promise;
    assert.equal(outcome.violation, undefined, failureText(outcome));
  });
}
test.after(() => all);

test('one seed is one run: what failed once fails again', async () => {
  const [first, again] = [await runSeed(1, { beats: 20 }), await runSeed(1, { beats: 20 })];
  assert.equal(first.fingerprint, again.fingerprint, failureText(again));
});
