import type { App } from '#hub/apps/mod.ts';
import type { Reader } from '#hub/store/mod.ts';
import type { Tenant } from '#hub/tenants/mod.ts';
import type { Built, Known } from './decide.ts';

/** What the record knows of an app's commits and releases. */
export async function loadKnown(read: Reader, app: App, tenant: Tenant, built: Built | Error): Promise<Known> {
  const lastCommit = await read
    .selectFrom('commits')
    .select(['commit', 'outcome', 'outcome_message'])
    .where('app_id', '=', app.id)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  const releases = read.selectFrom('releases').select(['id', 'alias']).where('app_id', '=', app.id);
  const newest = await releases.orderBy('id', 'desc').limit(1).executeTakeFirst();
  const variants = newest
    ? await read.selectFrom('variants').select(['environment', 'layer_hash']).where('release_id', '=', newest.id).execute()
    : [];
  const same = built instanceof Error ? undefined : await releases.where('digest', '=', built.digest).executeTakeFirst();
  const targets = await read.selectFrom('targets').select('id').where('app_id', '=', app.id).orderBy('id').execute();
  return {
    appId: app.id,
    subject: `App/${tenant.name}/${app.name}`,
    lastCommit,
    newest: newest && { ...newest, variants },
    same: same?.alias,
    targetIds: targets.map(({ id }) => id),
  };
}
