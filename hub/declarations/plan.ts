import { subjectOf, type AppResource, type Parsed, type Problem, type Resource } from '#hub/resources/mod.ts';
import { put, type AuditEntry, type DecideContext, type TargetRow, type Write } from '#hub/store/mod.ts';
import { checkVersion } from './errors.ts';
import { heldOf, newTarget, specText, versionOf, writeOf, type Held } from './rows.ts';
import { targetsTouched } from './touches.ts';
import { keyOf, nameIn, outlookOf, tenantIn, type World } from './world.ts';

export type Action = 'created' | 'configured' | 'unchanged';

export interface Change {
  /** Kind/name, Kind/tenant/name. */
  readonly subject: string;
  readonly action: Action;
}

export interface ApplyOptions {
  /** Who: `user:<name>`, `git:<author>`, `system:<module>`. */
  readonly actor: string;
  /** What owns the rows from now on: `api`, or the source that they come from. */
  readonly manager: string;
  readonly reason?: string;
  /** Say what would happen and change nothing. */
  readonly dryRun?: boolean;
  /** Take over rows that another manager owns. */
  readonly takeOver?: boolean;
}

export interface Applied {
  /** In the order in which the resources were written. */
  readonly changes: readonly Change[];
  /** Target/tenant/app.environment that an app does not name any more: they keep what they run until somebody retires them. */
  readonly retire: readonly string[];
  readonly dryRun: boolean;
}

export interface ApplyPlan {
  readonly applied: Applied;
  readonly problems: readonly Problem[];
  readonly writes: readonly Write[];
  readonly audit?: AuditEntry;
  readonly outbox: readonly string[];
}

interface Step {
  readonly resource: Resource;
  readonly held: Held | undefined;
  readonly id: number;
  readonly action: Action;
}

/** Rows refer to each other: what is referred to comes first. */
const order = ['Tenant', 'Cluster', 'Environment', 'App'] as const;

/**
 * What a set of right resources changes. Pure but for the fresh keys that it is given. Leaving a resource out changes nothing. Throws VERSION_MISMATCH when
 * one was read at another version than there is.
 */
export function planApply(world: World, parsed: Parsed, options: ApplyOptions, context: DecideContext): ApplyPlan {
  const { manager, dryRun = false, takeOver = false } = options;
  const steps = parsed.resources.map((resource) => stepOf(resource, world, context));
  for (const { resource, held } of steps) checkVersion(subjectOf(resource), resource.version, held && versionOf(held));
  const changed = order.flatMap((kind) => steps.filter(({ resource, action }) => resource.kind === kind && action !== 'unchanged'));
  const idOf = idsOf(steps, world);
  const targets = steps.flatMap(({ resource }) => (resource.kind === 'App' ? [targetsOf(resource, world, idOf, context)] : []));
  const added = targets.flatMap(({ added }) => added);
  const changes = steps.map(({ resource, action }) => ({ subject: subjectOf(resource), action }));
  const plan = {
    applied: { changes, retire: targets.flatMap(({ retire }) => retire), dryRun },
    problems: takeOver ? [] : changed.flatMap(({ resource, held }) => foreignOf(resource, held, manager)),
  };
  if (dryRun || changed.length + added.length === 0) return { ...plan, writes: [], outbox: [] };
  const tenantId = (resource: Resource): number => idOf(`Tenant/${tenantIn(keyOf(resource))}`);
  const touched = targetsTouched(
    changed.map(({ resource }) => resource),
    world,
    outlookOf(world, parsed),
  );
  return {
    ...plan,
    writes: [
      ...changed.map(({ resource, id }) => writeOf(resource, world, { id, tenantId: tenantId(resource), manager }, context)),
      ...added.map((row) => put('targets', row)),
    ],
    audit: auditOf(changes, options),
    outbox: [...touched, ...added.map(({ id }) => id)].map((id) => `target:${id}`),
  };
}

function stepOf(resource: Resource, world: World, { newId }: DecideContext): Step {
  const held = heldOf(resource, world);
  const action = !held ? 'created' : held.spec === specText(resource) ? 'unchanged' : 'configured';
  return { resource, held, id: held?.id ?? newId(), action };
}

/** Ids by Kind/key: of this set, else of the record; 0 for what is in neither, which the rules have refused. */
function idsOf(steps: readonly Step[], { tenants, environments }: World): (subject: string) => number {
  const ids = new Map<string, number>([
    ...[...tenants].map(([key, { row }]) => [`Tenant/${key}`, row.id] as const),
    ...[...environments].map(([key, { row }]) => [`Environment/${key}`, row.id] as const),
    ...steps.map(({ resource, id }) => [`${resource.kind}/${keyOf(resource)}`, id] as const),
  ]);
  return (subject) => ids.get(subject) ?? 0;
}

/** A target for each environment that the app names anew; what it names no more is reported, never removed. */
function targetsOf(
  resource: AppResource,
  world: World,
  idOf: (subject: string) => number,
  { newId }: DecideContext,
): { readonly added: readonly TargetRow[]; readonly retire: readonly string[] } {
  const key = keyOf(resource);
  const app = idOf(`App/${key}`);
  const named = new Map(
    resource.spec.targets.map(({ environment }) => [idOf(`Environment/${tenantIn(key)}/${environment}`), environment] as const),
  );
  const existing = new Set(world.targets.filter(({ app_id }) => app_id === app).map(({ environment_id }) => environment_id));
  const dropped = [...world.environments].filter(([, { row }]) => existing.has(row.id) && !named.has(row.id));
  return {
    added: [...named.keys()].filter((id) => !existing.has(id)).map((id) => newTarget(newId(), app, id)),
    retire: dropped.map(([environment]) => `Target/${key}.${nameIn(environment)}`),
  };
}

function foreignOf({ origin }: Resource, held: Held | undefined, manager: string): Problem[] {
  if (!held || held.manager === manager) return [];
  const place = origin.locate(['metadata', 'name']);
  const message = `belongs to ${held.manager}`;
  return [
    { file: origin.file, ...place, field: 'metadata.name', code: 'OTHER_MANAGER', message, next: 'change it there, or take it over' },
  ];
}

/** One row for the whole set: it is accepted as one. */
function auditOf(changes: readonly Change[], { actor, manager, reason = '' }: ApplyOptions): AuditEntry {
  const changed = changes.filter(({ action }) => action !== 'unchanged');
  const count = (action: Action): number => changes.filter((change) => change.action === action).length;
  const only = changed.length === 1 ? changed[0]?.subject : undefined;
  return {
    actor,
    action: only === undefined ? 'apply.resources' : `apply.${only.split('/')[0]?.toLowerCase()}`,
    subject: only ?? `Resources/${changed.length}`,
    reason,
    detail: {
      manager,
      created: count('created'),
      configured: count('configured'),
      unchanged: count('unchanged'),
      ...Object.fromEntries(changed.map(({ subject, action }) => [subject, action])),
    },
  };
}
