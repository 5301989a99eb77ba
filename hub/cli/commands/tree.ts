import type { Placement } from '#hub/api/mod.ts';
import { CliError } from '../exits.ts';
import { kindNamed } from '../kinds/kinds.ts';
import { clusterTree, treeLines } from '../print/trees.ts';
import type { Client } from '../requests/client.ts';
import { list, oneOf, type Listed } from '../requests/lists.ts';
import type { Session } from '../session.ts';

const placementsMax = 2_000;

export const placementsOn = (
  client: Client,
  cluster: string,
  { tenant, app }: { tenant?: string | undefined; app?: string | undefined },
): Promise<Listed<Placement>> =>
  list<Placement>(client, kindNamed('Placement'), {
    tenant,
    fieldSelector: `spec.cluster=${cluster}${app === undefined ? '' : `,spec.app=${app}`}`,
    limit: placementsMax,
  });

/** APP or TENANT/APP. */
export function appOf(word: string, tenant: string | undefined): { readonly tenant: string | undefined; readonly app: string } {
  const slash = word.indexOf('/');
  return slash < 0 ? { tenant, app: word } : { tenant: word.slice(0, slash), app: word.slice(slash + 1) };
}

export async function tree(
  session: Session,
  name: string,
  word: string | undefined,
  { tenant }: { readonly tenant?: string },
): Promise<void> {
  const client = await session.client();
  const { resource: cluster, at } = await oneOf(client, 'Cluster', { name });
  const app = word === undefined ? { tenant } : appOf(word, tenant);
  const { items, more } = await placementsOn(client, name, app);
  if (word !== undefined && items.length === 0)
    throw new CliError('NOT_FOUND', `${word} is not placed on it`, {
      object: `cluster/${name}`,
      next: `wheelhouse tree ${name} shows what is`,
    });
  session.print(treeLines(clusterTree(cluster, items, { now: at, paint: session.paint, deep: word !== undefined })));
  if (more) session.say(`only the worst ${items.length} placements: there are more`);
}
