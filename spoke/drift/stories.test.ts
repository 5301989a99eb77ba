import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { refText, type ObjectRef } from '../kube/mod.ts';
import { nothingTaken, type Taken } from './comparisons.ts';
import type { Found } from './detect.ts';
import { driftReport, driftText, contestedVerdict } from './reports.ts';
import {
  compared,
  corrected,
  delayMs,
  dismissed,
  dueOf,
  forgiven,
  isContested,
  looked,
  nextLookMs,
  noStories,
  urged,
  type Drift,
  type Now,
  type Stories,
} from './stories.ts';

const ref = (name: string): ObjectRef => ({ group: 'apps', kind: 'Deployment', namespace: 'shop', name });
const at = (seconds: number): Now => ({ monotonicMs: seconds * 1000, wallMs: 1_000_000_000_000 + seconds * 1000 });
const by = { manager: 'kubectl', operation: 'Update', subresource: 'scale', atMs: 5 };
const scaled: Taken = { fields: ['.spec.replicas'], more: 0, by };

/** One look at a world in which these have drifted and everything else is as it was written, or not to be seen. */
const look = (stories: Stories, names: readonly string[], now: Now, unseen: readonly string[] = []): Stories => {
  const drifted = names.map((name): Drift => ({ ref: ref(name), kind: 'Changed' }));
  const foundOf = ({ name }: ObjectRef): Found => (unseen.includes(name) ? 'unknown' : names.includes(name) ? 'Changed' : 'none');
  return looked(stories, drifted, foundOf, now);
};
const correct = (stories: Stories, names: readonly string[], now: Now): Stories =>
  corrected(
    stories,
    names.map((name) => ({ ref: ref(name), kind: 'Changed', taken: scaled })),
    now,
  );
const names = (stories: readonly { readonly ref: ObjectRef }[]): readonly string[] => stories.map(({ ref: { name } }) => name);
const story = (stories: Stories, name = 'web') => stories.get(refText(ref(name))) ?? assert.fail(`${name} has no story`);

/** Somebody who takes it again at once, each time: `times` corrections, each when it was due. */
function fight(times: number, from = 0): { readonly stories: Stories; readonly atMs: readonly number[] } {
  let stories = noStories;
  const atMs: number[] = [];
  let nowMs = from * 1000;
  for (let i = 0; i < times; i++) {
    stories = look(stories, ['web'], at(nowMs / 1000));
    nowMs = Math.max(nowMs, story(stories).dueAtMs);
    atMs.push(nowMs);
    stories = correct(stories, ['web'], at(nowMs / 1000));
  }
  return { stories, atMs };
}

test('no drift, nothing to do and nothing to wait for', () => {
  const stories = look(noStories, [], at(0));
  assert.equal(stories.size, 0);
  assert.deepEqual(dueOf(stories, at(0)), []);
  assert.equal(nextLookMs(stories, at(0)), undefined);
  assert.deepEqual(driftReport(stories), { drift: [], driftMore: 0 });
});

test('drift is due at once, told as standing, then as corrected with who did it, for an hour', () => {
  let stories = look(noStories, ['web'], at(10));
  assert.deepEqual(names(dueOf(stories, at(10))), ['web']);
  assert.equal(driftReport(stories).drift[0]?.state, 'DRIFT_STATE_STANDING');
  assert.equal(driftReport(stories).drift[0]?.manager, '');
  stories = correct(stories, ['web'], at(11));
  assert.deepEqual(driftReport(stories).drift, [
    {
      object: 'apps/Deployment/shop/web',
      kind: 'DRIFT_KIND_CHANGED',
      state: 'DRIFT_STATE_CORRECTED',
      fields: ['.spec.replicas'],
      fieldsMore: 0,
      manager: 'kubectl',
      operation: 'Update',
      subresource: 'scale',
      changedAt: new Date(5),
      firstSeenAt: new Date(at(10).wallMs),
      lastSeenAt: new Date(at(10).wallMs),
      correctedAt: new Date(at(11).wallMs),
      seen: 1,
      corrections: 1,
    },
  ]);
  assert.deepEqual(dueOf(stories, at(11)), []);
  assert.equal(nextLookMs(stories, at(11)), 3_600_000);
  assert.equal(look(stories, [], at(3_610)).size, 1);
  assert.equal(look(stories, [], at(3_611)).size, 0);
});

test('looking twice is looking once', () => {
  const once = look(noStories, ['web'], at(0));
  assert.deepEqual(look(once, ['web'], at(5)), once);
});

test('what somebody undid himself is settled without a correction', () => {
  const stories = look(look(noStories, ['web'], at(0)), [], at(1));
  const [said] = driftReport(stories).drift;
  assert.deepEqual([said?.state, said?.correctedAt, said?.corrections], ['DRIFT_STATE_CORRECTED', undefined, 0]);
});

