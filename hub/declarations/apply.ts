import { ResourceError, type Parsed } from '#hub/resources/mod.ts';
import type { Store } from '#hub/store/mod.ts';
import { planApply, type Applied, type ApplyOptions } from './plan.ts';
import { problemsOf } from './rules.ts';
import { loadWorld } from './world.ts';

/**
 * Declares a set of resources, all of it or nothing: one decision, one audit row; targets that may now come out otherwise are visited. What is not in the
 * set stays as it is. Throws ResourceError with every problem of the set.
 */
export async function applyResources(store: Store, parsed: Parsed, options: ApplyOptions): Promise<Applied> {
  return store.decide(
    (trx) => loadWorld(trx, parsed),
    (world, context) => {
      const { applied, problems, ...decision } = planApply(world, parsed, options, context);
      const all = [...parsed.problems, ...problemsOf(world, parsed), ...problems];
      if (all.length > 0) throw new ResourceError(all);
      return { result: applied, ...decision };
    },
  );
}
