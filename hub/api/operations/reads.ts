import { z } from 'zod';
import type { Clock } from '#shared/clock/mod.ts';
import type { Store } from '#hub/store/mod.ts';
import { appsView, environments, tenants, type SourceOf } from '../kinds/declared.ts';
import { clusters } from '../kinds/clusters.ts';
import { momentOf, type Fleet, type Moment } from '../kinds/moments.ts';
import { placements } from '../kinds/placements.ts';
import { audit, events } from '../kinds/records.ts';
import { releases } from '../kinds/releases.ts';
import { rollouts } from '../kinds/rollouts.ts';
import { targets } from '../kinds/targets.ts';
import type { View } from '../kinds/view.ts';
import type { Cursors } from '../lists/cursors.ts';
import { parseFields, pick } from '../lists/fields.ts';
import { listOf, oneOf, type ListContext } from '../lists/list.ts';
import type { Feed } from '../watch/feed.ts';
import { Watchers } from '../watch/watchers.ts';
import * as declared from '../schemas/declared.ts';
import { listOf as listSchema } from '../schemas/metadata.ts';
import * as moving from '../schemas/moving.ts';
import * as records from '../schemas/records.ts';
import { listQuery, oneQuery, type ListQuery } from '../schemas/requests.ts';
import { component, name } from '../schemas/words.ts';
import type { Asked, Operation } from './operation.ts';

export interface ReadOptions {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly cursors: Cursors;
  readonly clock: Clock;
  readonly sourceOf: SourceOf;
  readonly feed: Feed;
}

/** Every kind that is listed, with the schema of one. */
export const viewsOf = (sourceOf: SourceOf): readonly { readonly view: View; readonly schema: z.ZodObject }[] => [
  { view: clusters, schema: declared.cluster },
  { view: tenants, schema: declared.tenant },
  { view: environments, schema: declared.environment },
  { view: appsView(sourceOf), schema: declared.app },
  { view: targets, schema: moving.target },
  { view: placements, schema: moving.placement },
  { view: releases, schema: moving.release },
  { view: rollouts, schema: moving.rollout },
  { view: events, schema: records.event },
  { view: audit, schema: records.auditRecord },
];

const objectName = z.string().min(1).max(200);
const schemas = new Map<string, z.ZodObject>();

/** Two hubs in one process share the names of the OpenAPI document. */
function listSchemaOf(kind: string, schema: z.ZodObject): z.ZodObject {
  const known = schemas.get(kind) ?? component(`${kind}List`, listSchema(kind, schema));
  schemas.set(kind, known);
  return known;
}

/** Lists and single resources of every kind, across tenants and below one. */
export function readOperations(options: ReadOptions): readonly Operation[] {
  const watchers = new Watchers(options.feed, options.clock);
  return viewsOf(options.sourceOf).flatMap(({ view, schema }) => operationsOf(view, schema, options, watchers));
}

function operationsOf(view: View, schema: z.ZodObject, options: ReadOptions, watchers: Watchers): Operation[] {
  const { kind, plural } = view;
  const look = (moment?: Moment) => contextOf(options, moment);
  const query = z.object({
    ...listQuery.shape,
    sort: listQuery.shape.sort.describe(`${Object.keys(view.sorts).join(', ')}; the first is the default, - reverses`),
  });
  const documented = query.extend({ fieldSelector: listQuery.shape.fieldSelector.describe(`by ${Object.keys(view.fields).join(', ')}`) });
  const list = (id: string, path: string, params: z.ZodObject): Operation => ({
    id,
    method: 'GET',
    path,
    scope: 'read',
    summary: `Lists or watches resources of kind ${kind}`,
    params,
    query: documented,
    answer: listSchemaOf(kind, schema),
    watchable: true,
    handle: async ({ params, query, headers, signal, moment }) => {
      const asked = { ...(query as ListQuery), ...tenantOf(params) };
      if (!asked.watch && !headers['accept']?.includes('text/event-stream')) return listOf(view, asked, look(moment));
      return watchers.open({ view, query: asked, look: () => look(), from: headers['last-event-id'] ?? asked.resourceVersion, signal });
    },
  });
  const one = (id: string, path: string, params: z.ZodObject): Operation => ({
    id,
    method: 'GET',
    path,
    scope: 'read',
    summary: `Reads one ${kind}, by name or uid`,
    params,
    query: oneQuery,
    answer: schema,
    handle: async ({ params, query, moment }) =>
      picked(await oneOf(view, { name: params['name'] ?? '', ...tenantOf(params) }, look(moment)), query),
  });
  const named = z.object({ name: objectName });
  const owned = z.object({ tenant: name });
  const fleetWide = [list(`list${kind}`, `/v1alpha1/${plural}`, z.object({})), one(`read${kind}`, `/v1alpha1/${plural}/{name}`, named)];
  if (!view.tenanted) return fleetWide;
  const below = `/v1alpha1/tenants/{tenant}/${plural}`;
  return [
    ...fleetWide,
    list(`list${kind}OfTenant`, below, owned),
    one(`read${kind}OfTenant`, `${below}/{name}`, owned.extend(named.shape)),
  ];
}

export function contextOf({ store, fleet, cursors, clock, feed }: ReadOptions, moment: Moment = momentOf(fleet, clock.now())): ListContext {
  return { read: store.read, moment, cursors, position: feed.position() };
}

export const tenantOf = ({ tenant }: Asked['params']): { tenant?: string } => (tenant === undefined ? {} : { tenant });

const picked = (resource: object, { fields }: Asked['query']): object =>
  typeof fields === 'string' ? pick(resource, parseFields(fields)) : resource;
