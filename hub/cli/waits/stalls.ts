import type { Placement, Rollout, Target } from '#hub/api/mod.ts';
import { CliError, exits } from '../exits.ts';
import { kindNamed } from '../kinds/kinds.ts';
import { brief, whyText } from '../print/tables.ts';
import type { Client } from '../requests/client.ts';
import { list } from '../requests/lists.ts';
import { ended, type Stalled } from './judge.ts';

/** The rollouts of these targets that say that clusters are Degraded, by uid; nothing is asked while none of them does. */
export async function degradedRollouts(
  client: Client,
  targets: readonly Target[],
  tenant: string | undefined,
): Promise<ReadonlyMap<string, Rollout>> {
  const some = targets.some(({ status: { rollout } }) => rollout?.reason === 'ClustersDegraded' && !ended(rollout.state));
  if (!some) return new Map();
  const fieldSelector = 'status.state=Progressing,status.reason=ClustersDegraded';
  const { items } = await list<Rollout>(client, kindNamed('Rollout'), { tenant, fieldSelector, limit: 0 });
  return new Map(items.map((rollout) => [rollout.metadata.uid, rollout]));
}

/** Which cluster it is, which object, why, and how to learn more. */
export const whyStalled =
  (client: Client) =>
  async ({ tenant, app, environment, message }: Stalled): Promise<CliError> => {
    const fieldSelector = `spec.app=${app},spec.environment=${environment},status.health=Degraded`;
    const { items } = await list<Placement>(client, kindNamed('Placement'), { tenant, fieldSelector, limit: 1 });
    return new CliError('ROLLOUT_STALLED', `it does not go on by itself: ${items[0] ? placedText(items[0]) : brief(message, 240)}`, {
      exit: exits.rolloutFailed,
      object: `${tenant}/${app}.${environment}`,
      next: items[0]
        ? `wheelhouse explain ${items[0].spec.cluster}/${tenant}/${app}`
        : `wheelhouse describe target ${tenant}/${app}.${environment}`,
    });
  };

function placedText({ spec, status }: Placement): string {
  const worst = status.unhealthy.find(({ health }) => health === 'Degraded');
  const why = worst ? `${worst.object}: ${whyText(worst.reason, worst.message, 240)}` : whyText(status.reason, status.message, 240);
  return `Degraded on ${spec.cluster}: ${why}`;
}
