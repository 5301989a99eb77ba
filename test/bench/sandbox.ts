import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sampleApps } from '#deploy/local/fleet/mod.ts';
import { residentMiB, startProcess, temporaryFolder } from '#deploy/local/processes/mod.ts';
import { objectsOf } from '#spoke/plan/mod.ts';
import { fromKubeconfig, type KindInfo, type KubeObject } from '#spoke/kube/mod.ts';

const clusters = 100;
/** Of a cluster more, idle. */
const limitMiB = 3;
const root = join(import.meta.dirname, '../..');
const readyMaxMs = 120_000;
const atOnce = 10;

export interface SandboxFigures {
  readonly clusters: number;
  readonly limitMiB: number;
  readonly ok: boolean;
  /** The program with its first cluster. */
  readonly programMiB: number;
  /** Each cluster more: as it begins, and with the objects of the sample apps in it. */
  readonly emptyMiB: number;
  readonly fullMiB: number;
  /** In each then, with what controllers made of them. */
  readonly objects: number;
  /** Each cluster more, from nothing and with its objects there. */
  readonly startMs: number;
  readonly startFullMs: number;
}

/** What an idle cluster of the sandbox costs, told from outside of its process. */
export async function benchSandbox(say: (line: string) => void): Promise<SandboxFigures> {
  using folder = temporaryFolder('bench-sandbox');
  const [one, many] = [join(folder.path, 'one'), join(folder.path, 'many')];
  say('one cluster');
  const first = await measured(one, 1);
  say(`${clusters} clusters`);
  const empty = await measured(many, clusters);
  say(`${clusters} clusters, with the sample apps in them`);
  await measured(many, clusters, async (kubeconfigs) => {
    for (let from = 0; from < clusters; from += atOnce) await Promise.all(kubeconfigs.slice(from, from + atOnce).map(install));
  });
  // Started again: what the requests left behind is not a cluster's.
  const full = await measured(many, clusters);
  const lines = (await readFile(join(many, 'clusters', 'c-0', 'state.jsonl'), 'utf8')).split('\n');
  const each = (all: number, of: number): number => round((all - of) / (clusters - 1));
  const figures = { emptyMiB: each(empty.residentMiB, first.residentMiB), fullMiB: each(full.residentMiB, first.residentMiB) };
  return {
    clusters,
    limitMiB,
    ok: Math.max(figures.emptyMiB, figures.fullMiB) <= limitMiB,
    programMiB: first.residentMiB,
    ...figures,
    objects: lines.length - 2, // the last one is the version, and ends
    startMs: each(empty.ms, first.ms),
    startFullMs: each(full.ms, first.ms),
  };
}

async function measured(dir: string, count: number, use: (kubeconfigs: readonly string[]) => Promise<void> = async () => {}) {
  const names = Array.from({ length: count }, (_, index) => `c-${index}`);
  // Of the process before: whoever reads it would ask where nobody listens.
  await rm(join(dir, 'ready.json'), { force: true });
  const began = performance.now();
  await using running = await startProcess({
    name: 'sandbox',
    command: process.execPath,
    args: [join(root, 'deploy/sandbox/main.ts'), '--dir', dir, '--names', names.join(',')],
    output: { file: `${dir}.log` },
    ready: {
      what: `${count} clusters`,
      ask: async () => (await readFile(join(dir, 'ready.json'), 'utf8')).endsWith('}'),
      waitMaxMs: readyMaxMs,
    },
  });
  const ms = performance.now() - began;
  await use(names.map((name) => join(dir, 'clusters', name, 'kubeconfig')));
  return { ms, residentMiB: residentMiB(running.pid) ?? Number.NaN };
}

/** Puts the sample apps into the cluster and waits until they run. */
async function install(kubeconfig: string): Promise<void> {
  const signal = AbortSignal.timeout(readyMaxMs);
  await using client = await fromKubeconfig(kubeconfig);
  const { kinds } = await client.discover(signal);
  const kindOf = (name: string): KindInfo => kinds.find(({ kind }) => kind === name) ?? fail(`no ${name}`);
  for (const { namespace, files } of sampleApps(['dev'])) {
    const bytes = new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)]));
    const home: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
    const own = objectsOf(bytes).map((object) => ({ ...object, metadata: { ...object.metadata, namespace } }));
    for (const object of [home, ...own]) await client.apply(kindOf(object.kind), object, {}, signal);
    for (const { metadata } of own.filter(({ kind }) => kind === 'Deployment'))
      while (!isAvailable(await client.get(kindOf('Deployment'), namespace, metadata.name, signal))) await sleep(20);
  }
}

function isAvailable(deployment: KubeObject | undefined): boolean {
  const { replicas, availableReplicas } = (deployment?.['status'] ?? {}) as Record<string, number | undefined>;
  return replicas !== undefined && replicas === availableReplicas;
}

const round = (value: number): number => Math.round(value * 100) / 100;
function fail(message: string): never {
  throw new Error(message);
}
