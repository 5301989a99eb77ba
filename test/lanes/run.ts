import { readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { explain } from '#shared/kernel/mod.ts';
import { startProcess, temporaryFolder, type Output } from '#deploy/local/processes/mod.ts';
import { select } from './files.ts';
import type { Part, Request, Step } from './plan.ts';
import { nothing, parseCounts, type Totals } from './totals.ts';

export interface Surroundings {
  readonly root: string;
  readonly files: readonly string[];
  readonly say: (line: string) => void;
  readonly stop: AbortSignal;
  /** Where what the steps run says goes; absent: on. */
  readonly output?: Output;
}

export interface Outcome {
  readonly ok: boolean;
  readonly totals: Totals;
  /** Why it did not run, or is not ok. */
  readonly note?: string;
}

const oneFailed: Totals = { passed: 0, failed: 1, skipped: 0 };
const failed = (note: string, totals: Totals = oneFailed): Outcome => ({ ok: false, totals, note });
const skipped = (note: string): Outcome => ({ ok: true, totals: { passed: 0, failed: 0, skipped: 1 }, note });

/** Runs the steps in order, each of them whatever the others did, and tells how each went and how long it took. */
export async function runSteps(request: Request, around: Surroundings): Promise<readonly Outcome[]> {
  const missing = new Map<Part, string>();
  const outcomes: Outcome[] = [];
  const lines: string[] = [];
  for (const step of request.steps) {
    if (around.stop.aborted) break;
    around.say(`\n== ${step.name}`);
    const started = performance.now();
    const outcome = await runStep(step, request, around, missing).catch((error: unknown) => failed(explain(error)));
    outcomes.push(outcome);
    const word = !outcome.ok ? 'FAILED' : outcome.note === undefined ? 'ok' : 'SKIPPED';
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    lines.push(`${word.padEnd(7)} ${seconds.padStart(7)} s  ${step.name}${outcome.note === undefined ? '' : `: ${outcome.note}`}`);
    around.say(lines.at(-1) ?? '');
  }
  around.say(`\n== ${request.lane}\n${lines.join('\n')}`);
  if (around.stop.aborted) outcomes.push(failed(explain(around.stop.reason)));
  return outcomes;
}

async function runStep(step: Step, request: Request, around: Surroundings, missing: Map<Part, string>): Promise<Outcome> {
  if (step.does === 'command') return runCommand(step, around);
  if (step.does === 'prepare') return prepare(step, request, around, missing);
  const lacking = step.needs && missing.get(step.needs);
  if (lacking !== undefined) return request.required.has(step.needs ?? '') ? failed(lacking) : skipped(lacking);
  return runTests(step, request, around);
}

async function runCommand({ name, command, args, minutesMax }: Step & { does: 'command' }, around: Surroundings): Promise<Outcome> {
  const ended = await inTime(name, command, args, minutesMax, around);
  // A check is not a test, but what failed must show in the totals.
  return ended === 'code 0' ? { ok: true, totals: nothing } : failed(`ended with ${ended}`);
}

async function prepare(
  step: Step & { does: 'prepare' },
  request: Request,
  around: Surroundings,
  missing: Map<Part, string>,
): Promise<Outcome> {
  const said: string[] = [];
  const ended = await inTime(step.name, process.execPath, [step.script], step.minutesMax, around, (line) => {
    around.say(line);
    said.push(line);
  });
  if (ended === 'code 0') return { ok: true, totals: nothing };
  const why = said.find((line) => step.missing.test(line));
  if (why === undefined) {
    missing.set(step.part, `${step.name} could not be prepared`);
    return failed(`ended with ${ended}`);
  }
  missing.set(step.part, `${step.name} missing`);
  return request.required.has(step.part) ? failed(`required, but ${why}`) : skipped(why);
}

async function runTests(step: Step & { does: 'tests' }, request: Request, around: Surroundings): Promise<Outcome> {
  const files = select(around.files, step.kind, request.patterns);
  if (files.length === 0 && request.patterns.length > 0)
    return { ok: true, totals: nothing, note: `no file matches ${request.patterns.join(' ')}` };
  if (files.length === 0) return failed(`there are no ${step.name}: a lane without tests proves nothing`);
  using folder = temporaryFolder('lane');
  const counts = join(folder.path, 'counts.json');
  const args = [
    '--test',
    '--import=./deploy/local/processes/end-with-parent.ts',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=./test/lanes/reporter.ts',
    `--test-reporter-destination=${counts}`,
    ...step.args,
    ...request.flags,
    ...files,
  ];
  const ended = await inTime(step.name, process.execPath, args, step.minutesMax, { ...around, env: step.env });
  const totals = parseCounts(read(counts));
  if (!totals) return failed(`ended with ${ended}, before it could count`);
  if (ended !== 'code 0' || totals.failed > 0) return failed(`ended with ${ended}`, { ...totals, failed: Math.max(1, totals.failed) });
  if (totals.passed + totals.skipped === 0) return failed('not one test ran');
  return { ok: true, totals };
}

/** Runs a command to its end, at most so long; how it ended, in words: "code 0" is good. */
async function inTime(
  name: string,
  command: string,
  args: readonly string[],
  minutesMax: number,
  { root, stop, output = 'inherit', env = {} }: Surroundings & { readonly env?: Readonly<Record<string, string>> | undefined },
  line?: (text: string) => void,
): Promise<string> {
  const bin = join(root, 'node_modules', '.bin');
  const PATH = [dirname(process.execPath), bin, process.env['PATH']].join(delimiter);
  await using running = await startProcess({
    name,
    command,
    args,
    cwd: root,
    // Lanes are tested by tests, too: their runner must not take itself for a part of that one.
    env: { ...process.env, ...env, PATH, NODE_TEST_CONTEXT: undefined },
    output: line ? { line } : output,
  });
  const limit = AbortSignal.timeout(minutesMax * 60_000);
  const either = AbortSignal.any([limit, stop]);
  const aborted = new Promise<undefined>((resolve) => either.addEventListener('abort', () => resolve(undefined), { once: true }));
  const ended = either.aborted ? undefined : await Promise.race([running.ended, aborted]);
  if (ended) return ended.signal ?? `code ${ended.code}`;
  return limit.aborted ? `no result after ${minutesMax} minutes` : explain(stop.reason);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
