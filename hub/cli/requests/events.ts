import type { Event } from '#hub/api/mod.ts';
import { kindNamed, type AnyResource } from '../kinds/kinds.ts';
import type { Client } from './client.ts';
import { list, type ListRequest } from './lists.ts';

type About = Pick<ListRequest, 'tenant' | 'fieldSelector'>;

const related = (parts: Readonly<Record<string, string>>): string =>
  Object.entries(parts)
    .map(([part, name]) => `spec.related.${part}=${name}`)
    .join(',');

/** Which events concern a thing: its own, of what is placed there, and of what moved it. Pure. */
export function eventsOf(resource: AnyResource): About {
  const { kind, metadata } = resource;
  const { name } = metadata;
  const tenant = 'tenant' in metadata ? (metadata.tenant ?? undefined) : undefined;
  if (kind === 'Cluster') return { fieldSelector: related({ cluster: name }) };
  if (kind === 'Tenant') return { tenant: name };
  if (kind === 'Environment') return { tenant, fieldSelector: related({ environment: name }) };
  if (kind === 'App') return { tenant, fieldSelector: related({ app: name }) };
  if (kind === 'Target') return { tenant, fieldSelector: related({ app: resource.spec.app, environment: resource.spec.environment }) };
  if (kind !== 'Placement') return { tenant, fieldSelector: `spec.regarding.kind=${kind},spec.regarding.name=${name}` };
  // Of the placement, of its app and environment as such, and of its cluster, which is nobody's.
  const { cluster, app, environment } = resource.spec;
  const parts = { 'regarding.tenant': tenant ?? '', 'related.cluster': cluster, 'related.app': app, 'related.environment': environment };
  const own = Object.entries(parts).map(([field, value]) => `spec.${field} in (${value},)`);
  return { fieldSelector: [...own, 'spec.regarding.kind in (Placement,Cluster,App,Environment,Target,Rollout)'].join(',') };
}

/** The latest events that concern a thing, oldest first. */
export async function eventsAbout(client: Client, resource: AnyResource, limit: number): Promise<readonly Event[]> {
  return (await list<Event>(client, kindNamed('Event'), { ...eventsOf(resource), limit })).items.toReversed();
}
