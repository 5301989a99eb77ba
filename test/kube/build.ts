// node test/kube/build.ts [--print]: builds the control plane into the cache, if it is not there. --print writes the path of the binary to stdout.
import { stopSignal } from '#deploy/local/processes/mod.ts';
import { explain } from '#shared/kernel/mod.ts';
import { buildKube } from './builds.ts';

const say = (line: string): void => void process.stderr.write(`kube: ${line}\n`);
try {
  const binary = await buildKube({ log: say, signal: stopSignal() });
  if (process.argv.includes('--print')) process.stdout.write(`${binary}\n`);
} catch (error) {
  say(explain(error));
  process.exitCode = 1;
}
