import { explain } from '#shared/kernel/mod.ts';
import type { SimFleet } from '../fleet.ts';
import type { Belief } from '../hubs.ts';

/** Between what the spoke sees and a beat that vouches for it: its report on the way, and the step of the clock in which the simulator looks. */
const slackMs = 4_000;

/** Looks at what the hub says of each cluster, and at the cluster. */
export async function lookAtBeliefs(fleet: SimFleet): Promise<void> {
  const { hub } = fleet;
  if (!hub?.alive) return;
  try {
    for (const belief of await hub.beliefs()) judge(fleet, belief);
  } catch (error) {
    if (hub.alive) throw new Error(`the hub cannot be asked: ${explain(error)}`, { cause: error });
  }
}

function judge(fleet: SimFleet, { clusterId, revision, health, vouched }: Belief): void {
  const { clock, violations, writes } = fleet;
  const cluster = fleet.clusterOf(clusterId);
  if (!cluster) return;
  if (vouched && !fleet.isFresh(cluster))
    violations.add(7, `${cluster.name} is vouched for, and has not been heard for ${fleet.trustMs} ms`);
  if (health !== 'Healthy') return;
  const goodAt = writes.goodAt(cluster, revision ?? '');
  const ageMs = clock.monotonicMs() - (goodAt ?? -Infinity);
  if (ageMs <= fleet.trustMs + fleet.hubBeatMs + slackMs) return;
  const since = goodAt === undefined ? 'never was' : `was not for ${ageMs} ms`;
  violations.add(7, `${cluster.name} is called Healthy, and ${since} (${revision?.slice(0, 14)})`);
}
