import type { HoldRow } from '#hub/store/mod.ts';

export type Scope = HoldRow['scope'];

/** What a person names to stop it. */
export type Subject =
  | { readonly scope: 'Fleet' }
  | { readonly scope: 'Cluster'; readonly name: string }
  | { readonly scope: 'Environment' | 'App' | 'Placement' | 'Rollout'; readonly tenant: string; readonly name: string };

/** What stands still gets nothing new and goes on correcting drift (frozen); or, of an app on a cluster, is not touched at all (suspended). */
const verbs: Readonly<Record<Scope, readonly [hold: string, release: string]>> = {
  Fleet: ['freeze', 'unfreeze'],
  Environment: ['freeze', 'unfreeze'],
  Cluster: ['freeze', 'unfreeze'],
  Rollout: ['suspend', 'resume'],
  App: ['suspend', 'resume'],
  Placement: ['suspend', 'resume'],
};

/** As the audit log has it: `freeze.cluster`, `resume.app`. */
export const actionOf = (scope: Scope, does: 'hold' | 'release'): string =>
  `${verbs[scope][does === 'hold' ? 0 : 1]}.${scope.toLowerCase()}`;

/** To the second: for people. */
export const timeText = (ms: number): string => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');

/** `by user:ada since …: "the fair" (until …)`. */
export const holdText = ({ actor, reason, since, until }: HoldRow): string =>
  `by ${actor} since ${timeText(since)}: "${reason}"${until === null ? '' : ` (until ${timeText(until)})`}`;

const waits: Readonly<Record<Scope, (name: string) => readonly [reason: string, what: string]>> = {
  Fleet: () => ['FleetFrozen', 'the fleet is frozen'],
  Environment: (name) => ['EnvironmentFrozen', `environment ${name} is frozen`],
  Cluster: (name) => ['Frozen', `cluster ${name} is frozen`],
  Rollout: (name) => ['RolloutSuspended', `rollout ${name} is suspended`],
  App: (name) => ['Suspended', `app ${name} is suspended`],
  Placement: () => ['Suspended', 'suspended here'],
};

/** What somebody waits for, or why something is left out, in the words of who has stopped it. `name` is of the subject. */
export function waitOf(hold: HoldRow, name: string): { readonly reason: string; readonly message: string } {
  const [reason, what] = waits[hold.scope](name);
  return { reason, message: `${what} ${holdText(hold)}` };
}
