import { globSync } from 'node:fs';

/** What a test file needs, by the end of its name. */
export type TestKind = 'unit' | 'contract' | 'sim' | 'kube' | 'e2e' | 'browser';

const ending = /\.(?:(contract|sim|kube|e2e|browser)\.)?test\.ts$/;

export function kindOf(path: string): TestKind | undefined {
  const match = ending.exec(path);
  return match ? ((match[1] ?? 'unit') as TestKind) : undefined;
}

/** The paths of one kind, sorted; with patterns, only those that contain one of them or, with a `*`, match it as a glob would. */
export function select(paths: readonly string[], kind: TestKind, patterns: readonly string[] = []): readonly string[] {
  const wanted = patterns.map(matcher);
  return paths.filter((path) => kindOf(path) === kind && (wanted.length === 0 || wanted.some((match) => match(path)))).toSorted();
}

function matcher(pattern: string): (path: string) => boolean {
  const plain = pattern.replace(/^\.\//, '');
  if (!plain.includes('*')) return (path) => path.includes(plain);
  const source = plain
    .split(/(\*\*\/|\*)/)
    .map((part) => (part === '**/' ? '(?:.*/)?' : part === '*' ? '[^/]*' : RegExp.escape(part)))
    .join('');
  const expression = new RegExp(`(?:^|/)${source}$`);
  return (path) => expression.test(path);
}

const folders = '{hub,spoke,proto,shared,deploy,test}';

/** Every test file of the tree, relative to its root. */
export const testFiles = (root: string): readonly string[] =>
  globSync(`${folders}/**/*.test.ts`, { cwd: root, exclude: ['**/node_modules/**'] });
