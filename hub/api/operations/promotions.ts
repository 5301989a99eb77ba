import { z } from 'zod';
import type { Clock } from '#shared/clock/mod.ts';
import { checkVersion } from '#hub/declarations/mod.ts';
import type { Asked as AskedPromotion, Promoted } from '#hub/promotion/mod.ts';
import { nearest } from '#hub/resources/mod.ts';
import { sql, type Reader, type Store } from '#hub/store/mod.ts';
import { momentOf, type Fleet } from '../kinds/moments.ts';
import { targets } from '../kinds/targets.ts';
import { oneOf } from '../lists/list.ts';
import { missing } from '../lists/missing.ts';
import { ApiError } from '../problems/errors.ts';
import { promoted } from '../schemas/answers.ts';
import { name } from '../schemas/words.ts';
import { changeQuery, versionIn, type Change } from './changes.ts';
import type { Operation } from './operation.ts';

export interface PromoteOptions {
  readonly store: Store;
  readonly health: Fleet;
  readonly clock: Clock;
  /** Offers a release to a target by hand. */
  readonly promote: (targetId: number, releaseId: number, asked: AskedPromotion) => Promise<Promoted>;
}

const targetName = z
  .string()
  .regex(/^[a-z0-9-]{1,63}\.[a-z0-9-]{1,63}$/)
  .describe('<app>.<environment>');
const promoteBody = z.object({ release: z.string().min(1).max(256).describe('digest, alias, name or uid') });
type PromoteBody = z.output<typeof promoteBody>;

export const promoteOperations = ({ store, health, clock, promote }: PromoteOptions): readonly Operation[] => [
  {
    id: 'promoteRelease',
    method: 'POST',
    path: '/v1alpha1/tenants/{tenant}/targets/{name}/promote',
    scope: 'operate',
    summary: 'Offers a release to a target by hand; it still needs the evidence that the environment asks for',
    params: z.object({ tenant: name, name: targetName }),
    query: changeQuery,
    body: promoteBody,
    answer: promoted,
    changes: true,
    conditional: true,
    handle: async ({ params, query, body, headers, actor }) => {
      const key = { tenant: params['tenant'] ?? '', name: params['name'] ?? '' };
      const { reason, dryRun } = query as Change;
      const { targetId, releaseId } = await promotable(store.read, key, (body as PromoteBody).release);
      const wanted = versionIn(headers['if-match']);
      const check = async (trx: Reader): Promise<void> => {
        if (wanted === undefined) return;
        const { metadata } = await oneOf(targets, key, { read: trx, moment: momentOf(health, clock.now()) });
        checkVersion(`Target/${key.tenant}/${key.name}`, wanted, metadata.resourceVersion);
      };
      const { rollout, plan, wait } = await promote(targetId, releaseId, { actor, reason, dryRun, check });
      return { dryRun, rollout, plan, waiting: wait.reason === '' ? null : { reason: wait.reason, message: wait.message } };
    },
  },
];

const aliasesMax = 1_000;

/** The keys of a target and of a release of its app, named as people name them. Throws ApiError NOT_FOUND. */
async function promotable(
  read: Reader,
  key: { tenant: string; name: string },
  release: string,
): Promise<{ targetId: number; releaseId: number }> {
  const [app = '', environment = ''] = key.name.split('.');
  const [target] = (
    await sql<{ id: number; app_id: number }>`
      SELECT g.id, g.app_id FROM targets g JOIN apps a ON a.id = g.app_id JOIN tenants t ON t.id = a.tenant_id
      JOIN environments e ON e.id = g.environment_id WHERE t.name = ${key.tenant} AND a.name = ${app} AND e.name = ${environment}`.execute(
      read,
    )
  ).rows;
  if (!target) throw await missing(read, targets, key);
  const alias = release.startsWith(`${app}.`) ? release.slice(app.length + 1) : release;
  const of = read.selectFrom('releases').where('app_id', '=', target.app_id);
  const found = await of
    .select('id')
    .where((eb) => eb.or([eb('alias', '=', alias), sql<boolean>`digest = ${release}`, eb('uid', '=', release)]))
    .executeTakeFirst();
  if (found) return { targetId: target.id, releaseId: found.id };
  const aliases = (await of.select('alias').orderBy('id', 'desc').limit(aliasesMax).execute()).map((row) => row.alias);
  const said = `App ${key.tenant}/${app} has no Release ${release.slice(0, 100)}`;
  const meant = nearest(alias, aliases);
  if (meant !== undefined) throw new ApiError('NOT_FOUND', `${said}; did you mean ${meant}?`, { nearest: meant });
  throw new ApiError('NOT_FOUND', aliases.length === 0 ? `${said}: it has none at all` : `${said}; its newest is ${aliases[0]}`);
}
