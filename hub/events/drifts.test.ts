import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { Drift, DriftKind, DriftState } from '#proto/mod.ts';
import { driftNews, whatText, withDrift } from './drifts.ts';
import type { ToldDrift } from './model.ts';

const drift = (more: Partial<Drift> = {}): Drift => ({
  ...Drift.decode(new Uint8Array()),
  object: 'apps/Deployment/shop/web',
  kind: DriftKind.DRIFT_KIND_CHANGED,
  state: DriftState.DRIFT_STATE_CORRECTED,
  fields: ['.spec.replicas'],
  manager: 'kubectl',
  subresource: 'scale',
  firstSeenAt: new Date(1_000),
  seen: 1,
  corrections: 1,
  ...more,
});
const told = (more: Partial<ToldDrift> = {}): Record<string, ToldDrift> => ({
  'apps/Deployment/shop/web': { firstMs: 1_000, corrections: 1, state: 'CORRECTED', ...more },
});
const standing = { state: DriftState.DRIFT_STATE_STANDING, corrections: 0 };

const rows: readonly (readonly [name: string, told: Record<string, ToldDrift>, drift: Drift, observed: boolean, news: string])[] = [
  ['corrected', {}, drift(), false, 'Normal DriftCorrected x1'],
  ['told already', told(), drift(), false, ''],
  ['corrected again, twice since', told(), drift({ corrections: 3, seen: 3 }), false, 'Normal DriftCorrected x2'],
  [
    'another story of the same object',
    told({ corrections: 4 }),
    drift({ firstSeenAt: new Date(2_000) }),
    false,
    'Normal DriftCorrected x1',
  ],
  ['about to be corrected', {}, drift(standing), false, ''],
  ['only observed', {}, drift(standing), true, 'Warning Drifted x1'],
  ['still only observed', told({ corrections: 0, state: 'STANDING' }), drift(standing), true, ''],
  [
    'comes back',
    told(),
    drift({ state: DriftState.DRIFT_STATE_CONTESTED, corrections: 4 }),
    false,
    'Normal DriftCorrected x3, Warning DriftContested x1',
  ],
  [
    'still comes back',
    told({ corrections: 4, state: 'CONTESTED' }),
    drift({ state: DriftState.DRIFT_STATE_CONTESTED, corrections: 4 }),
    false,
    '',
  ],
];
for (const [name, before, given, observed, news] of rows)
  test(`drift: ${name}`, () => {
    const { happenings } = driftNews(before, [given], observed);
    assert.equal(happenings.map(({ type, reason, times }) => `${type} ${reason} x${times}`).join(', '), news);
    for (const { actor, message } of happenings) assert.deepEqual([actor, message.startsWith(given.object)], ['manager:kubectl', true]);
  });

test('however reports are coalesced, a correction is told as often as it happened', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5), { minLength: 1, maxLength: 20 }), (steps) => {
      let stories: Readonly<Record<string, ToldDrift>> = {};
      let [corrections, heard] = [0, 0];
      for (const step of steps) {
        corrections += step;
        const news = driftNews(stories, [drift({ corrections, seen: corrections })], false);
        stories = news.told ?? {};
        heard += news.happenings.reduce((sum, { times }) => sum + times, 0);
      }
      assert.equal(heard, corrections);
    }),
  );
});

test('what others did is said in words, and nothing is invented when nobody is known', () => {
  assert.equal(whatText(drift()), '.spec.replicas changed by kubectl (scale)');
  assert.equal(whatText(drift({ fieldsMore: 2, subresource: '' })), '.spec.replicas and 2 more changed by kubectl');
  assert.equal(whatText(drift({ kind: DriftKind.DRIFT_KIND_DELETED, manager: '', subresource: '' })), 'deleted by somebody');
  assert.equal(whatText(drift({ kind: DriftKind.DRIFT_KIND_REPLACED, manager: 'helm', subresource: '' })), 'replaced by helm');
  assert.equal(driftNews({}, [drift({ manager: '' })], false).happenings[0]?.actor, '');
});

test('stories stand beside what was told of health, and end with the report that names them no more', () => {
  const first = withDrift(undefined, [drift()], false, 5);
  assert.deepEqual([first.told?.health, Object.keys(first.told?.drift ?? {})], ['', ['apps/Deployment/shop/web']]);
  const again = withDrift(first.told, [drift()], false, 9);
  assert.equal(again.told, first.told);
  assert.deepEqual(withDrift(first.told, [], false, 9).told?.drift, {});
  assert.deepEqual(withDrift(undefined, [], false, 9), { told: undefined, happenings: [] });
});
