import { labels } from '../../shared/kernel/mod.ts';
import { inParallel } from '../apply/mod.ts';
import { isKubeError, type Discovery, type KubeClient, type KubeObject } from '../kube/mod.ts';
import { ownerOf } from '../plan/mod.ts';

export interface Sweep {
  /** Every kind there is was listed; only then does an absence mean anything. */
  readonly complete: boolean;
  /** What could not be listed. */
  readonly missing: readonly string[];
  /** What bears our marks, copies of labels excepted. */
  readonly objects: readonly KubeObject[];
}

const concurrencyMax = 8;

/** Every object of the fleet, or of one assignment, of every kind that is served: dear, hence only for what was lost and for what must be gone. */
export async function sweep(
  kube: KubeClient,
  discovery: Discovery,
  fleetId: string,
  assignmentUid: string | undefined,
  signal: AbortSignal,
): Promise<Sweep> {
  const labelSelector = `${labels.fleet}=${fleetId}${assignmentUid === undefined ? '' : `,${labels.assignment}=${assignmentUid}`}`;
  const missing = [...discovery.failedGroups];
  const objects: KubeObject[] = [];
  // What cannot be written by anybody is not ours either.
  const kinds = discovery.kinds.filter(({ verbs }) => verbs.includes('list') && verbs.includes('patch'));
  await inParallel(kinds, concurrencyMax, async (kind) => {
    try {
      const { items } = await kube.list(kind, { labelSelector }, signal);
      objects.push(...items.filter((item) => ownerOf(item)?.fleetId === fleetId));
    } catch (error) {
      signal.throwIfAborted();
      missing.push(`${kind.kind}${kind.group === '' ? '' : `.${kind.group}`}${isKubeError(error) ? ` (${error.code})` : ''}`);
    }
  });
  return { complete: discovery.complete && missing.length === 0, missing, objects };
}
