/** Environment -> the ones named under its `after`. */
export type Order = ReadonlyMap<string, readonly string[]>;

/**
 * The environments that must have proved a release before `name` may take it. One that the app does not target is skipped: its own predecessors count
 * instead, transitively. Sorted.
 */
export function predecessorsOf(name: string, order: Order, targeted: ReadonlySet<string>): readonly string[] {
  const found = new Set<string>();
  const visited = new Set<string>();
  const visit = (current: string): void => {
    for (const before of order.get(current) ?? []) {
      if (visited.has(before)) continue;
      visited.add(before);
      if (targeted.has(before)) found.add(before);
      else visit(before);
    }
  };
  visit(name);
  return [...found].sort();
}

/** The way round from `name` back to itself, [name, ..., name]; undefined: there is none. */
export function cycleFrom(name: string, order: Order): readonly string[] | undefined {
  const visited = new Set<string>();
  const visit = (way: readonly string[]): readonly string[] | undefined => {
    for (const before of order.get(way.at(-1) ?? '') ?? []) {
      if (before === name) return [...way, name];
      if (visited.has(before)) continue;
      visited.add(before);
      const found = visit([...way, before]);
      if (found) return found;
    }
    return undefined;
  };
  return visit([name]);
}
