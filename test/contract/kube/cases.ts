import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Area, Case } from './types.ts';

const folder = join(import.meta.dirname, 'cases');

export interface CaseFile {
  /** "<area>/<name>" */
  readonly name: string;
  readonly path: string;
  readonly case: Case;
  /** What area and case leave out. */
  readonly ignore: readonly string[];
}

/** All cases, sorted by name; with a pattern those whose name contains it. Throws when a file is no JSON. */
export function loadCases(pattern = ''): readonly CaseFile[] {
  return globSync('*/*.json', { cwd: folder })
    .filter((file) => !file.endsWith('/area.json'))
    .map((file) => file.replace(/\.json$/, ''))
    .filter((name) => name.includes(pattern))
    .toSorted()
    .map((name) => {
      const path = join(folder, `${name}.json`);
      const subject = read(path) as Case;
      const area = read(join(folder, name.split('/')[0] ?? '', 'area.json')) as Area;
      return { name, path, case: subject, ignore: [...(area.ignore ?? []), ...(subject.ignore ?? [])] };
    });
}

/** What the sandbox does not do: name of the case, and the reason. */
export const notCoveredBySandbox = (): Readonly<Record<string, string>> =>
  read(join(import.meta.dirname, 'not-covered.json')) as Record<string, string>;

const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
