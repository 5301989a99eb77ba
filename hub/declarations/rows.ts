import { apiVersion, canonicalJson, digestOf } from '#shared/kernel/mod.ts';
import type { Resource } from '#hub/resources/mod.ts';
import { put, type DecideContext, type TargetRow, type Write } from '#hub/store/mod.ts';
import { keyOf, type World } from './world.ts';

/** What the record holds of a resource, in the form in which two can be compared. */
export interface Held {
  readonly id: number;
  readonly manager: string;
  readonly spec: string;
  readonly generation: number;
}

/** Of a declared row: changes with what was written. The id tells a re-created one from its predecessor. */
export const versionOf = ({ id, generation }: { readonly id: number; readonly generation: number }): string => `${id}.${generation}`;

export const specText = (resource: Resource): string => canonicalJson(resource.spec);

export function heldOf(resource: Resource, world: World): Held | undefined {
  const key = keyOf(resource);
  if (resource.kind === 'Cluster') {
    const row = world.clusters.get(key);
    return (
      row && {
        id: row.id,
        manager: row.manager,
        generation: row.generation,
        spec: `{"labels":${row.labels},"parameters":${row.parameters}}`,
      }
    );
  }
  const tables = { Tenant: world.tenants, Environment: world.environments, App: world.apps };
  return tables[resource.kind].get(key)?.row;
}

export interface RowOptions {
  readonly id: number;
  readonly tenantId: number;
  readonly manager: string;
}

/** Writes the resource over what the record holds of it: what others own in the row (a cluster's identity) stays. */
export function writeOf(resource: Resource, world: World, { id, tenantId, manager }: RowOptions, { now, newUid }: DecideContext): Write {
  const { kind, metadata } = resource;
  const key = keyOf(resource);
  const spec = specText(resource);
  const source_digest = digestOf(canonicalJson({ apiVersion, kind, metadata: { ...metadata }, spec: resource.spec }));
  const changed = { name: metadata.name, manager, source_digest, updated_at: now };
  const fresh = { ...changed, id, generation: 1, created_at: now };
  const again = <Row extends { generation: number }>(row: Row): Row => ({ ...row, ...changed, generation: row.generation + 1 });
  if (kind === 'Tenant') {
    const row = world.tenants.get(key)?.row;
    return put('tenants', { ...(row ? again(row) : { ...fresh, uid: newUid('t') }), spec });
  }
  if (kind === 'Environment') {
    const row = world.environments.get(key)?.row;
    return put('environments', { ...(row ? again(row) : { ...fresh, uid: newUid('e'), tenant_id: tenantId }), spec });
  }
  if (kind === 'App') {
    const row = world.apps.get(key)?.row;
    return put('apps', { ...(row ? again(row) : { ...fresh, uid: newUid('a'), tenant_id: tenantId }), spec });
  }
  const row = world.clusters.get(key);
  const declared = { labels: canonicalJson(resource.spec.labels), parameters: canonicalJson(resource.spec.parameters) };
  const unknown = { uid: null, state: 'Declared', kube_system_uid: null, facts: '{}' } as const;
  return put('clusters', { ...(row ? again(row) : { ...fresh, ...unknown }), ...declared });
}

export const newTarget = (id: number, app_id: number, environment_id: number): TargetRow => ({
  id,
  app_id,
  environment_id,
  current_release_id: null,
  offered_release_id: null,
  offered_at: null,
  exercised: 0,
  waiting_reason: '',
  waiting_message: '',
});
