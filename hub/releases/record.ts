import type { App } from '#hub/apps/mod.ts';
import type { Reader } from '#hub/store/mod.ts';
import type { Tenant } from '#hub/tenants/mod.ts';
import { isTaken, type Built, type Known, type Recorded } from './decide.ts';

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
  const taken = await takenOf(read, app.id);
  const targets = await read.selectFrom('targets').select('id').where('app_id', '=', app.id).orderBy('id').execute();
  return {
    appId: app.id,
    generation: app.generation,
    taken,
    subject: `App/${tenant.name}/${app.name}`,
    lastCommit,
    newest: newest && { ...newest, variants },
    same: same?.alias,
    targetIds: targets.map(({ id }) => id),
  };
}

const takenOf = (read: Reader, appId: number) =>
  read.selectFrom('taken_commits').select(['commit', 'generation']).where('app_id', '=', appId).executeTakeFirst();

/** What a commit came to that was taken in for the app as it is; undefined: it has to be looked at. */
export async function outcomeOfTaken(read: Reader, app: App, commit: string): Promise<Recorded | undefined> {
  if (!isTaken({ taken: await takenOf(read, app.id), generation: app.generation }, commit)) return undefined;
  const commits = read.selectFrom('commits').select(['outcome', 'outcome_message as message']).where('app_id', '=', app.id);
  return commits.where('commit', '=', commit).orderBy('id', 'desc').limit(1).executeTakeFirst();
}
