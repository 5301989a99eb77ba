// node deploy/local/launch.mjs test/e2e/newcomer/run.ts: what somebody meets who has just cloned this, in figures. Exit 1 when it did not work, or left something.
import { explain } from '#shared/kernel/mod.ts';
import { visits, type Visit } from './visits.ts';

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

function tell({ what, user, code, document, stderr, tookMs, installMs, serversMs, seen, left }: Visit): boolean {
  const healthy = document?.clusters.length ?? 0;
  const isWell = code === 0 && document?.ok === true && left.length === 0 && seen.processes > 0 && seen.ports > 0;
  const rows = [
    [
      'exit code',
      `${code}; ${document?.ok === true ? `${healthy} clusters, all healthy` : (document?.reason ?? stderr.trim().slice(-600))}`,
    ],
    ['in all', seconds(tookMs)],
    ["npm's packages", seconds(installMs)],
    ['servers', `${seconds(serversMs)}, with the start and the end of the program`],
    ['the fleet', `${document?.took ?? '-'} s until healthy`],
    ['seen', `${seen.processes} processes, ${seen.ports} ports`],
    ['left behind', left.length === 0 ? 'nothing' : left.join('\n                ')],
  ];
  process.stdout.write(`${what}, as ${user}\n${rows.map(([name = '', text]) => `  ${name.padEnd(14)}${text}`).join('\n')}\n`);
  return isWell;
}

try {
  const told = (await visits()).map(tell);
  process.exitCode = told.every(Boolean) ? 0 : 1;
} catch (error) {
  process.stderr.write(`newcomer: ${explain(error)}\n`);
  process.exitCode = 1;
}
process.exit();
