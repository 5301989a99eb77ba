// node deploy/local/launch.mjs test/bench/run.ts NAME [--json]: measures; exits 1 when a figure is over its limit.
import { explain } from '#shared/kernel/mod.ts';
import { benchApi } from './api.ts';
import { benchSandbox } from './sandbox.ts';

const benches: Readonly<Record<string, (say: (line: string) => void) => Promise<{ readonly ok: boolean }>>> = {
  api: benchApi,
  sandbox: benchSandbox,
};

try {
  const [name = '', ...flags] = process.argv.slice(2);
  const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
  if (!bench || flags.some((flag) => flag !== '--json'))
    throw new Error(`usage: npm run bench -- ${Object.keys(benches).join('|')} [--json]`);
  const result = await bench((line) => process.stderr.write(`${line}\n`));
  if (flags.includes('--json')) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  process.exitCode = result.ok ? 0 : 1;
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 2;
}
