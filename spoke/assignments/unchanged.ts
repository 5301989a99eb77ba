import { isDeepStrictEqual } from 'node:util';
import { found } from '../drift/mod.ts';
import type { VerifiedContent } from '../fetch/mod.ts';
import { refText } from '../kube/mod.ts';
import { objectsOfInSteps, planApply, type Owner, type Planned } from '../plan/mod.ts';
import type { Ground } from './appliers.ts';
import { kindIn } from './cluster.ts';
import { heldAssignment, type Entry } from './entries.ts';

const none = (): boolean => false;

/**
 * Which objects of a new revision need not be written: they are what the applied one has, to the last byte, under the same account, and what was written of
 * them is seen to be there with every field still ours. Of whatever is not known for certain (content that is not held, a kind that is not seen) nothing is.
 */
export async function alreadyApplied(
  ground: Ground,
  entry: Entry,
  owner: Owner,
  content: VerifiedContent,
  signal: AbortSignal,
): Promise<(planned: Planned) => boolean> {
  const { applied, applying, inventory = [] } = entry.record ?? {};
  const held = heldAssignment(entry, 'applied');
  // With another one half written, what is there is of both.
  if (!applied || !held || applying) return none;
  try {
    const before = await ground.fetcher.fetch(held, [applied], signal);
    if (before.inputs.serviceAccount !== content.inputs.serviceAccount) return none;
    const discovery = await ground.discoveries.get();
    const plan = planApply({ objects: await objectsOfInSteps(before.files), inputs: before.inputs, discovery, owner });
    if (plan.outcome !== 'ready') return none;
    const documents = new Map(plan.stages.flat().map((planned) => [refText(planned.ref), planned.object]));
    const entries = new Map(inventory.map((one) => [refText(one.ref), one]));
    return ({ ref, object }) => {
      const one = entries.get(refText(ref));
      if (!one || one.dropped || kindIn(discovery, ref) === undefined) return false;
      const isThere = found(one, ground.observer.look(ref), ground.observer.fieldsHash(ref)) === 'none';
      return isThere && isDeepStrictEqual(documents.get(refText(ref)), object);
    };
  } catch {
    signal.throwIfAborted();
    // What was applied cannot be read any more: then everything is written, which is never wrong.
    return none;
  }
}
