// node deploy/local/launch.mjs test/run.ts LANE [PATTERN or FLAG ...]: runs a lane of checks and tests. Its last line is "N passed, N failed, N skipped".
import { resolve } from 'node:path';
import { explain } from '#shared/kernel/mod.ts';
import { stopSignal } from '#deploy/local/processes/mod.ts';
import { parseRequest, runSteps, sumOf, testFiles, totalsLine } from './lanes/mod.ts';

const root = resolve(import.meta.dirname, '..');
const stop = stopSignal();
try {
  const request = parseRequest(process.argv.slice(2), process.env);
  const say = (line: string): boolean => process.stdout.write(`${line}\n`);
  const outcomes = await runSteps(request, { root, files: testFiles(root), say, stop });
  say(`\n${totalsLine(sumOf(outcomes.map((outcome) => outcome.totals)))}`);
  process.exitCode = outcomes.every((outcome) => outcome.ok) ? 0 : 1;
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 2;
}
