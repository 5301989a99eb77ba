/** What a file asks for: a path from the root of the tree, or the name of a package or of a part of Node. */
export interface Ask {
  /** The asking file, from the root of the tree. */
  readonly from: string;
  readonly to: string;
  readonly ours: boolean;
}

const statements = [
  /^(?:import|export)\b[^;'"`]*?\bfrom\s*['"]([^'"\n]+)['"]/gm,
  /^import\s*['"]([^'"\n]+)['"]/gm,
  /(?<!['"`].*)\bimport\(\s*['"]([^'"\n]+)['"]/g,
];

/** The imports of a source file: static ones stand at the start of a line (the formatter sees to it), dynamic ones after no quote, so text is not taken for one. */
export function asksOf(from: string, source: string): readonly Ask[] {
  return statements
    .flatMap((statement) => [...source.matchAll(statement)].map((match) => match[1] ?? ''))
    .map((to) => {
      if (to.startsWith('#')) return { from, to: to.slice(1), ours: true };
      if (to.startsWith('.')) return { from, to: resolve(from, to), ours: true };
      return { from, to, ours: false };
    });
}

function resolve(from: string, relative: string): string {
  const parts = from.split('/').slice(0, -1);
  for (const part of relative.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** "@scope/name" or "name" of a package, "node:fs" of "node:fs/promises". */
export const packageOf = (name: string): string =>
  name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');

export const topOf = (path: string): string => path.split('/')[0] ?? '';

/** Tests and what only tests use: folders named `testing`, contracts that several implementations of a port pass, generators of values. */
export const isTest = (path: string): boolean =>
  topOf(path) === 'test' || /\.test\.ts$|\/testing\/|\/([\w-]+-)?contract\.ts$|\/(arbitraries|testing)\.ts$/.test(path);

// One module for each folder in them; elsewhere the first two folders name it, and proto is one as a whole.
const collections = ['deploy/local'];

/** The module that a file belongs to: "hub/store", "deploy/local/servers", "proto"; "hub" for a file directly in it. */
export function moduleOf(path: string): string {
  const folders = path.split('/').slice(0, -1);
  if (folders[0] === 'proto') return 'proto';
  return folders.slice(0, collections.includes(folders.slice(0, 2).join('/')) ? 3 : 2).join('/');
}
