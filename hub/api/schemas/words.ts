import { z } from 'zod';
import { apiVersion, namePattern } from '#shared/kernel/mod.ts';

/** Schemas with a name of their own in the OpenAPI document. */
export const components = z.registry<{ readonly id: string }>();

export function component<T extends z.ZodType>(id: string, schema: T): T {
  components.add(schema, { id });
  return schema;
}

export const version = z.literal(apiVersion);
export const name = z.string().regex(namePattern).describe('lower-case letters, digits and "-", at most 63');
export const uid = z.string().min(1).max(64);
export const time = z.iso.datetime().describe('of the hub, for people; nothing is decided by it');
export const ageMs = z
  .int()
  .nonnegative()
  .nullable()
  .describe("milliseconds since the hub's own monotonic receipt; null: not heard by this process");
export const count = z.int().nonnegative();
export const labels = z.record(z.string(), z.string());

/** Worst first. */
export const healths = ['Degraded', 'Unknown', 'Progressing', 'Suspended', 'Healthy', 'Empty'] as const;
export const health = component('Health', z.enum(healths).describe('worst first; Empty: nothing is placed here'));
export type Health = z.output<typeof health>;

/** Worst first. */
export const convergences = ['Unknown', 'NotReceived', 'Converging', 'NothingWanted', 'Converged', 'Empty'] as const;
export const convergence = component('Convergence', z.enum(convergences).describe('does it run what is wanted? worst first'));
export type Convergence = z.output<typeof convergence>;

export const connections = ['NeverConnected', 'Disconnected', 'Connected'] as const;
export const connection = component('Connection', z.enum(connections).describe('does the spoke beat?'));
export type ConnectionState = z.output<typeof connection>;

/** Placements by health; they add up to `total`. */
export const tally = component(
  'Tally',
  z.object({ total: count, degraded: count, unknown: count, progressing: count, suspended: count, healthy: count }),
);
export type Tally = z.output<typeof tally>;

export const waiting = component('Waiting', z.object({ reason: z.string(), message: z.string() }));

/** Who last changed what is wanted. */
export const changedBy = component(
  'ChangedBy',
  z.object({
    rollout: uid,
    release: z.string().describe('alias'),
    commit: z.string(),
    author: z.string(),
    message: z.string().describe('first line of the commit'),
    actor: z.string().describe('who started the rollout'),
    reason: z.string().describe('given when it was started'),
    at: time,
  }),
);
export type ChangedBy = z.output<typeof changedBy>;

export const condition = component(
  'Condition',
  z.object({
    type: z.enum(['Connected', 'Converged', 'Healthy']),
    status: z.enum(['True', 'False', 'Unknown']),
    reason: z.string(),
    message: z.string(),
    lastTransitionTime: time.nullable(),
  }),
);
export type Condition = z.output<typeof condition>;
