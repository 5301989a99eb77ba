/**
 * The environments that have to prove a release before this one may take it. One that the app does not target is replaced by those before it, transitively.
 * Sorted by name. Pure; a cycle ends where it closes.
 */
export function predecessorsOf(
  environment: string,
  after: (environment: string) => readonly string[],
  targeted: ReadonlySet<string>,
): string[] {
  const found = new Set<string>();
  const seen = new Set([environment]);
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    if (targeted.has(name)) found.add(name);
    else for (const earlier of after(name)) visit(earlier);
  };
  for (const name of after(environment)) visit(name);
  return [...found].toSorted();
}
