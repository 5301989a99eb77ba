// node deploy/local/launch.mjs test/e2e/truth/run.ts [--kubernetes sandbox|real] [--json]: what is shown of a fleet when things go wrong. Exit 1 if not the truth.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stopSignal, temporaryFolder } from '#deploy/local/processes/mod.ts';
import { explain } from '#shared/kernel/mod.ts';
import { tellAll } from './stories.ts';
import { failuresOf, tableOf } from './tables.ts';

const options = { kubernetes: { type: 'string', default: 'sandbox' }, json: { type: 'boolean', default: false } } as const;
const { kubernetes, json } = parseArgs({ options, strict: true }).values;
if (kubernetes !== 'sandbox' && kubernetes !== 'real') {
  process.stderr.write('--kubernetes: give sandbox or real\n');
  process.exit(2);
}
const began = performance.now();
const log = (line: string): void => void process.stderr.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)}  ${line}\n`);
using folder = temporaryFolder('truth');
try {
  const report = await tellAll({ kubernetes, data: join(folder.path, 'data'), log, signal: stopSignal() });
  process.stdout.write(`${json ? JSON.stringify(report, null, 2) : tableOf(report)}\n`);
  process.exitCode = failuresOf(report).length === 0 ? 0 : 1;
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 2;
}
