import type { ResourceList } from '#hub/api/mod.ts';
import { CliError } from '../exits.ts';
import { kindNamed, referenceText, type AnyResource, type Kind, type KindName, type Reference, type Resources } from '../kinds/kinds.ts';
import type { Ask, Client } from './client.ts';

export interface ListRequest {
  readonly tenant?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** One of the kind's orders at the hub. */
  readonly sort?: string | undefined;
  /** How many at most; 0: all there are. */
  readonly limit: number;
}

export interface Listed<R = AnyResource> {
  readonly items: readonly R[];
  /** Where a watch goes on. */
  readonly resourceVersion: string;
  /** The hub has more than were asked for. */
  readonly more: boolean;
  readonly at: number;
}

const pageMax = 500;
const pagesMax = 10_000;

export const collectionPath = ({ plural, tenanted }: Kind, tenant: string | undefined): string =>
  tenanted && tenant !== undefined ? `/v1alpha1/tenants/${encodeURIComponent(tenant)}/${plural}` : `/v1alpha1/${plural}`;

export const onePath = ({ kind, tenant, name }: Reference): string => `${collectionPath(kind, tenant)}/${encodeURIComponent(name)}`;

export const listAsk = (kind: Kind, { tenant, limit, ...query }: ListRequest, cursor = ''): Ask => ({
  method: 'GET',
  path: collectionPath(kind, tenant),
  query: { ...query, limit: String(limit === 0 ? pageMax : Math.min(limit, pageMax)), continue: cursor },
  object: kind.plural,
});

/** Page by page, as many as were asked for. */
export async function list<R = AnyResource>(client: Client, kind: Kind, request: ListRequest): Promise<Listed<R>> {
  const found = new Map<string, R>();
  for (let cursor = '', pages = 0; ; pages++) {
    const left = request.limit === 0 ? 0 : request.limit - found.size;
    const { body, at } = await client.send<ResourceList>(listAsk(kind, { ...request, limit: left }, cursor));
    // Over a moving order a thing may come twice; its later self is the truer one.
    for (const item of body.items) found.set(keyOf(item as AnyResource), item as R);
    cursor = body.metadata.continue;
    const enough = request.limit > 0 && found.size >= request.limit;
    if (cursor === '' || enough || pages >= pagesMax)
      return { items: [...found.values()], resourceVersion: body.metadata.resourceVersion, more: cursor !== '', at };
  }
}

export const keyOf = ({ metadata }: AnyResource): string => metadata.uid ?? metadata.name;

export interface Found<R = AnyResource> {
  readonly resource: R;
  readonly at: number;
}

/** The one thing of that name. A name without its tenant will do while only one tenant has it. Throws CliError NOT_FOUND, AMBIGUOUS. */
export async function one<R = AnyResource>(client: Client, reference: Reference): Promise<Found<R>> {
  const { kind, tenant, name } = reference;
  if (kind.tenanted && tenant === undefined && kind.named === 'name') {
    const { items, at } = await list(client, kind, { fieldSelector: `metadata.name=${name}`, limit: 2 });
    if (items.length > 1) throw ambiguous(reference, items);
    if (items[0]) return { resource: items[0] as R, at };
  }
  const { body, at } = await client.send<R>({ method: 'GET', path: onePath(reference), object: referenceText(reference) });
  return { resource: body, at };
}

export const oneOf = <K extends KindName>(
  client: Client,
  name: K,
  at: { tenant?: string | undefined; name: string },
): Promise<Found<Resources[K]>> => one<Resources[K]>(client, { kind: kindNamed(name), tenant: at.tenant, name: at.name });

function ambiguous(reference: Reference, items: readonly AnyResource[]): CliError {
  const tenants = items.map(({ metadata }) => ('tenant' in metadata ? metadata.tenant : '')).join(', ');
  return new CliError('AMBIGUOUS', `several tenants have one of that name: ${tenants}`, {
    object: referenceText(reference),
    next: `name the tenant: -t TENANT, or TENANT/${reference.name}`,
  });
}
