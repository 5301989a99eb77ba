import { parseArgs } from 'node:util';
import { CodedError } from '#shared/kernel/mod.ts';
import { durationMs } from '#shared/kernel/mod.ts';

export class StartError extends CodedError<
  'USAGE' | 'NO_CLUSTERS' | 'NO_MANIFESTS' | 'PORT_TAKEN' | 'DATA_IN_USE' | 'SERVERS_MISSING' | 'HUB_REFUSED'
> {
  override readonly name = 'StartError';
}

export interface StartOptions {
  /** End when the job is done, or cannot be. */
  readonly once: boolean;
  /** One document on stdout at the end, and nothing else there. */
  readonly json: boolean;
  readonly timeoutMs: number;
  readonly clusters: number;
  readonly kubernetes: 'real' | 'sandbox';
  /** Absent: a temporary folder that is removed at the end. */
  readonly data: string | undefined;
  readonly manifests: string | undefined;
  readonly kubeconfig: string | undefined;
  readonly help: boolean;
}

export const usage = `Usage: npm start -- [options]

Starts a fleet on this machine: Git, an OCI registry, NATS, a hub, Kubernetes clusters and a spoke in each; commits sample apps and shows how they travel.

  --once              end when everything is healthy (exit 0) or cannot become so (exit 1)
  --json              print one JSON document at the end, and nothing else on stdout
  --timeout DURATION  with --once: give up after this long, not counting what is built or fetched first (default 5m)
  --clusters N        how many clusters: 1 to 500 sandboxes, 1 to 12 real ones (default 6)
  --kubernetes KIND   sandbox: small API servers in one process, nothing to compile; real: real control planes, which need Go (default sandbox)
  --kubeconfig FILE   use the clusters of this file's contexts instead of starting some
  --data DIR          keep everything in DIR and go on from there the next time
  --manifests DIR     your own YAML instead of the sample (folders dev, staging, prod if there are, else the same for all)
  --help              print this
`;

/** Throws StartError USAGE that says what to write instead. */
export function startOptions(args: readonly string[]): StartOptions {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const options = {
    once: flag,
    json: flag,
    help: flag,
    timeout: { ...text, default: '5m' },
    clusters: { ...text, default: '6' },
    data: text,
    manifests: text,
    kubeconfig: text,
    kubernetes: { ...text, default: 'sandbox' },
  };
  const parsed = parsedArgs(args, options);
  const timeoutMs = durationMs(parsed.timeout) ?? durationMs(`${parsed.timeout}s`);
  const clusters = Number(parsed.clusters);
  if (timeoutMs === undefined) throw new StartError('USAGE', `--timeout ${parsed.timeout}: give a duration such as 90s or 5m`);
  const { kubernetes } = parsed;
  if (kubernetes !== 'real' && kubernetes !== 'sandbox') throw new StartError('USAGE', `--kubernetes ${kubernetes}: give sandbox or real`);
  const clustersMax = kubernetes === 'real' ? 12 : 500;
  if (!Number.isInteger(clusters) || clusters < 1 || clusters > clustersMax)
    throw new StartError('USAGE', `--clusters ${parsed.clusters}: give a whole number from 1 to ${clustersMax}`);
  const { once, json, help, data, manifests, kubeconfig } = parsed;
  return { once, json, help, timeoutMs, clusters, kubernetes, data, manifests, kubeconfig };
}

type Options = NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>['options']>;

function parsedArgs<O extends Options>(args: readonly string[], options: O) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    // Its first line says it; the others are about words that begin with a dash.
    const [problem] = (error instanceof Error ? error.message : String(error)).split('\n');
    throw new StartError('USAGE', `${problem} See npm start -- --help`);
  }
}
