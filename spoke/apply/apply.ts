import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../shared/clock/mod.ts';
import { isKubeError, refText, type KubeClient, type KubeObject, type ObjectRef } from '../kube/mod.ts';
import { healthOf } from '../health/mod.ts';
import { isFoundation, kindOfCrd, type Planned, type Stage } from '../plan/mod.ts';
import { failureOf, failureOrder, type Failure } from './failures.ts';
import { inParallel } from './parallel.ts';

export type Action = 'created' | 'configured' | 'unchanged';

export interface Change {
  readonly ref: ObjectRef;
  readonly action: Action;
  /** What was there, as it was read before. */
  readonly before: KubeObject | 'absent';
  /** As the API server answered. */
  readonly object: KubeObject;
}

/** What was done, also when not all could be: what was written is in the world and has to be known. */
export interface ApplyResult {
  readonly changes: readonly Change[];
  /** Worst first; empty: everything is applied. */
  readonly failures: readonly Failure[];
}

export interface Write {
  readonly planned: Planned;
  /** What was there, as it was just read. */
  readonly live: KubeObject | 'absent';
  /** Take back fields that others took: only of what is ours already. */
  readonly force: boolean;
}

export interface Applier {
  readonly kube: KubeClient;
  readonly clock: Clock;
  /** The tenant's account: every write is its own. */
  readonly account: string;
}

const concurrencyMax = 8;
const foundationTimeoutMs = 30_000;
const foundationPollMs = 250;

/**
 * Applies stage by stage. A stage that failed in part is finished (its objects do not depend on each other) and is the last, unless all are to be tried:
 * of what has stood together before. Rejects only with the signal's reason.
 */
export async function applyStages(
  stages: readonly Stage[],
  writes: ReadonlyMap<string, Write>,
  applier: Applier,
  signal: AbortSignal,
  tried: 'untilFailure' | 'all' = 'untilFailure',
): Promise<ApplyResult> {
  const changes: Change[] = [];
  const all: Failure[] = [];
  for (const stage of stages) {
    const outcomes = await inParallel(stage, concurrencyMax, (planned) => applyOne(writeOf(writes, planned), applier, signal));
    changes.push(...outcomes.filter((outcome) => 'action' in outcome));
    const failures = outcomes.filter((outcome) => 'reason' in outcome);
    if (failures.length === 0) failures.push(...(await foundationsReady(stage, applier, signal)));
    all.push(...failures);
    if (failures.length > 0 && tried === 'untilFailure') break;
  }
  return { changes, failures: worstFirst(all) };
}

/**
 * Asks the API server to judge everything without writing anything: what it refuses now would be refused halfway. What lives in a namespace or is of a
 * kind that the same set brings cannot be asked about yet.
 */
export async function dryRun(
  stages: readonly Stage[],
  writes: ReadonlyMap<string, Write>,
  applier: Applier,
  signal: AbortSignal,
): Promise<ApplyResult> {
  const all = stages.flat();
  const outcomes = await inParallel(all, concurrencyMax, (planned) => applyOne(writeOf(writes, planned), applier, signal, true));
  const brought = new Set(all.filter(({ ref }) => ref.group === '' && ref.kind === 'Namespace').map(({ ref }) => ref.name));
  const kinds = new Set(all.flatMap(({ object }) => kindOfCrd(object) ?? []).map(kindKey));
  const failures = outcomes
    .filter((outcome) => 'reason' in outcome)
    .filter(({ ref, reason }) => !(reason === 'NotServed' && (kinds.has(kindKey(ref)) || brought.has(ref.namespace))));
  return { changes: outcomes.filter((outcome) => 'action' in outcome), failures: worstFirst(failures) };
}

const kindKey = ({ group, kind }: { readonly group: string; readonly kind: string }): string => `${group}/${kind}`;

function writeOf(writes: ReadonlyMap<string, Write>, planned: Planned): Write {
  const write = writes.get(refText(planned.ref));
  if (!write) throw new Error(`${refText(planned.ref)} was planned and not looked at`);
  return write;
}

async function applyOne(write: Write, applier: Applier, signal: AbortSignal, dry = false): Promise<Change | Failure> {
  const { ref, kind, object } = write.planned;
  try {
    const answer = await applier.kube.apply(kind, object, { as: applier.account, force: write.force, dryRun: dry }, signal);
    return { ref, action: actionOf(write.live, answer, dry), before: write.live, object: answer };
  } catch (error) {
    signal.throwIfAborted();
    // A webhook that has not said it is free of side effects makes a dry run fail that the real one would not.
    if (dry && isKubeError(error, 'INVALID') && error.message.includes('does not support dry run'))
      return { ref, action: write.live === 'absent' ? 'created' : 'configured', before: write.live, object };
    return failureOf(ref, error, applier.account);
  }
}

/** The API server keeps the version of what a write did not change; in a dry run it keeps it always, and the answer itself tells. */
function actionOf(live: KubeObject | 'absent', after: KubeObject, dry: boolean): Action {
  if (live === 'absent') return 'created';
  const same = dry
    ? isDeepStrictEqual(withoutVersion(live), withoutVersion(after))
    : live.metadata.resourceVersion === after.metadata.resourceVersion;
  return same ? 'unchanged' : 'configured';
}

const withoutVersion = ({ metadata: { resourceVersion: _version, ...metadata }, ...rest }: KubeObject): unknown => ({ ...rest, metadata });

async function foundationsReady(stage: Stage, { kube, clock }: Applier, signal: AbortSignal): Promise<Failure[]> {
  const until = clock.monotonicMs() + foundationTimeoutMs;
  for (const { ref, kind } of stage.filter(({ ref }) => isFoundation(ref))) {
    for (;;) {
      const live = await kube.get(kind, ref.namespace, ref.name, signal).catch(() => undefined);
      signal.throwIfAborted();
      const found = live && healthOf(live);
      if (found?.health === 'Healthy') break;
      if (clock.monotonicMs() >= until)
        return [
          {
            ref,
            reason: 'NotReady',
            message: `${refText(ref)}: ${found?.message ?? 'the API server does not answer for it'}`,
            retryable: true,
          },
        ];
      await clock.sleep(foundationPollMs, signal);
    }
  }
  return [];
}

const worstFirst = (failures: readonly Failure[]): readonly Failure[] =>
  failures.toSorted((a, b) => failureOrder.indexOf(a.reason) - failureOrder.indexOf(b.reason));

/** `2 created, 5 unchanged`. */
export function changesText(changes: readonly Pick<Change, 'action'>[]): string {
  const by = Map.groupBy(changes, ({ action }) => action);
  return [...by].map(([action, all]) => `${all.length} ${action}`).join(', ') || 'nothing to do';
}
