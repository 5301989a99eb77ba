import { refText, type ObjectRef } from '../kube/mod.ts';
import { nothingTaken, type Taken } from './comparisons.ts';
import type { DriftKind, Found } from './detect.ts';

/** What happens to one object between two quiet times. */
export interface Story {
  readonly ref: ObjectRef;
  readonly kind: DriftKind;
  /** What it looked like, before it was compared: what has lost our labels looks deleted, and is not. */
  readonly looks: DriftKind;
  /** Otherwise than it was applied, as far as anybody can say. */
  readonly standing: boolean;
  readonly taken: Taken;
  /** How often it was found otherwise, and how often it was corrected. Invariant: both only rise. */
  readonly seen: number;
  readonly corrections: number;
  /** Corrections without a quiet time in between: what the next one waits for grows with them. */
  readonly streak: number;
  /** Monotonic: not corrected again before. */
  readonly dueAtMs: number;
  /** Monotonic: what its end is counted from. */
  readonly lastAtMs: number;
  /** Wall time, for people. 0: never. */
  readonly firstSeenAtMs: number;
  readonly lastSeenAtMs: number;
  readonly correctedAtMs: number;
}

/** By the object's name. What is not in it has not drifted for an hour. */
export type Stories = ReadonlyMap<string, Story>;
export const noStories: Stories = new Map();

export interface Now {
  readonly wallMs: number;
  readonly monotonicMs: number;
}
export interface Drift {
  readonly ref: ObjectRef;
  readonly kind: DriftKind;
}
/** What became of one object that was to be corrected. */
export interface Outcome extends Drift {
  readonly taken: Taken;
}

const firstDelayMs = 1_000;
const delayMaxMs = 5 * 60_000;
/** So long after it might be corrected again and need not be, whoever changed it has given up. */
const calmMs = 2 * 60_000;
/** From then on somebody has to decide whose the fields are. A person who tries it out a few times is no other controller. */
const contestedFrom = 5;
/** What might be corrected and could not be is tried again after this long, whatever else there is to wait for. */
const overdueMs = 60_000;
/** What was corrected is told this long. */
const toldMs = 60 * 60_000;
/** Settled ones beyond these are forgotten, the oldest first; standing ones are at most the assignment's objects. */
const settledMax = 100;

/** Until the next correction after so many without a quiet time: doubling, so that two that disagree do not keep the API server busy. Pure. */
export const delayMs = (streak: number): number => Math.min(firstDelayMs * 2 ** Math.min(streak - 1, 30), delayMaxMs);

/** It comes back each time it is corrected. */
export const isContested = ({ streak }: Story): boolean => streak >= contestedFrom;

/** The stories after a look at the objects: `foundOf` says of any object how it is now. Looking twice is looking once. Pure. */
export function looked(stories: Stories, drifted: readonly Drift[], foundOf: (ref: ObjectRef) => Found, now: Now): Stories {
  const next = new Map<string, Story>();
  for (const [name, story] of stories) {
    const state = foundOf(story.ref);
    const standing = story.standing && state !== 'none';
    const kept = { ...story, standing, streak: isCalm({ ...story, standing }, now) ? 0 : story.streak };
    if (standing || now.monotonicMs - story.lastAtMs < toldMs) next.set(name, kept);
  }
  for (const { ref, kind } of drifted) {
    const story = next.get(refText(ref));
    if (story?.standing && story.looks === kind) continue;
    next.set(refText(ref), seenAgain(story, ref, kind, now));
  }
  return bounded(next);
}

const fresh = { taken: nothingTaken, corrections: 0, seen: 0, streak: 0, dueAtMs: 0, correctedAtMs: 0 };

function seenAgain(story: Story | undefined, ref: ObjectRef, kind: DriftKind, now: Now): Story {
  const before = story ?? { ...fresh, kind, looks: kind, firstSeenAtMs: now.wallMs };
  // In a row it is the same somebody, until it has been compared again; else nothing is known yet.
  const known = before.streak > 0 && before.looks === kind ? before : { kind, taken: nothingTaken };
  return {
    ...before,
    ref,
    kind: known.kind,
    looks: kind,
    standing: true,
    taken: known.taken,
    seen: before.seen + 1,
    lastSeenAtMs: now.wallMs,
    lastAtMs: now.monotonicMs,
  };
}

/** The stories after corrections that were made. Pure. */
export function corrected(stories: Stories, outcomes: readonly Outcome[], now: Now): Stories {
  const next = new Map(stories);
  for (const { ref, kind, taken } of outcomes) {
    const story = next.get(refText(ref));
    if (!story) continue;
    const streak = story.streak + 1;
    next.set(refText(ref), {
      ...story,
      kind,
      taken,
      standing: false,
      corrections: story.corrections + 1,
      streak,
      dueAtMs: now.monotonicMs + delayMs(streak),
      lastAtMs: now.monotonicMs,
      correctedAtMs: now.wallMs,
    });
  }
  return next;
}

/** The stories after corrections for which the API server had nothing to do: it was as it was applied, so nothing had happened. Pure. */
export function dismissed(stories: Stories, refs: readonly ObjectRef[]): Stories {
  const next = new Map(stories);
  for (const name of refs.map(refText)) {
    const story = next.get(name);
    if (story?.corrections === 0) next.delete(name);
    else if (story) next.set(name, { ...story, standing: false });
  }
  return next;
}

/** The stories after what stands was compared with what is wanted, and left as it is. Pure. */
export function compared(stories: Stories, outcomes: readonly Outcome[]): Stories {
  const next = new Map(stories);
  for (const { ref, kind, taken } of outcomes) {
    const story = next.get(refText(ref));
    if (story?.standing) next.set(refText(ref), { ...story, kind, taken });
  }
  return next;
}

/** What may be corrected now. Pure. */
export const dueOf = (stories: Stories, { monotonicMs }: Now): readonly Story[] =>
  [...stories.values()].filter(({ standing, dueAtMs }) => standing && dueAtMs <= monotonicMs);

/** Another revision was applied: whether its fields are contested too has to be seen. Pure. */
export const forgiven = (stories: Stories): Stories =>
  new Map([...stories].map(([name, story]) => [name, { ...story, streak: 0, dueAtMs: 0 }]));

/** Somebody asks for it: what stands is corrected at once. Pure. */
export const urged = (stories: Stories): Stories => new Map([...stories].map(([name, story]) => [name, { ...story, dueAtMs: 0 }]));

/** Milliseconds until time alone changes what is done or said; undefined: it does not. Pure. */
export function nextLookMs(stories: Stories, { monotonicMs }: Now): number | undefined {
  const moments = [...stories.values()].map((story) => {
    if (story.standing) return story.dueAtMs > monotonicMs ? story.dueAtMs : monotonicMs + overdueMs;
    return isContested(story) ? story.dueAtMs + calmMs : story.lastAtMs + toldMs;
  });
  const coming = moments.map((atMs) => atMs - monotonicMs).filter((ms) => ms > 0);
  return coming.length === 0 ? undefined : Math.min(...coming);
}

const isCalm = ({ standing, dueAtMs }: Story, { monotonicMs }: Now): boolean => !standing && monotonicMs >= dueAtMs + calmMs;

function bounded(stories: Map<string, Story>): Stories {
  const settled = [...stories].filter(([, { standing, streak }]) => !standing && streak < contestedFrom);
  const surplus = settled.length - settledMax;
  if (surplus > 0) for (const [name] of settled.toSorted(([, a], [, b]) => a.lastAtMs - b.lastAtMs).slice(0, surplus)) stories.delete(name);
  return stories;
}
