import { z } from 'zod';
import type { HealthService } from '#hub/health/mod.ts';
import { sql, type Store } from '#hub/store/mod.ts';
import { appsView, type SourceOf } from '../kinds/declared.ts';
import { placements } from '../kinds/placements.ts';
import { missing } from '../lists/missing.ts';
import { done, placementSynced } from '../schemas/answers.ts';
import { name } from '../schemas/words.ts';
import { changeQuery, type Change } from './changes.ts';
import type { Operation } from './operation.ts';

export interface SyncOptions {
  readonly store: Store;
  /** Asks spokes. */
  readonly health: Pick<HealthService, 'reach' | 'command'>;
  readonly sourceOf: SourceOf;
  /** Looks at the Git source of an app now. */
  readonly pollNow: (appId: number) => void;
}

const waitMaxMs = 300_000;
/** How long a spoke may take when nobody waits for its answer. */
const unwatchedMs = 60_000;

const syncQuery = changeQuery.extend({
  waitMs: z.coerce.number().int().min(0).max(waitMaxMs).default(0).describe('for the answer of the cluster; 0: not at all'),
});
type SyncQuery = z.output<typeof syncQuery>;

/** Looks again, now. Nothing of the record changes by it, but who asked for it and why is kept. */
export const syncOperations = (options: SyncOptions): readonly Operation[] => [
  {
    id: 'syncApp',
    method: 'POST',
    path: '/v1alpha1/tenants/{tenant}/apps/{name}/sync',
    scope: 'operate',
    summary: "Looks at the app's source now instead of at the next poll",
    params: z.object({ tenant: name, name }),
    query: changeQuery,
    answer: done,
    changes: true,
    handle: async ({ params, query, actor }) => {
      const { reason, dryRun } = query as Change;
      const [tenant, app] = [params['tenant'] ?? '', params['name'] ?? ''];
      const { store, pollNow } = options;
      const found = await store.read
        .selectFrom('apps')
        .innerJoin('tenants', 'tenants.id', 'apps.tenant_id')
        .select('apps.id')
        .where('tenants.name', '=', tenant)
        .where('apps.name', '=', app)
        .executeTakeFirst();
      if (!found) throw await missing(store.read, appsView(options.sourceOf), { tenant, name: app });
      if (dryRun) return { dryRun };
      await noted(store, { actor, action: 'sync.app', subject: `App/${tenant}/${app}`, reason });
      pollNow(found.id);
      return { dryRun };
    },
  },
  {
    id: 'syncPlacement',
    method: 'POST',
    path: '/v1alpha1/tenants/{tenant}/placements/{name}/sync',
    scope: 'operate',
    summary: 'Has a cluster look again at one app now: what it should run, what it runs, and what differs',
    params: z.object({ tenant: name, name: z.string().min(1).max(200).describe('<cluster>.<app>.<namespace>, or uid') }),
    query: syncQuery,
    answer: placementSynced,
    changes: true,
    handle: async ({ params, query, actor }) => {
      const { reason, dryRun, waitMs } = query as SyncQuery;
      const { store, health } = options;
      const found = await placementOf(store, params['tenant'] ?? '', params['name'] ?? '');
      const cluster = { id: found.cluster_id, name: found.cluster };
      health.reach(cluster);
      if (dryRun) return { dryRun, acknowledged: false, problem: null };
      await noted(store, { actor, action: 'sync.placement', subject: `Placement/${found.tenant}/${found.name}`, reason });
      const answer = health.command(cluster, { $case: 'syncNow', value: { assignmentUid: found.uid } }, waitMs || unwatchedMs);
      if (waitMs === 0) {
        // Nobody waits: what becomes of it shows in reports.
        answer.catch(() => undefined);
        return { dryRun, acknowledged: false, problem: null };
      }
      const { ok, code, message } = await answer;
      return { dryRun, acknowledged: true, problem: ok ? null : { reason: code.slice(0, 128), message: message.slice(0, 4_096) } };
    },
  },
];

const noted = (store: Store, audit: { actor: string; action: string; subject: string; reason: string }): Promise<void> =>
  store.decide(
    async () => undefined,
    () => ({ result: undefined, audit }),
  );

interface Found {
  readonly uid: string;
  readonly name: string;
  readonly tenant: string;
  readonly cluster: string;
  readonly cluster_id: number;
}

async function placementOf({ read }: Store, tenant: string, key: string): Promise<Found> {
  const { rows } = await sql<Found>`
    SELECT v.uid, v.name, v.tenant, v.cluster, p.cluster_id FROM (${placements.stored.select}) v JOIN placements p ON p.id = v.id
    WHERE v.tenant = ${tenant} AND (v.name = ${key} OR v.uid = ${key}) LIMIT 1`.execute(read);
  if (rows[0]) return rows[0];
  throw await missing(read, placements, { tenant, name: key });
}
