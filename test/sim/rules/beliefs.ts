import { explain } from '#shared/kernel/mod.ts';
import type { SimFleet } from '../fleet.ts';

/** Between what the spoke sees and a beat that vouches for it: its report on the way, and the step of the clock in which the simulator looks. */
const slackMs = 4_000;

/** Looks at what the hub says of each cluster, and at the cluster. */
export async function lookAtBeliefs(fleet: SimFleet): Promise<void> {
  const { hub, clock, violations, writes } = fleet;
  if (!hub?.alive) return;
  try {
    for (const placement of await hub.placements()) {
      const cluster = fleet.clusterOf(placement.cluster_id);
      const { health, vouched } = await hub.evidence(placement);
      if (!cluster) continue;
      if (vouched && !fleet.isFresh(cluster))
        violations.add(7, `${cluster.name} is vouched for, and has not been heard for ${fleet.trustMs} ms`);
      if (health !== 'Healthy' || placement.revision === null) continue;
      const goodAt = writes.goodAt(cluster, placement.revision);
      const ageMs = clock.monotonicMs() - (goodAt ?? -Infinity);
      if (ageMs > fleet.trustMs + fleet.hubBeatMs + slackMs)
        violations.add(
          7,
          `${cluster.name} is called Healthy, and was not for ${goodAt === undefined ? 'ever' : `${ageMs} ms`} (${placement.revision.slice(0, 14)})`,
        );
    }
  } catch (error) {
    if (hub.alive) throw new Error(`the hub cannot be asked: ${explain(error)}`, { cause: error });
  }
}
