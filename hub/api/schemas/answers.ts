import { z } from 'zod';
import { scopes } from '../auth/scopes.ts';
import { rollout } from './moving.ts';
import { holdCounts } from './holds.ts';
import { ageMs, changedBy, component, connection, count, health, tally, time, uid, version, waiting } from './words.ts';

export const applied = component(
  'Applied',
  z.object({
    items: z.array(
      z.object({ subject: z.string().describe('Kind/name or Kind/tenant/name'), action: z.enum(['created', 'configured', 'unchanged']) }),
    ),
    retire: z.array(z.string()).describe('targets that an app names no more: they keep what they run until they are retired'),
    dryRun: z.boolean(),
  }),
);

export const joinTokenMade = component(
  'JoinToken',
  z.object({ token: z.string().describe("shown this once; '' in a dry run"), expiresAt: time }),
);
export const invited = component(
  'Invitation',
  z.object({ path: z.string().describe('of the page, with a code that is good once and shown this once'), expiresAt: time }),
);
const token = z.object({
  id: z.string().describe("'0' in a dry run"),
  name: z.string(),
  scope: z.enum(scopes),
  expiresAt: time,
});
export const tokenMade = component('TokenMade', token.extend({ token: z.string().describe("shown this once; '' in a dry run") }));
export const tokenList = component('TokenList', z.object({ items: z.array(token.extend({ createdAt: time })) }));
export const promoted = component(
  'Promoted',
  z.object({
    dryRun: z.boolean(),
    rollout: uid.nullable().describe('that was begun or extended; null in a dry run'),
    plan: z
      .object({
        type: z.enum(['Release', 'Inputs', 'Join']),
        release: z.string().describe('alias'),
        clusters: count,
        unchanged: count.describe('of those, what runs it already'),
        waves: count,
      })
      .nullable()
      .describe('what is rolled out, or would be; null: nothing'),
    waiting: waiting.nullable(),
  }),
);
export const done = component('Done', z.object({ dryRun: z.boolean() }));
export const accepted = component(
  'Accepted',
  z.object({ dryRun: z.boolean(), changed: z.boolean().describe('false: it was accepted before') }),
);
export const deleted = component(
  'Deleted',
  z.object({
    items: z.array(z.object({ subject: z.string().describe('Kind/name or Kind/tenant/name'), action: z.enum(['deleted', 'absent']) })),
    dryRun: z.boolean(),
  }),
);
export const placementSynced = component(
  'PlacementSynced',
  z.object({
    dryRun: z.boolean(),
    acknowledged: z.boolean().describe('the cluster has looked, and has answered'),
    problem: z.object({ reason: z.string(), message: z.string() }).nullable().describe('what it could not do'),
  }),
);

export const readiness = component('Readiness', z.object({ ok: z.boolean(), settling: z.boolean(), recordBehind: z.string().nullable() }));
export const liveness = component('Liveness', z.object({ ok: z.boolean() }));

const worst = z.object({
  kind: z.enum(['Cluster', 'Placement', 'Target', 'App']),
  tenant: z.string().nullable(),
  name: z.string(),
  health,
  reason: z.string(),
  message: z.string(),
  since: time.nullable(),
  ageMs,
  changedBy: changedBy.nullable(),
});
export type WorstThing = z.output<typeof worst>;

export const fleetStatus = component(
  'FleetStatus',
  z.object({
    apiVersion: version,
    kind: z.literal('FleetStatus'),
    observedAt: time,
    settling: z.boolean().describe('the hub has just started or lost many streams: it starts nothing and believes nobody gone'),
    recordBehind: z.string().nullable(),
    health: health.describe('the worst of all'),
    clusters: z.object({
      total: count,
      connection: z.record(connection, count),
      health: z.record(health, count),
      state: z.record(z.string(), count),
    }),
    placements: tally,
    holds: holdCounts.describe('what people have frozen or suspended'),
    targets: z.object({ total: count, waiting: z.record(z.string(), count).describe('by reason') }),
    environments: z
      .array(z.object({ tenant: z.string(), name: z.string(), health, placements: tally }))
      .max(100)
      .describe('worst first'),
    worst: z.array(worst).max(20),
    rollouts: z.array(rollout).max(20).describe('that have not ended, newest first'),
  }),
);
export type FleetStatus = z.output<typeof fleetStatus>;

export const problem = component(
  'Problem',
  z.object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().describe('stable; see hub/api/problems.md'),
    detail: z.string(),
    next: z.string().describe('what to do about it'),
    problems: z
      .array(
        z.object({
          file: z.string(),
          line: z.int(),
          column: z.int(),
          field: z.string(),
          code: z.string(),
          message: z.string(),
          next: z.string(),
        }),
      )
      .optional(),
  }),
);
