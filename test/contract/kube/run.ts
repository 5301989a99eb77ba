// Plays the cases: node test/contract/kube/run.ts [pattern] --target real|URL|KUBECONFIG [--json] [--not-covered sandbox]
import { parseArgs } from 'node:util';
import { notCoveredBySandbox } from './cases.ts';
import { runContract } from './contract.ts';
import { openTarget } from './targets.ts';
import { failuresOf, tableOf } from './tables.ts';

const { values, positionals } = parseArgs({
  options: { target: { type: 'string', default: 'real' }, json: { type: 'boolean' }, 'not-covered': { type: 'string' } },
  allowPositionals: true,
});
await using opened = await openTarget(values.target, (line) => console.error(line));
const results = await runContract(opened.target, {
  ...(positionals[0] ? { only: positionals[0] } : {}),
  ...(values['not-covered'] === 'sandbox' ? { notCovered: notCoveredBySandbox() } : {}),
  cleanUp: !opened.passing,
});
console.log(values.json ? JSON.stringify(results, null, 2) : tableOf(results));
process.exitCode = failuresOf(results).length > 0 || results.length === 0 ? 1 : 0;
