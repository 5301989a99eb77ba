import type { App, Placement } from '#hub/api/mod.ts';
import { CliError, exits, usageError } from '../exits.ts';
import { kindNamed, kindOf, namedOf, referenceText, type Reference } from '../kinds/kinds.ts';
import { syncAsk, syncPlacementAsk, type ChangeOptions, type PlacementSynced } from '../requests/changes.ts';
import type { Client } from '../requests/client.ts';
import { oneOf } from '../requests/lists.ts';
import type { Session } from '../session.ts';
import { judgeSource } from '../waits/judge.ts';
import { whyStalled } from '../waits/stalls.ts';
import { waitFor } from '../waits/wait.ts';
import { lookAt, settleMs, targetsOfApp } from './apply.ts';
import { withTenant } from './delete.ts';
import { optional, placementMissing } from './explain.ts';
import { placementsOn } from './tree.ts';

interface SyncOptions extends ChangeOptions {
  readonly tenant?: string;
  readonly wait?: boolean;
  readonly timeout: number;
}

/** As many words as an app has before its name: none, its tenant or a cluster, both. */
export interface SyncPlan {
  readonly cluster: string | undefined;
  readonly tenant: string | undefined;
  readonly app: string;
  /** The first word may be a cluster as well as a tenant. */
  readonly either: boolean;
}

/** APP, TENANT/APP, CLUSTER/APP, CLUSTER/TENANT/APP. Throws CliError USAGE. Pure. */
export function planSync(word: string, tenant: string | undefined): SyncPlan {
  const parts = word.split('/');
  const [first = '', second = '', third = ''] = parts;
  if (parts.includes('') || parts.length > (tenant === undefined ? 3 : 2))
    throw usageError(`"${word}" names no app`, 'write APP or TENANT/APP for its source, CLUSTER/APP or CLUSTER/TENANT/APP for one cluster');
  if (parts.length === 3) return { cluster: first, tenant: second, app: third, either: false };
  if (parts.length === 1) return { cluster: undefined, tenant, app: first, either: false };
  return { cluster: first, tenant, app: second, either: tenant === undefined };
}

/** Looks at an app's source now, or has one cluster look at the app again. */
export async function sync(session: Session, word: string, options: SyncOptions): Promise<void> {
  const plan = planSync(word, options.tenant);
  const client = await session.client();
  if (plan.cluster === undefined) return syncApp(session, client, namedOf(kindOf('app'), plan.app, plan.tenant), options);
  const { cluster, app } = plan;
  const there = plan.either ? await optional<App>(oneOf(client, 'App', { tenant: cluster, name: app })) : undefined;
  const { items } = await placementsOn(client, cluster, { tenant: plan.tenant, app });
  if (there && items.length > 0)
    throw new CliError('AMBIGUOUS', `${cluster} is a tenant and a cluster, and ${app} is an app of the one and on the other`, {
      next: `wheelhouse sync -t ${cluster} ${app}, or wheelhouse sync ${cluster}/TENANT/${app}`,
    });
  if (there) return syncApp(session, client, { kind: kindNamed('App'), tenant: cluster, name: app }, options);
  if (items.length === 0) throw await placementMissing(client, cluster, app);
  for (const placement of items) await syncPlacement(session, client, placement, options);
}

/** A cluster may take as long as people wait; the hub holds the question open for so long at most. */
const answerMaxMs = 300_000;

async function syncPlacement(session: Session, client: Client, { metadata }: Placement, options: SyncOptions): Promise<void> {
  const reference: Reference = { kind: kindNamed('Placement'), tenant: metadata.tenant, name: metadata.name };
  const name = referenceText(reference);
  const waits = options.wait === true && !options.dryRun;
  if (waits) session.say(`waiting for ${name}: its cluster to look again`);
  const waitMs = waits ? Math.min(options.timeout, answerMaxMs) : 0;
  const { body } = await client.send<PlacementSynced>(syncPlacementAsk(reference, waitMs, options));
  if (body.problem)
    throw new CliError(body.problem.reason, body.problem.message, {
      exit: exits.error,
      object: name,
      next: `wheelhouse explain ${metadata.name.split('.').slice(0, 2).join(`/${metadata.tenant}/`)} says more`,
    });
  session.print([`${name} ${body.acknowledged ? 'synced' : 'asked to sync'}${options.dryRun ? ' (dry run)' : ''}`]);
}

/** With --wait until what was found there has travelled as far as it may by itself. */
async function syncApp(session: Session, client: Client, given: Reference, options: SyncOptions): Promise<void> {
  const app = await withTenant(client, given);
  const read = async () => (await oneOf(client, 'App', { tenant: app.tenant, name: app.name })).resource;
  const before = options.wait ? ((await read()).status.source?.answeredAt ?? null) : null;
  await client.send(syncAsk(app, options));
  session.print([`${referenceText(app)} synced${options.dryRun ? ' (dry run)' : ''}`]);
  if (!options.wait || options.dryRun) return;
  await waitFor(
    session,
    async () => {
      const now = await read();
      const source = judgeSource(now, before);
      if (source.failed !== undefined)
        throw new CliError('RELEASE_FAILED', source.failed, { object: referenceText(app), next: 'mend what it names, and push again' });
      if (source.waitsFor.length > 0) return source;
      // Its source has nothing newer that could mend what is stuck, whenever that began.
      return lookAt(client, await targetsOfApp(client, now), new Set(), app.tenant);
    },
    { timeout: options.timeout, settleMs, why: whyStalled(client) },
  );
}
