import type { Event, Rollout } from '#hub/api/mod.ts';
import { kindNamed, type AnyResource } from '../kinds/kinds.ts';
import type { Client } from './client.ts';
import { list } from './lists.ts';

const rolloutsMax = 10;

/** A selector of the events that concern a thing: its own, and those of the rollouts that last changed it. */
export async function eventSelector(client: Client, resource: AnyResource): Promise<string> {
  const { kind, metadata } = resource;
  const uids = await rolloutsOf(client, resource);
  const names = [metadata.name, ...(kind === 'Target' ? [metadata.name.replace('.', '/')] : []), ...uids];
  const kinds = uids.length === 0 ? [kind] : [...new Set([kind, 'Rollout'])];
  return `spec.regarding.kind in (${kinds.join(',')}),spec.regarding.name in (${names.join(',')})`;
}

async function rolloutsOf(client: Client, resource: AnyResource): Promise<readonly string[]> {
  const { kind, metadata } = resource;
  if (kind === 'Placement') return resource.status.changedBy ? [resource.status.changedBy.rollout] : [];
  const by: Readonly<Partial<Record<AnyResource['kind'], string>>> = {
    App: `spec.app=${metadata.name}`,
    Environment: `spec.environment=${metadata.name}`,
    ...(kind === 'Target' ? { Target: `spec.app=${resource.spec.app},spec.environment=${resource.spec.environment}` } : {}),
  };
  const fieldSelector = by[kind];
  if (fieldSelector === undefined || !('tenant' in metadata)) return [];
  const found = await list<Rollout>(client, kindNamed('Rollout'), {
    tenant: metadata.tenant ?? undefined,
    fieldSelector,
    sort: 'created',
    limit: rolloutsMax,
  });
  return found.items.map(({ metadata: { uid } }) => uid);
}

/** The latest events that concern a thing, oldest first. */
export async function eventsAbout(client: Client, resource: AnyResource, limit: number): Promise<readonly Event[]> {
  const fieldSelector = await eventSelector(client, resource);
  return (await list<Event>(client, kindNamed('Event'), { fieldSelector, limit })).items.toReversed();
}
