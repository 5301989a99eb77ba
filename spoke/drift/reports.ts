import type { Drift } from '../../proto/mod.ts';
import { nameOf, type Verdict } from '../health/mod.ts';
import { refText } from '../kube/mod.ts';
import { delayMs, isContested, type Outcome, type Stories, type Story } from './stories.ts';

const listedMax = 10;

/** What the report lists: what somebody has to do something about first, then the latest. Pure. */
export function driftReport(stories: Stories): { readonly drift: Drift[]; readonly driftMore: number } {
  const all = [...stories.values()].toSorted(
    (a, b) =>
      Number(isContested(b)) - Number(isContested(a)) ||
      Number(b.standing) - Number(a.standing) ||
      b.lastSeenAtMs - a.lastSeenAtMs ||
      (refText(a.ref) < refText(b.ref) ? -1 : 1),
  );
  return { drift: all.slice(0, listedMax).map(entryOf), driftMore: Math.max(0, all.length - listedMax) };
}

const dateOf = (atMs: number | undefined): Date | undefined => (atMs ? new Date(atMs) : undefined);

const entryOf = (story: Story): Drift => ({
  object: refText(story.ref),
  kind: `DRIFT_KIND_${story.kind.toUpperCase() as Uppercase<Story['kind']>}`,
  state: isContested(story) ? 'DRIFT_STATE_CONTESTED' : story.standing ? 'DRIFT_STATE_STANDING' : 'DRIFT_STATE_CORRECTED',
  fields: [...story.taken.fields],
  fieldsMore: story.taken.more,
  manager: story.taken.by?.manager ?? '',
  operation: story.taken.by?.operation ?? '',
  subresource: story.taken.by?.subresource ?? '',
  changedAt: dateOf(story.taken.by?.atMs),
  firstSeenAt: dateOf(story.firstSeenAtMs),
  lastSeenAt: dateOf(story.lastSeenAtMs),
  correctedAt: dateOf(story.correctedAtMs),
  seen: story.seen,
  corrections: story.corrections,
});

/** `Deployment web in shop: .spec.replicas was changed by kubectl (scale)`: for people. Pure. */
export const driftText = (outcome: Outcome): string => `${nameOf(outcome.ref)}: ${whatText(outcome)}`;

const unknown = ', by whom is not recorded';

function whatText({ kind, taken: { fields, more, by } }: Pick<Outcome, 'kind' | 'taken'>): string {
  const who = by ? ` by ${by.manager}${by.subresource === '' ? '' : ` (${by.subresource})`}` : unknown;
  if (kind === 'Deleted') return `it was deleted${unknown}`;
  if (kind === 'Replaced') return `it was made anew${who}`;
  if (fields.length === 0) return `it was changed${who}`;
  const what = fields.join(', ') + (more > 0 ? ` and ${more} more` : '');
  // Nobody has what is gone, nor what was scaled to zero.
  return `${what} ${fields.length + more > 1 ? 'were' : 'was'} ${by ? 'changed' : 'changed or removed'}${who}`;
}

/** The reason of an object that somebody keeps changing back. */
export const contestedReason = 'Contested';

/** What is said of the health of an object that somebody keeps changing; undefined: nobody does. Pure. */
export function contestedVerdict(story: Story | undefined): Verdict | undefined {
  if (!story || !isContested(story)) return undefined;
  const { seen, streak } = story;
  const message = `drift comes back each time it is corrected, ${seen} times so far: ${whatText(story)}; it is corrected at most every ${delayMs(streak) / 1000} s`;
  return { health: 'Degraded', reason: contestedReason, message };
}
