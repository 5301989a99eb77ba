// Asks the real control plane again and writes what it answers: node test/contract/kube/record.ts [pattern] [--target real|URL|KUBECONFIG]
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadCases } from './cases.ts';
import { eachOf, removeAll } from './contract.ts';
import { Server } from './http.ts';
import { StepError, record } from './play.ts';
import { print } from './print.ts';
import { openTarget } from './targets.ts';

const { values, positionals } = parseArgs({ options: { target: { type: 'string', default: 'real' } }, allowPositionals: true });
await using opened = await openTarget(values.target, (line) => console.error(line));
using server = new Server(opened.target);

let failed = 0;
const madePaths = new Set<string>();
await eachOf(loadCases(positionals[0]), 4, async ({ name, path, case: subject, ignore }) => {
  try {
    writeFileSync(path, `${print(await record(server, subject, { ignore, onMade: (made) => madePaths.add(made) }))}\n`);
  } catch (error) {
    failed += 1;
    console.error(`${name}: not recorded\n  ${error instanceof StepError ? error.lines.join('\n  ') : String(error)}`);
  }
});
if (!opened.passing) await removeAll(server, madePaths);
process.exitCode = failed > 0 ? 1 : 0;
