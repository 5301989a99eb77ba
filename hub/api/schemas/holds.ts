import { z } from 'zod';
import { component, count, time } from './words.ts';

// What people have frozen or suspended.

export const hold = component(
  'Hold',
  z.object({
    scope: z
      .enum(['Fleet', 'Environment', 'Cluster', 'Rollout', 'App', 'Placement'])
      .describe('the first three are frozen, the others suspended'),
    by: z.string().describe('who said so last'),
    reason: z.string(),
    since: time,
    until: time.nullable().describe('when the hub takes it back by itself; null: never'),
  }),
);
export type Hold = z.output<typeof hold>;

export const holdChanged = component(
  'HoldChanged',
  z.object({
    changed: z.boolean().describe('false: it was so already, and nothing was written'),
    dryRun: z.boolean(),
    hold: hold.nullable().describe('as it is now; of a dry run, as it would be'),
    rollouts: count.describe('that have not ended and look at it again'),
    placements: count.describe('whose mode changes'),
  }),
);

/** How much stands still, by kind. */
export const holdCounts = z.object({
  fleet: hold.nullable(),
  environments: count,
  clusters: count,
  rollouts: count,
  apps: count,
  placements: count,
});
export type HoldCounts = z.output<typeof holdCounts>;

const daysMax = 366;
export const holdBody = z
  .object({
    forMs: z
      .int()
      .min(1_000)
      .max(daysMax * 24 * 3_600_000)
      .optional()
      .describe("how long, by the hub's clock"),
    until: z.iso.datetime({ offset: true }).optional().describe('instead of forMs'),
  })
  .strict()
  .refine(({ forMs, until }) => forMs === undefined || until === undefined, 'give forMs or until, not both');
export type HoldBody = z.output<typeof holdBody>;
