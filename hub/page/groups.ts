import type { Cluster, Environment } from '#hub/api/mod.ts';
import { selects, type LabelSelector } from '#hub/resources/mod.ts';

/** Environments that select the same clusters: often the same stage of several tenants. */
export interface Group {
  readonly key: string;
  /** `dev`; of several names all. */
  readonly title: string;
  readonly tenants: readonly string[];
  readonly selector: LabelSelector;
}

/** The stages in the order in which releases travel; those that select alike are one. Pure. */
export function groupsOf(environments: readonly Environment[]): readonly Group[] {
  const order = stagesOf(environments);
  const bySelector = Map.groupBy(environments, ({ spec }) => selectorText(spec.clusterSelector));
  const groups = [...bySelector].map(([key, alike]) => {
    const names = [...new Set(alike.map(({ metadata }) => metadata.name))];
    const tenants = [...new Set(alike.map(({ metadata }) => metadata.tenant))].toSorted();
    const selector = alike[0]?.spec.clusterSelector ?? { matchLabels: {}, matchExpressions: [] };
    const place = Math.min(...names.map((name) => order.indexOf(name)));
    return { place, group: { key, title: names.join(', '), tenants, selector } };
  });
  return groups.toSorted((a, b) => a.place - b.place || a.group.key.localeCompare(b.group.key)).map(({ group }) => group);
}

/** Names of environments, each after those that come before it in some tenant. Pure; ends also where they go round in a circle. */
export function stagesOf(environments: readonly Environment[]): readonly string[] {
  const before = new Map<string, Set<string>>();
  for (const { metadata, spec } of environments)
    before.set(metadata.name, new Set([...(before.get(metadata.name) ?? []), ...(spec.after ?? [])]));
  const placed: string[] = [];
  const visit = (name: string, way: readonly string[]): void => {
    if (placed.includes(name) || way.includes(name)) return;
    for (const earlier of [...(before.get(name) ?? [])].toSorted()) visit(earlier, [...way, name]);
    if (before.has(name)) placed.push(name);
  };
  for (const name of [...before.keys()].toSorted()) visit(name, []);
  return placed;
}

/** As the API takes it for `labelSelector`. */
export function selectorText({ matchLabels, matchExpressions }: LabelSelector): string {
  const equal = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  const others = matchExpressions.map(({ key, operator, values }) => forms[operator](key, values.join(',')));
  return [...equal, ...others].toSorted().join(',');
}

const forms: Readonly<Record<LabelSelector['matchExpressions'][number]['operator'], (key: string, values: string) => string>> = {
  In: (key, values) => `${key} in (${values})`,
  NotIn: (key, values) => `${key} notin (${values})`,
  Exists: (key) => key,
  DoesNotExist: (key) => `!${key}`,
};

export interface Placed {
  readonly group: Group | undefined;
  readonly clusters: readonly Cluster[];
}

/** Which clusters belong to which stage, in the order in which they come; last those that no environment selects. Pure. */
export function placedIn(groups: readonly Group[], clusters: readonly Cluster[]): readonly Placed[] {
  const placed = groups.map((group) => ({
    group,
    clusters: clusters.filter(({ metadata }) => selects(group.selector, metadata.labels)),
  }));
  const rest = clusters.filter(({ metadata }) => !groups.some(({ selector }) => selects(selector, metadata.labels)));
  return rest.length === 0 ? placed : [...placed, { group: undefined, clusters: rest }];
}
