import type { Assignment } from '../../proto/mod.ts';
import type { Change } from '../apply/mod.ts';
import {
  contestedVerdict,
  corrected,
  dismissed,
  driftText,
  dueOf,
  found,
  looked,
  makerOf,
  noStories,
  nothingTaken,
  takenOf,
  type Drift,
  type Found,
  type Now,
  type Outcome,
} from '../drift/mod.ts';
import { refText, type ObjectRef } from '../kube/mod.ts';
import type { InventoryEntry } from '../plan/mod.ts';
import { correct, type Ground } from './appliers.ts';
import type { Step } from './decide.ts';
import { checkWanted, heldAssignment, say, stageOf, stages, type Entry } from './entries.ts';
import { ProblemError, problemOf, problemOfFailures } from './problems.ts';

const namedMax = 5;

export const nowOf = ({ clock }: Pick<Ground, 'clock'>): Now => ({ wallMs: clock.now(), monotonicMs: clock.monotonicMs() });

type Seeing = Pick<Ground, 'observer'>;

/** A revision was begun, and what has been written of it is not known: its own writes look like somebody else's. */
const isOpen = ({ record, writing }: Pick<Entry, 'record' | 'writing'>): boolean =>
  record?.applying !== undefined && (writing === true || !record.applying.reached);

const foundIn = ({ observer }: Seeing, entry: InventoryEntry, open: boolean): Found =>
  open && !entry.ahead ? 'unknown' : found(entry, observer.look(entry.ref), observer.fieldsHash(entry.ref));

/** How the objects that were written differ from what was written, as far as anybody can say. */
export function driftIn(seeing: Seeing, of: Pick<Entry, 'record' | 'writing'>): readonly Drift[] {
  const open = isOpen(of);
  return (of.record?.inventory ?? []).flatMap((entry): readonly Drift[] => {
    const kind = foundIn(seeing, entry, open);
    return kind === 'none' || kind === 'unknown' ? [] : [{ ref: entry.ref, kind }];
  });
}

/** Steps that keep the applied revision, or at least hold the objects against it. */
const looking: readonly Step['do'][] = ['observe', 'apply', 'correct', 'watch'];

/** Keeps the story of what drifted; what nobody holds against anything has none. */
export function lookAtDrift(ground: Ground, entry: Entry, step: Step, drift: readonly Drift[]): void {
  if (!looking.includes(step.do)) {
    entry.drift = noStories;
    return;
  }
  const inventory = new Map((entry.record?.inventory ?? []).map((one) => [refText(one.ref), one]));
  const foundOf = (ref: ObjectRef): Found => {
    const one = inventory.get(refText(ref));
    return one ? foundIn(ground, one, isOpen(entry)) : 'none';
  };
  entry.drift = looked(entry.drift, drift, foundOf, nowOf(ground));
}

/**
 * While the wanted revision cannot be had, what was written last is kept as it was written: each object from the content of the revision that it is of, as
 * far as the record holds it. What stands in the way of that is no news beside what stands in the way of the wanted one.
 */
export async function keepWritten(ground: Ground, entry: Entry, signal: AbortSignal): Promise<void> {
  const { assignment } = entry;
  for (const stage of stages) {
    checkWanted(entry, assignment);
    const held = heldAssignment(entry, stage);
    if (held)
      await correctDrift(ground, entry, held, signal, (one) => stageOf(one) === stage).catch((cause: unknown) => {
        signal.throwIfAborted();
        ground.log.warn('drift not corrected', { assignment: entry.uid, message: problemOf(cause).message });
      });
  }
}

/** Writes again what is due, from the content of `assignment`. What somebody keeps undoing waits longer each time, and nothing else with it. */
export async function correctDrift(
  ground: Ground,
  entry: Entry,
  assignment: Assignment,
  signal: AbortSignal,
  isOfIt: (one: InventoryEntry) => boolean = () => true,
): Promise<void> {
  const inventory = (entry.record?.inventory ?? []).filter(isOfIt);
  // What cannot be seen now is not written either: it would only be guessed that it still differs.
  const seen = new Set(driftIn(ground, { ...entry, record: { ...entry.record, inventory } }).map(({ ref }) => refText(ref)));
  const due = dueOf(entry.drift, nowOf(ground)).filter(({ ref }) => seen.has(refText(ref)));
  if (due.length === 0) return;
  const { changes, failures, obstacle } = await correct(
    ground,
    entry,
    assignment,
    due.map(({ ref }) => ref),
    signal,
  );
  const { unchanged = [], changed = [] } = Object.groupBy(changes, ({ action }) => (action === 'unchanged' ? action : 'changed'));
  const outcomes = outcomesOf(inventory, changed);
  // A process that made it anew and died before it could write down the uid is nobody's drift.
  const left = dismissed(
    entry.drift,
    unchanged.map(({ ref }) => ref),
  );
  entry.drift = corrected(left, outcomes, nowOf(ground));
  if (outcomes.length > 0) tell(ground, entry, outcomes);
  if (failures.length > 0) throw new ProblemError(problemOfFailures(failures));
  if (obstacle) throw obstacle;
}

/** What was different, and who did it, of objects that were compared with what is wanted; `inventory` as it was before. */
export const outcomesOf = (inventory: readonly InventoryEntry[], changes: readonly Change[]): readonly Outcome[] => {
  const uids = new Map(inventory.map(({ ref, uid }) => [refText(ref), uid]));
  return changes.map(({ ref, before, object }): Outcome => {
    if (before === 'absent') return { ref, kind: 'Deleted', taken: nothingTaken };
    if (before.metadata.uid !== uids.get(refText(ref))) return { ref, kind: 'Replaced', taken: { ...nothingTaken, by: makerOf(before) } };
    return { ref, kind: 'Changed', taken: takenOf(before, object) };
  });
};

/** What is contested is said with the health instead, for as long as it is. */
function tell(ground: Ground, entry: Entry, all: readonly Outcome[]): void {
  const outcomes = all.filter(({ ref }) => !contestedVerdict(entry.drift.get(refText(ref))));
  if (outcomes.length === 0) {
    say(ground, entry, '');
    return;
  }
  const named = outcomes.slice(0, namedMax).map(driftText);
  const more = outcomes.length > named.length ? `; and ${outcomes.length - named.length} more` : '';
  say(ground, entry, `drift corrected: ${named.join('; ')}${more}`);
  ground.log.info('drift corrected', { assignment: entry.uid, drift: named.join('; ') + more });
}
