import { z } from 'zod';
import type { Clock } from '#shared/clock/mod.ts';
import type { Identities } from '#hub/identity/mod.ts';
import type { ClusterRow, Store } from '#hub/store/mod.ts';
import { clusters } from '../kinds/clusters.ts';
import { time } from '../kinds/parts.ts';
import { missing } from '../lists/missing.ts';
import { ApiError } from '../problems/errors.ts';
import { accepted, joinTokenMade } from '../schemas/answers.ts';
import { name } from '../schemas/words.ts';
import { changeQuery, type Change } from './changes.ts';
import type { Operation } from './operation.ts';

export interface ClusterOptions {
  readonly store: Store;
  readonly identities: Pick<Identities, 'createJoinToken' | 'accept'>;
  readonly clock: Clock;
}

const dayMs = 24 * 3_600_000;
const joinTokenBody = z.object({
  ttlMs: z
    .int()
    .min(1_000)
    .max(7 * dayMs)
    .default(3_600_000),
  accepted: z.boolean().default(false).describe('the agent that uses it is accepted without being asked again'),
  reason: z.string().max(1024).optional(),
});
type JoinTokenBody = z.output<typeof joinTokenBody>;

const named = z.object({ name });

/** How agents become clusters. */
export const clusterOperations = ({ store, identities, clock }: ClusterOptions): readonly Operation[] => [
  {
    id: 'createJoinToken',
    method: 'POST',
    path: '/v1alpha1/clusters/{name}/join-token',
    scope: 'admin',
    summary: 'Makes a token that lets one agent become this cluster',
    params: named,
    query: changeQuery,
    body: joinTokenBody,
    answer: joinTokenMade,
    changes: true,
    handle: async ({ params, query, body, actor }) => {
      const { ttlMs, accepted, reason } = body as JoinTokenBody;
      const { dryRun, reason: why } = query as Change;
      const cluster = await clusterOf(store, params['name'] ?? '');
      const expiresAt = time(clock.now() + ttlMs);
      if (dryRun) return { token: '', expiresAt };
      const token = await identities.createJoinToken(cluster.name, { ttlMs, accepted, actor, reason: reason ?? why });
      return { token: token.reveal(), expiresAt };
    },
  },
  {
    id: 'acceptCluster',
    method: 'POST',
    path: '/v1alpha1/clusters/{name}/accept',
    scope: 'operate',
    summary: 'Accepts an agent that has asked to be this cluster',
    params: named,
    query: changeQuery,
    answer: accepted,
    changes: true,
    handle: async ({ params, query, actor }) => {
      const { reason, dryRun } = query as Change;
      const { name, state } = await clusterOf(store, params['name'] ?? '');
      if (state === 'Accepted') return { dryRun, changed: false };
      if (state !== 'Pending') throw new ApiError('NOT_ASKED', `cluster ${name} is ${state}: no agent has asked to be it`);
      if (!dryRun) await identities.accept(name, actor, reason);
      return { dryRun, changed: true };
    },
  },
];

async function clusterOf({ read }: Store, name: string): Promise<ClusterRow> {
  const found = await read.selectFrom('clusters').selectAll().where('name', '=', name).executeTakeFirst();
  if (found) return found;
  const { message, more } = await missing(read, clusters, { name });
  throw new ApiError('NO_SUCH_CLUSTER', message, more);
}
