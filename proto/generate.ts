// node deploy/local/launch.mjs proto/generate.ts [--check]: writes proto/gen from the .proto files; with --check writes nothing, and fails when proto/gen is
// not what would be written, or the .proto files break buf's rules or format.
import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';

const here = import.meta.dirname;
const timeoutMs = 60_000;
// buf finds its plugin on PATH, and the plugin its Node.
const PATH = [dirname(process.execPath), resolve(here, '../node_modules/.bin'), process.env['PATH']].join(delimiter);

function buf(...args: readonly string[]): void {
  execFileSync('buf', args, { cwd: here, env: { ...process.env, PATH }, stdio: ['ignore', 'inherit', 'inherit'], timeout: timeoutMs });
}

/** Path -> content of every generated file. */
function filesIn(folder: string): ReadonlyMap<string, string> {
  return new Map(globSync('**/*.ts', { cwd: folder }).map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
}

function outdated(): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'wheelhouse-generate-'));
  try {
    buf('generate', '--output', folder);
    const [kept, made] = [filesIn(join(here, 'gen')), filesIn(join(folder, 'gen'))];
    return [...new Set([...kept.keys(), ...made.keys()])].filter((path) => kept.get(path) !== made.get(path)).toSorted();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  buf('lint');
  if (process.argv.includes('--check')) {
    buf('format', '--diff', '--exit-code');
    const paths = outdated();
    if (paths.length > 0)
      throw new Error(`not what the .proto files say: ${paths.map((path) => `proto/gen/${path}`).join(', ')}; run npm run generate`);
  } else {
    buf('format', '--write');
    buf('generate');
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
