// node deploy/local/launch.mjs test/e2e/manifests/run.ts [PROJECT ...] [--json]: the table of public manifests on both Kuberneteses.
import { explain } from '#shared/kernel/mod.ts';
import { applyToBoth } from './both.ts';
import { judge, type Verdict } from './judge.ts';
import { manifestsFolder, projects } from './projects.ts';

const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const json = process.argv.includes('--json');
const root = manifestsFolder(process.env);
if (root === undefined) {
  process.stderr.write('there are no manifests: set WHEELHOUSE_MANIFESTS to a folder with one folder per project (README.md)\n');
  process.exit(1);
}
const line = (cells: readonly (string | number)[]): string =>
  `${String(cells[0]).padEnd(32)} ${cells
    .slice(1)
    .map((cell) => String(cell).padEnd(14))
    .join(' ')}`.trimEnd();
const say = (text: string): void => void (json || process.stdout.write(`${text}\n`));
say(line(['PROJECT', 'REAL', 'SANDBOX', 'OBJECTS', 'VERDICT']));
const rows: ({ readonly project: string } & (Verdict | { readonly problems: readonly string[] }))[] = [];
for (const project of projects) {
  if (words.length > 0 && !words.some((word) => project.folder === word)) continue;
  try {
    const verdict = judge(project, await applyToBoth(project, root));
    rows.push({ project: project.name, ...verdict });
    const { real, sandbox, problems } = verdict;
    const word = problems.length > 0 ? 'DIFFERENT' : 'same';
    const how = (result: typeof real): string => (result.health === 'Healthy' ? 'Healthy' : result.reason);
    say(line([project.name, how(real), how(sandbox), `${real.inventory.length}/${sandbox.inventory.length}`, word]));
    for (const problem of problems) say(`    ${problem}`);
  } catch (error) {
    rows.push({ project: project.name, problems: [explain(error)] });
    say(`${project.name}: ${explain(error)}`);
  }
}
if (json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
process.exitCode = rows.length > 0 && rows.every(({ problems }) => problems.length === 0) ? 0 : 1;
