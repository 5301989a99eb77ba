import type { Placement, Rollout, Target } from '#hub/api/mod.ts';
import { CliError, usageError } from '../exits.ts';
import { chainLines, type Chain } from '../print/chains.ts';
import { documentFormOf, documentText } from '../print/forms.ts';
import type { Client } from '../requests/client.ts';
import { eventsAbout } from '../requests/events.ts';
import { oneOf } from '../requests/lists.ts';
import type { Session } from '../session.ts';
import { placementsOn } from './tree.ts';

interface ExplainOptions {
  readonly tenant?: string;
  readonly output?: string;
}

/** CLUSTER/APP, CLUSTER/TENANT/APP. Throws CliError USAGE. Pure. */
export function planExplain(
  word: string,
  tenant: string | undefined,
): { readonly cluster: string; readonly tenant: string | undefined; readonly app: string } {
  const parts = word.split('/');
  const [cluster = '', second = '', third] = parts;
  if (parts.length < 2 || parts.length > 3 || parts.includes(''))
    throw usageError(`"${word}" names no app on a cluster`, 'write CLUSTER/TENANT/APP, or CLUSTER/APP');
  return third === undefined ? { cluster, tenant, app: second } : { cluster, tenant: second, app: third };
}

export async function explain(session: Session, word: string, options: ExplainOptions): Promise<void> {
  const form = documentFormOf(options.output);
  const { cluster, tenant, app } = planExplain(word, options.tenant);
  const client = await session.client();
  const { items, at } = await placementsOn(client, cluster, { tenant, app });
  if (items.length === 0) throw await placementMissing(client, cluster, app);
  const chains = await Promise.all(items.map((placement) => chainOf(client, placement)));
  if (form !== 'table') return session.io.out(documentText(form, chains.length === 1 ? chains[0] : chains));
  for (const [index, chain] of chains.entries())
    session.print([...(index === 0 ? [] : ['']), ...chainLines(chain, { now: at, paint: session.paint })]);
}

/** The cluster itself may not be there; else the app is not on it. */
export async function placementMissing(client: Client, cluster: string, app: string): Promise<CliError> {
  await oneOf(client, 'Cluster', { name: cluster });
  return new CliError('NOT_FOUND', `app ${app} is not placed on it`, {
    object: `cluster/${cluster}`,
    next: `wheelhouse tree ${cluster} shows what is; wheelhouse get environments -o wide which clusters each selects`,
  });
}

const latelyMax = 4;

async function chainOf(client: Client, placement: Placement): Promise<Chain> {
  const { metadata, spec, status } = placement;
  const at = { tenant: metadata.tenant };
  const uid = status.changedBy?.rollout;
  const [target, rollout, lately] = await Promise.all([
    optional<Target>(oneOf(client, 'Target', { ...at, name: `${spec.app}.${spec.environment}` })),
    uid === undefined ? undefined : optional<Rollout>(oneOf(client, 'Rollout', { ...at, name: uid })),
    eventsAbout(client, placement, latelyMax),
  ]);
  return { placement, target, rollout, lately };
}

export const optional = async <R>(asked: Promise<{ readonly resource: R }>): Promise<R | undefined> =>
  asked.then(
    ({ resource }) => resource,
    (error: unknown) => {
      if (error instanceof CliError && error.code === 'NOT_FOUND') return undefined;
      throw error;
    },
  );
