import type { Rollout } from '#hub/api/mod.ts';
import { brief } from './tables.ts';

/** One rollout in half a line: what it moves, how far it is, what it waits for. */
export function rolloutText({ metadata, spec, status }: Rollout): string {
  const { succeeded, unchanged, total } = status.clusters;
  const why = status.message === '' ? status.reason : status.message;
  return `${metadata.tenant}/${spec.app}.${spec.environment} ${spec.release} ${status.state}, ${succeeded + unchanged}/${total} clusters, wave ${status.wave}/${status.waves}: ${brief(why, 120)}`;
}