test('what cannot be seen stays as it was last seen: standing as standing, and never anew', () => {
  const standing = look(noStories, ['web'], at(0));
  assert.equal(story(look(standing, [], at(1), ['web'])).standing, true);
  const settled = correct(standing, ['web'], at(1));
  assert.equal(story(look(settled, [], at(2), ['web'])).standing, false);
  assert.equal(look(noStories, [], at(0), ['web']).size, 0);
});

test('each correction in a row waits longer, up to five minutes; the fifth makes it contested', () => {
  const { stories, atMs } = fight(12);
  const waits = atMs.slice(1).map((ms, i) => ms - (atMs[i] ?? 0));
  assert.deepEqual(
    waits,
    [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map((s) => s * 1000),
  );
  assert.equal(isContested(story(fight(4).stories)), false);
  assert.equal(isContested(story(fight(5).stories)), true);
  assert.equal(story(stories).corrections, 12);
  assert.equal(story(stories).seen, 12);
});

test('a contested object is told as such, also while it stands, with who does it, until it has been quiet for two minutes', () => {
  const { stories } = fight(5);
  const dueAt = story(stories).dueAtMs / 1000;
  const standing = look(stories, ['web'], at(dueAt - 10));
  assert.equal(driftReport(standing).drift[0]?.state, 'DRIFT_STATE_CONTESTED');
  assert.equal(driftReport(standing).drift[0]?.manager, 'kubectl');
  assert.deepEqual(dueOf(standing, at(dueAt - 10)), []);
  const said = contestedVerdict(story(standing));
  assert.equal(said?.health, 'Degraded');
  assert.equal(said?.reason, 'Contested');
  assert.match(
    said?.message ?? '',
    /6 times so far: \.spec\.replicas was changed by kubectl \(scale\); it is corrected at most every 16 s/,
  );
  assert.equal(nextLookMs(stories, at(dueAt)), 120_000);
  assert.equal(isContested(story(look(stories, [], at(dueAt + 119)))), true);
  const calm = look(stories, [], at(dueAt + 120));
  assert.equal(contestedVerdict(story(calm)), undefined);
  assert.equal(driftReport(calm).drift[0]?.state, 'DRIFT_STATE_CORRECTED');
});

test('a quiet time forgives: the next correction is prompt again, and nobody is remembered as its doer before it was compared', () => {
  const { stories } = fight(3);
  const later = look(look(stories, [], at(600)), ['web'], at(600));
  assert.deepEqual(names(dueOf(later, at(600))), ['web']);
  assert.deepEqual(story(later).taken, nothingTaken);
  assert.equal(story(correct(later, ['web'], at(600))).dueAtMs, 601_000);
});

test('another revision is no longer contested, and its drift is due at once', () => {
  const { stories } = fight(7);
  const next = look(forgiven(stories), ['web'], at(200));
  assert.equal(contestedVerdict(story(next)), undefined);
  assert.deepEqual(names(dueOf(next, at(200))), ['web']);
  assert.equal(story(next).corrections, 7, 'what happened has happened');
});

test('what turns out to be as it was applied is no story, unless it has one', () => {
  const stories = look(correct(look(noStories, ['old'], at(0)), ['old'], at(0)), ['old', 'new'], at(1));
  const left = dismissed(stories, [ref('old'), ref('new'), ref('other')]);
  assert.deepEqual(
    [...left.values()].map(({ ref: { name }, standing, seen }) => [name, standing, seen]),
    [['old', false, 2]],
  );
});

test('one that is fought over delays no other', () => {
  const { stories } = fight(9);
  const both = look(stories, ['web', 'api'], at(200));
  assert.deepEqual(names(dueOf(both, at(200))), ['api']);
});

test('who asks for it is not made to wait', () => {
  const standing = look(fight(9).stories, ['web'], at(300));
  assert.deepEqual(dueOf(standing, at(300)), []);
  assert.deepEqual(names(dueOf(urged(standing), at(300))), ['web']);
});

test('what was compared and left is told with who did it, and is still standing', () => {
  const stories = compared(look(noStories, ['web'], at(0)), [{ ref: ref('web'), kind: 'Changed', taken: scaled }]);
  const [said] = driftReport(stories).drift;
  assert.deepEqual([said?.state, said?.fields, said?.manager], ['DRIFT_STATE_STANDING', ['.spec.replicas'], 'kubectl']);
});

test('a report lists ten: contested ones, then standing ones, then the latest', () => {
  const many = Array.from({ length: 30 }, (_, i) => `old-${String(i).padStart(2, '0')}`);
  let { stories } = fight(5);
  for (const [i, one] of many.entries()) stories = correct(look(stories, [one], at(100 + i)), [one], at(100 + i));
  stories = look(stories, ['now'], at(131));
  const { drift, driftMore } = driftReport(stories);
  assert.deepEqual(
    drift.map(({ object }) => object.slice('apps/Deployment/shop/'.length)),
    ['web', 'now', ...many.toReversed().slice(0, 8)],
  );
  assert.equal(driftMore, 22);
});

test('of what is settled the latest hundred are remembered, and of what stands everything', () => {
  const many = Array.from({ length: 500 }, (_, i) => `o${i}`);
  const standing = look(noStories, many, at(0));
  assert.equal(standing.size, 500);
  assert.equal(look(correct(standing, many, at(1)), [], at(2)).size, 100);
});

const texts: readonly (readonly [Parameters<typeof driftText>[0], string])[] = [
  [{ ref: ref('web'), kind: 'Changed', taken: scaled }, '.spec.replicas was changed by kubectl (scale)'],
  [
    { ref: ref('web'), kind: 'Changed', taken: { ...scaled, by: undefined } },
    '.spec.replicas was changed or removed, by whom is not recorded',
  ],
  [
    { ref: ref('web'), kind: 'Changed', taken: { fields: ['.a', '.b'], more: 3, by: { ...by, subresource: '' } } },
    '.a, .b and 3 more were changed by kubectl',
  ],
  [{ ref: ref('web'), kind: 'Changed', taken: nothingTaken }, 'it was changed, by whom is not recorded'],
  [{ ref: ref('web'), kind: 'Deleted', taken: nothingTaken }, 'it was deleted, by whom is not recorded'],
  [{ ref: ref('web'), kind: 'Replaced', taken: { ...nothingTaken, by: { ...by, subresource: '' } } }, 'it was made anew by kubectl'],
  [{ ref: ref('web'), kind: 'Replaced', taken: nothingTaken }, 'it was made anew, by whom is not recorded'],
];
for (const [outcome, text] of texts)
  test(`it is said that ${text}`, () => assert.equal(driftText(outcome), `Deployment web in shop: ${text}`));

// Laws, over any course of looks, corrections and silences.
type Event = { readonly do: 'look'; readonly drifted: readonly string[]; readonly unseen: readonly string[] } | { readonly do: 'correct' };
const objects = fc.uniqueArray(fc.constantFrom('a', 'b', 'c'));
const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ do: fc.constant('look' as const), drifted: objects, unseen: objects }),
  fc.record({ do: fc.constant('correct' as const) }),
);
const course = fc.array(fc.tuple(event, fc.nat({ max: 400 })), { maxLength: 60 });

