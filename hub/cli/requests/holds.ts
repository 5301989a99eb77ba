import { referenceText, type Reference } from '../kinds/kinds.ts';
import type { ChangeOptions } from './changes.ts';
import type { Ask } from './client.ts';
import { onePath } from './lists.ts';

export type HoldVerb = 'freeze' | 'unfreeze' | 'suspend' | 'resume';

/** What is stopped or let go: a thing, or the fleet. */
export type Held = Reference | 'fleet';

export const heldText = (held: Held): string => (held === 'fleet' ? 'fleet' : referenceText(held));

/** When it ends: after so long by the hub's clock, or at a moment; neither: when somebody says so. */
export interface HoldEnd {
  readonly forMs?: number | undefined;
  readonly until?: string | undefined;
}

/** Pure. */
export const holdAsk = (verb: HoldVerb, held: Held, end: HoldEnd, { reason, dryRun }: ChangeOptions): Ask => ({
  method: 'POST',
  path: `${held === 'fleet' ? '/v1alpha1' : onePath(held)}/${verb}`,
  query: { reason, dryRun: dryRun ? 'true' : undefined },
  object: heldText(held),
  ...(verb === 'freeze' || verb === 'suspend' ? { body: JSON.stringify(end), type: 'application/json' } : {}),
});
