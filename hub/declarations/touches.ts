import { selects, type Resource } from '#hub/resources/mod.ts';
import { keyOf, tenantIn, type Outlook, type World } from './world.ts';

/** The targets whose decisions may come out otherwise when these resources change: ids. Pure. */
export function targetsTouched(changed: readonly Resource[], world: World, outlook: Outlook): ReadonlySet<number> {
  const written = new Set(changed.map((resource) => `${resource.kind}/${keyOf(resource)}`));
  const appKeys = new Map([...world.apps].map(([key, { row }]) => [row.id, key]));
  const environmentKeys = new Map([...world.environments].map(([key, { row }]) => [row.id, key]));
  const moved = environmentsTouched(changed, world, outlook);
  const isTouched = (app: string, environment: string): boolean =>
    written.has(`App/${app}`) ||
    written.has(`Environment/${environment}`) ||
    written.has(`Tenant/${tenantIn(app)}`) ||
    moved.has(environment);
  return new Set(
    world.targets
      .filter(({ app_id, environment_id }) => isTouched(appKeys.get(app_id) ?? '', environmentKeys.get(environment_id) ?? ''))
      .map(({ id }) => id),
  );
}

/** Environments that select one of the changed clusters, by its labels before or after. */
function environmentsTouched(changed: readonly Resource[], world: World, outlook: Outlook): ReadonlySet<string> {
  const labels = changed.flatMap((resource) => {
    if (resource.kind !== 'Cluster') return [];
    const before = world.labels.get(resource.metadata.name);
    return before ? [before, resource.spec.labels] : [resource.spec.labels];
  });
  const selecting = [...outlook.environments].filter(([, { clusterSelector }]) => labels.some((set) => selects(clusterSelector, set)));
  return new Set(selecting.map(([key]) => key));
}
