import { z } from 'zod';
import { appSpec, clusterSpec, environmentSpec, tenantSpec } from '#hub/resources/mod.ts';
import { hold } from './holds.ts';
import { declaredMetadata, fleetMetadata, resource } from './metadata.ts';
import { ageMs, changedBy, component, condition, connection, convergence, count, health, tally, time, uid } from './words.ts';

// What people write, with what has become of it.

/** Common to all that placements are counted for. */
const summed = { health, convergence, placements: tally };

export const tenant = component(
  'Tenant',
  resource('Tenant', fleetMetadata, tenantSpec, z.object({ ...summed, apps: count, environments: count, manager: z.string() })),
);

export const environment = component(
  'Environment',
  resource(
    'Environment',
    declaredMetadata,
    environmentSpec,
    z.object({ ...summed, apps: count, frozen: hold.nullable().describe('null: it is not'), manager: z.string() }),
  ),
);

const sourceStatus = z.object({
  commit: z.string().describe("the head when it last answered; '' before"),
  answeredAt: time.nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
});
const commit = z.object({
  commit: z.string(),
  author: z.string(),
  message: z.string(),
  outcome: z.enum(['Released', 'NoChange', 'Failed']),
  outcomeMessage: z.string(),
  seenAt: time,
});

export const app = component(
  'App',
  resource(
    'App',
    declaredMetadata,
    appSpec,
    z.object({
      ...summed,
      targets: count,
      commit: commit.nullable().describe('the last one that was seen'),
      source: sourceStatus.nullable(),
      suspended: hold.nullable().describe('wherever it is placed; null: it is not'),
      manager: z.string(),
    }),
  ),
);

const facts = z.object({ kubernetesVersion: z.string(), nodes: count, spokeVersion: z.string(), labels: z.record(z.string(), z.string()) });
const refusal = z.object({ code: z.string(), message: z.string(), at: time });

export const cluster = component(
  'Cluster',
  resource(
    'Cluster',
    fleetMetadata,
    clusterSpec,
    z.object({
      uid: uid.nullable().describe('of the current enrolment'),
      state: z.enum(['Declared', 'Pending', 'Accepted', 'Revoked']),
      connection,
      connectionAgeMs: ageMs,
      convergence,
      convergenceAgeMs: ageMs,
      health,
      healthAgeMs: ageMs,
      reason: z.string(),
      message: z.string(),
      since: time.nullable(),
      placements: tally,
      changedBy: changedBy.nullable().describe('of its worst placement'),
      frozen: hold.nullable().describe('by itself; null: it is not'),
      fence: z.object({ epoch: count, generation: count }).nullable(),
      facts: facts.describe('what the spoke says of itself: shown, never selected on'),
      refusals: z.array(refusal).max(5).describe('newest first'),
      conditions: z.array(condition),
      manager: z.string(),
    }),
  ),
);

export type Tenant = z.output<typeof tenant>;
export type Environment = z.output<typeof environment>;
export type App = z.output<typeof app>;
export type Cluster = z.output<typeof cluster>;
