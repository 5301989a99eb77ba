import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { explain } from '#shared/kernel/mod.ts';
import {
  documentOf,
  newsOf,
  nothing,
  StartError,
  startLocalFleet,
  startOptions,
  usage,
  verdictOf,
  type Fleet,
  type Snapshot,
} from './fleet/mod.ts';
import { stopSignal, temporaryFolder } from './processes/mod.ts';

const lookEveryMs = 250;

interface Ended {
  readonly ok: boolean;
  readonly reason: string | null;
  readonly snapshot: Snapshot;
  readonly tookMs: number;
}

/** `npm start`: exit 0 when the job is done or somebody stopped it, 1 when it cannot be done, 2 for a wrong option. */
async function main(): Promise<number> {
  const options = startOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  const out = options.json ? process.stderr : process.stdout;
  const began = performance.now();
  const say = (line: string): void => void out.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)}  ${line}\n`);
  const stop = stopSignal();
  using temporary = options.data === undefined ? temporaryFolder('fleet') : undefined;
  const data = resolve(options.data ?? temporary?.path ?? '.');
  await mkdir(data, { recursive: true, mode: 0o700 });
  const ended = await run(options, data, say, stop);
  if (!ended) return 0;
  const kubernetes = options.kubeconfig === undefined ? options.kubernetes : 'kubeconfig';
  if (options.json) process.stdout.write(`${JSON.stringify(documentOf({ ...ended, kubernetes }, ended.snapshot), null, 2)}\n`);
  if (!ended.ok) process.stderr.write(`wheelhouse: not done: ${ended.reason}\n`);
  return ended.ok ? 0 : 1;
}

/** Undefined: it was stopped from outside before there was anything to judge. */
async function run(
  options: ReturnType<typeof startOptions>,
  data: string,
  say: (line: string) => void,
  stop: AbortSignal,
): Promise<Ended | undefined> {
  try {
    await using fleet = await startLocalFleet({ ...options, data, log: say, signal: stop });
    say(`hub      http://127.0.0.1:${fleet.ports.api}, data in ${data}`);
    for (const { name, kubeconfig, context } of fleet.clusters)
      say(`cluster  ${name}: kubectl --kubeconfig ${kubeconfig}${context ? ` --context ${context}` : ''}`);
    return await follow(fleet, options, say, stop);
  } catch (error) {
    if (stop.aborted) return undefined;
    throw error;
  }
}

async function follow(
  fleet: Fleet,
  { once, timeoutMs }: ReturnType<typeof startOptions>,
  say: (line: string) => void,
  stop: AbortSignal,
): Promise<Ended | undefined> {
  let before = nothing;
  let done = false;
  for (;;) {
    const snapshot = await fleet.hub.snapshot().catch(() => before);
    for (const line of newsOf(before, snapshot)) say(line);
    before = snapshot;
    const verdict = verdictOf(fleet.job, snapshot);
    const tookMs = performance.now() - fleet.beganAtMs;
    if (verdict.state === 'done' && !done) say(`done: every app is healthy in every environment after ${(tookMs / 1000).toFixed(1)} s`);
    done ||= verdict.state === 'done';
    if (once && verdict.state === 'done') return { ok: true, reason: null, snapshot, tookMs };
    if (once && verdict.state === 'failed') return { ok: false, reason: verdict.reason, snapshot, tookMs };
    if (once && verdict.state === 'pending' && tookMs > timeoutMs)
      return { ok: false, reason: `timed out after ${timeoutMs / 1000} s: ${verdict.missing.slice(0, 5).join(' | ')}`, snapshot, tookMs };
    await sleep(lookEveryMs, undefined, { signal: stop }).catch(() => undefined);
    if (stop.aborted) return once ? { ok: false, reason: explain(stop.reason), snapshot, tookMs } : undefined;
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`wheelhouse: ${explain(error)}\n`);
  process.exitCode = error instanceof StartError && error.code === 'USAGE' ? 2 : 1;
}
process.exit();
