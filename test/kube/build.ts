// node test/kube/build.ts [--print]: builds the control plane into the cache, if it is not there. --print writes the path of the binary to stdout.
import { buildKube } from './builds.ts';
import { KubeError } from './errors.ts';

try {
  const binary = await buildKube({ log: (line) => process.stderr.write(`kube: ${line}\n`) });
  if (process.argv.includes('--print')) process.stdout.write(`${binary}\n`);
} catch (error) {
  if (!(error instanceof KubeError)) throw error;
  process.stderr.write(`kube: ${error.code}: ${error.message}\n`);
  process.exitCode = 1;
}