test('in any course: counts only rise, a correction is only of what drifted and was seen, and never before its time', () => {
  fc.assert(
    fc.property(course, (events) => {
      let stories = noStories;
      let seconds = 0;
      const correctedAt = new Map<string, number>();
      for (const [one, wait] of events) {
        seconds += wait;
        const before = stories;
        if (one.do === 'look') {
          const seen = one.drifted.filter((name) => !one.unseen.includes(name));
          stories = look(stories, seen, at(seconds), one.unseen);
          for (const {
            ref: { name },
          } of dueOf(stories, at(seconds)))
            assert.ok(seen.includes(name) || one.unseen.includes(name), `${name} is as it was written`);
        } else {
          const due = dueOf(stories, at(seconds));
          for (const {
            ref: { name },
            streak,
          } of due) {
            const last = correctedAt.get(name);
            if (last !== undefined && streak > 0) assert.ok(seconds * 1000 - last >= delayMs(streak));
            correctedAt.set(name, seconds * 1000);
          }
          stories = correct(stories, names(due), at(seconds));
        }
        for (const [name, { seen, corrections, streak }] of stories) {
          const old = before.get(name);
          assert.ok(seen >= (old?.seen ?? 0) && corrections >= (old?.corrections ?? 0));
          assert.ok(corrections <= seen && streak <= corrections);
        }
      }
    }),
  );
});

test('the wait never shrinks while a row lasts, and has a bound', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), (streak) => {
      assert.ok(delayMs(streak + 1) >= delayMs(streak));
      assert.ok(delayMs(streak) >= 1_000 && delayMs(streak) <= 300_000);
    }),
  );
});

test('what could not be corrected when it was due is looked at again, for ever', () => {
  const stories = look(noStories, ['web'], at(0));
  assert.equal(nextLookMs(stories, at(0)), 60_000);
  assert.equal(nextLookMs(stories, at(100_000)), 60_000);
});

test('what looks deleted and was found to be changed stays told as that until it looks otherwise', () => {
  const looksDeleted = (before: Stories, now: Now): Stories => looked(before, [{ ref: ref('web'), kind: 'Deleted' }], () => 'Deleted', now);
  const stories = compared(looksDeleted(noStories, at(0)), [{ ref: ref('web'), kind: 'Changed', taken: scaled }]);
  assert.deepEqual(looksDeleted(stories, at(1)), stories);
  const [told] = driftReport(looked(stories, [{ ref: ref('web'), kind: 'Replaced' }], () => 'Replaced', at(2))).drift;
  assert.deepEqual([told?.kind, told?.seen, told?.fields], ['DRIFT_KIND_REPLACED', 2, []]);
});
