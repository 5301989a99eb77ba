import { mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { explain } from '#shared/kernel/mod.ts';
import {
  documentOf,
  lineText,
  memoryText,
  newsOf,
  nothing,
  painted,
  StartError,
  startLocalFleet,
  startOptions,
  summaryLines,
  usage,
  verdictOf,
  type Fleet,
  type Line,
  type Look,
  type Snapshot,
  type StartDocument,
  type StartOptions,
  type Verdict,
} from './fleet/mod.ts';
import { stopSignal, temporaryFolder } from './processes/mod.ts';
import { linkFleet, writeShell } from './shells/mod.ts';
import { stepsOf, tourLines } from './tours/mod.ts';

const root = resolve(import.meta.dirname, '../..');
const lookEveryMs = 250;
/** After so long without the job being done a person wants to know where to look. */
const patienceMs = 30_000;

interface Ended {
  readonly ok: boolean;
  readonly reason: string | null;
  readonly snapshot: Snapshot;
  readonly tookMs: number;
  readonly memory: StartDocument['memory'];
}

/** How this says things: news with the time, and paragraphs without. */
interface Voice {
  readonly say: (line: Line) => void;
  readonly print: (lines: readonly string[]) => void;
  readonly look: Look;
}

interface Job {
  readonly options: StartOptions;
  readonly data: string;
  readonly kubernetes: string;
  readonly voice: Voice;
  readonly stop: AbortSignal;
}

interface Shell {
  /** What to type for the data folder. */
  readonly name: string;
  readonly kubeconfig: string;
}

/** `npm start`: exit 0 when the job is done or somebody stopped it, 1 when it cannot be done, 2 for a wrong option. */
async function main(): Promise<number> {
  const options = startOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  const stop = stopSignal();
  using temporary = options.data === undefined ? temporaryFolder('fleet') : undefined;
  const data = resolve(options.data ?? temporary?.path ?? '.');
  await mkdir(data, { recursive: true, mode: 0o700 });
  const kubernetes = options.kubeconfig === undefined ? options.kubernetes : 'kubeconfig';
  const ended = await run({ options, data, kubernetes, voice: voiceOf(options), stop });
  if (!ended) return 0;
  if (options.json) process.stdout.write(`${JSON.stringify(documentOf({ ...ended, kubernetes }, ended.snapshot), null, 2)}\n`);
  if (!ended.ok) process.stderr.write(`wheelhouse: not done: ${ended.reason}\n`);
  return ended.ok ? 0 : 1;
}

/** On stdout, which belongs to the document if there is to be one. */
function voiceOf({ json }: StartOptions): Voice {
  const out = json ? process.stderr : process.stdout;
  const began = performance.now();
  const look = { colours: out.isTTY && !process.env['NO_COLOR'], columns: out.isTTY ? out.columns || 80 : Infinity };
  const print = (lines: readonly string[]): void => void out.write(`${lines.join('\n')}\n`);
  return { look, print, say: (line) => print([lineText(line, (performance.now() - began) / 1000, look)]) };
}

/** Undefined: it was stopped from outside before there was anything to judge. */
async function run(job: Job): Promise<Ended | undefined> {
  const { options, data, voice, stop } = job;
  try {
    const log = (text: string): void => voice.say({ word: 'local', text, tone: 'quiet' });
    await using fleet = await startLocalFleet({ ...options, data, log, signal: stop });
    await using link = await linkFleet(root, data);
    const { kubeconfig } = await writeShell({
      data,
      apiPort: fleet.ports.api,
      repositories: Object.fromEntries(fleet.declared.apps.map(({ tenant, app }) => [nameFor(app), fleet.git.pathOf(`${tenant}/${app}`)])),
      kubeconfigs: fleet.clusters.map(({ kubeconfig }) => kubeconfig),
      git: fleet.gitCommand,
      signal: stop,
    });
    voice.say({ word: 'hub', text: `http://127.0.0.1:${fleet.ports.api}, data in ${data}` });
    return await follow(fleet, { name: link.name, kubeconfig }, job);
  } catch (error) {
    if (stop.aborted) return undefined;
    throw error;
  }
}

/** `$SHOP` */
const nameFor = (app: string): string => app.toUpperCase().replaceAll('-', '_');

async function follow(fleet: Fleet, shell: Shell, job: Job): Promise<Ended | undefined> {
  const { options, stop, voice } = job;
  let before = nothing;
  let shown = false;
  for (let wasDone = false; ;) {
    const snapshot = await fleet.hub.snapshot().catch(() => before);
    for (const line of newsOf(before, snapshot)) voice.say(line);
    before = snapshot;
    const verdict = verdictOf(fleet.job, snapshot);
    const tookMs = performance.now() - fleet.beganAtMs;
    if (verdict.state === 'done' && !wasDone) voice.say(doneLine(snapshot, tookMs));
    wasDone ||= verdict.state === 'done';
    if (verdict.state === 'done' && options.once) voice.say({ word: 'memory', text: memoryText(fleet.memory(), fleet.spokes.size) });
    if (!shown && !options.once && (wasDone || verdict.state === 'failed' || tookMs > patienceMs)) {
      shown = true;
      if (verdict.state !== 'done') voice.say(undoneLine(verdict));
      await showWhereAllIs(fleet, shell, job);
    }
    const end = options.once ? endOf(verdict, tookMs, options.timeoutMs) : undefined;
    if (end) return { ...end, snapshot, tookMs, memory: fleet.memory() };
    await sleep(lookEveryMs, undefined, { signal: stop }).catch(() => undefined);
    if (stop.aborted)
      return options.once ? { ok: false, reason: explain(stop.reason), snapshot, tookMs, memory: fleet.memory() } : undefined;
  }
}

function endOf(verdict: Verdict, tookMs: number, timeoutMs: number): Pick<Ended, 'ok' | 'reason'> | undefined {
  if (verdict.state === 'done') return { ok: true, reason: null };
  if (verdict.state === 'failed') return { ok: false, reason: verdict.reason };
  return tookMs > timeoutMs
    ? { ok: false, reason: `timed out after ${timeoutMs / 1000} s: ${verdict.missing.slice(0, 5).join(' | ')}` }
    : undefined;
}

function doneLine({ clusters }: Snapshot, tookMs: number): Line {
  const text = `every app is healthy on ${count(clusters.length, 'cluster')}, after ${(tookMs / 1000).toFixed(1)} s`;
  return { word: 'done', text, tone: 'good' };
}

const undoneLine = (verdict: Exclude<Verdict, { state: 'done' }>): Line =>
  verdict.state === 'failed'
    ? { word: 'failed', text: verdict.reason, tone: 'bad' }
    : { word: 'waits', text: verdict.missing.slice(0, 3).join('; ') };

const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;

async function showWhereAllIs(fleet: Fleet, { name, kubeconfig }: Shell, { options, data, kubernetes, voice }: Job): Promise<void> {
  const { look, print } = voice;
  const summary = {
    clusters: count(fleet.clusters.length, kubernetes === 'kubeconfig' ? 'cluster' : `${kubernetes} cluster`),
    kubeconfig,
    page: options.once
      ? `http://127.0.0.1:${fleet.ports.api}/`
      : await fleet.hub.pageLink().catch(() => `http://127.0.0.1:${fleet.ports.api}/`),
    data,
    isTemporary: options.data === undefined,
    fleet: name,
    ports: fleet.ports,
    context: fleet.clusters[0]?.context,
    memory: fleet.memory(),
    spokes: fleet.spokes.size,
  };
  print(['', ...summaryLines(summary, look)]);
  const isSample = options.manifests === undefined && options.kubeconfig === undefined && fleet.clusters.length === 6;
  const steps = isSample ? stepsOf(await readFile(join(root, 'README.md'), 'utf8')) : [];
  if (steps.length > 0) {
    print(['', `${painted('Try this', 'strong', look)} in a second terminal, here; README.md says what one sees, and why`]);
    print(tourLines(steps, name, (title) => painted(title, 'strong', look)));
  }
  print(['', painted('Ctrl-C ends it, without a trace. What happens from here on:', 'quiet', look)]);
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`wheelhouse: ${explain(error)}\n`);
  process.exitCode = error instanceof StartError && error.code === 'USAGE' ? 2 : 1;
}
process.exit();
