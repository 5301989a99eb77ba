import type { Rollout } from '#hub/api/mod.ts';
import { brief } from './tables.ts';

/** How many were frozen or suspended when their turn came. An earlier hub leaves nobody out. */
export const leftOut = (clusters: { readonly skipped?: number }): number => clusters.skipped ?? 0;

/** `2/3`, `2/3 (1 left out)`. */
export function doneText(clusters: Rollout['status']['clusters']): string {
  const { succeeded, unchanged, total } = clusters;
  const left = leftOut(clusters);
  return `${succeeded + unchanged}/${total}${left === 0 ? '' : ` (${left} left out)`}`;
}

/** One rollout in half a line: what it moves, how far it is, what it waits for. */
export function rolloutText({ metadata, spec, status }: Rollout): string {
  const why = status.message === '' ? status.reason : status.message;
  return `${metadata.tenant}/${spec.app}.${spec.environment} ${spec.release} ${status.state}, ${doneText(status.clusters)} clusters, wave ${status.wave}/${status.waves}: ${brief(why, 120)}`;
}
