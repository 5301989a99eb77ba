import { z } from 'zod';
import { hold } from './holds.ts';
import { resource, tenantMetadata } from './metadata.ts';
import {
  ageMs,
  changedBy,
  component,
  condition,
  connection,
  convergence,
  count,
  health,
  name,
  tally,
  time,
  uid,
  waiting,
} from './words.ts';

// What moves: targets, placements, releases, rollouts.

export const target = component(
  'Target',
  resource(
    'Target',
    tenantMetadata,
    z.object({ app: name, environment: name }),
    z.object({
      health,
      convergence,
      placements: tally,
      current: z.string().nullable().describe('digest of the release of the last rollout that succeeded'),
      currentAlias: z.string().nullable(),
      leftOut: count.describe('placements that do not run it, because a person has frozen their cluster or suspended them'),
      waiting: waiting.nullable().describe('what the next promotion into it waits for'),
      rollout: z.object({ uid, state: z.string(), reason: z.string(), message: z.string() }).nullable().describe('the last one'),
      commit: z
        .object({ commit: z.string(), outcome: z.string(), message: z.string() })
        .nullable()
        .describe('the last one, when it made no release'),
    }),
  ),
);

const hops = z
  .object({ fetched: z.number(), verified: z.number(), applied: z.number(), healthy: z.number() })
  .partial()
  .describe('seconds since the spoke received the desired state');
const drift = z.object({
  object: z.string().describe('group/kind/namespace/name'),
  kind: z.enum(['Changed', 'Deleted', 'Replaced', 'Unknown']),
  state: z.enum(['Standing', 'Corrected', 'Contested', 'Unknown']),
  fields: z.array(z.string()).max(5).describe('paths, never values'),
  manager: z.string().describe("who has the first of them now, as the API server recorded it; '' when it did not"),
  operation: z.string(),
  subresource: z.string(),
  changedAt: time.nullable().describe("by the API server's clock"),
  firstSeenAt: time.nullable().describe("by the spoke's clock, as what follows"),
  lastSeenAt: time.nullable(),
  correctedAt: time.nullable(),
  seen: count,
  corrections: count,
});
const unhealthy = z.object({
  object: z.string().describe('group/kind/namespace/name'),
  health: z.enum(['Healthy', 'Progressing', 'Degraded', 'Suspended', 'Unknown']),
  reason: z.string(),
  message: z.string(),
});

export const placement = component(
  'Placement',
  resource(
    'Placement',
    tenantMetadata,
    z.object({ cluster: name, app: name, environment: name, namespace: name, mode: z.enum(['Enforce', 'Observe', 'Suspended']) }),
    z.object({
      state: z.enum(['Active', 'Held']),
      holdReason: z.string(),
      holds: z.array(hold).max(5).describe('by which people keep something from it, the nearest first'),
      connection,
      connectionAgeMs: ageMs,
      convergence,
      convergenceAgeMs: ageMs,
      wanted: z.string().nullable(),
      observed: z.string().nullable().describe('the revision that was reported as applied last, however long ago'),
      release: z.string().nullable().describe('digest of the wanted release'),
      releaseAlias: z.string().nullable(),
      health,
      healthAgeMs: ageMs,
      reason: z.string(),
      message: z.string(),
      since: time.nullable(),
      changedBy: changedBy.nullable(),
      objects: count,
      unhealthy: z.array(unhealthy).max(20).describe('as reported last, worst first'),
      drift: z.array(drift).max(10).describe('what others did to the objects of the applied revision, the latest first'),
      hops,
      conditions: z.array(condition),
    }),
  ),
);

export const release = component(
  'Release',
  resource(
    'Release',
    tenantMetadata,
    z.object({
      app: name,
      alias: z.string(),
      digest: z.string(),
      repository: z.string(),
      commit: z.string(),
      author: z.string(),
      message: z.string(),
      committedAt: time,
      images: z.array(z.string()),
      variants: z.array(z.object({ environment: name, digest: z.string() })),
    }),
    z.object({ current: z.array(name).describe('environments that have it') }),
  ),
);

export const rollout = component(
  'Rollout',
  resource(
    'Rollout',
    tenantMetadata,
    z.object({
      app: name,
      environment: name,
      type: z.enum(['Release', 'Inputs', 'Join']),
      release: z.string().describe('alias'),
      digest: z.string(),
      commit: z.string(),
      author: z.string(),
      maxConcurrent: count,
      startedBy: z.object({ actor: z.string(), reason: z.string() }),
    }),
    z.object({
      state: z.enum(['Progressing', 'Paused', 'Succeeded', 'Failed', 'Superseded']),
      reason: z.string(),
      message: z.string().describe('what it waits for, or how it ended'),
      suspended: hold.nullable().describe('null: it is not'),
      wave: count,
      waves: count,
      clusters: z.object({
        total: count,
        waiting: count,
        started: count,
        degraded: count,
        unreachable: count,
        succeeded: count,
        unchanged: count,
        skipped: count.describe('left out: frozen or suspended when their turn came'),
      }),
      finishedAt: time.nullable(),
    }),
  ),
);

export type Target = z.output<typeof target>;
export type Placement = z.output<typeof placement>;
export type Release = z.output<typeof release>;
export type Rollout = z.output<typeof rollout>;
