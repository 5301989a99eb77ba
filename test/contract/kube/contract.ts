import { loadCases, type CaseFile } from './cases.ts';
import { Server, type Sender } from './http.ts';
import { StepError, check } from './play.ts';
import type { CaseResult, Target } from './types.ts';

export interface ContractOptions {
  /** Only cases whose name contains it. */
  readonly only?: string;
  /** Names of cases, and why this server does not pass them. They are played as well: one that passes is stale. */
  readonly notCovered?: Readonly<Record<string, string>>;
  /** Cases at the same time; absent: 4. */
  readonly concurrency?: number;
  /** Removes afterwards what the cases made; not needed on a server that goes away. */
  readonly cleanUp?: boolean;
  readonly onResult?: (result: CaseResult) => void;
}

/** Plays the cases against a server. Never rejects for what the server answers, or that it does not: each is a result. */
export async function runContract(target: Target, options: ContractOptions = {}): Promise<readonly CaseResult[]> {
  using server = new Server(target);
  const results: CaseResult[] = [];
  const made = new Set<string>();
  await eachOf(loadCases(options.only), options.concurrency ?? 4, async (file) => {
    const result = await runCase(server, file, options, (path) => made.add(path));
    results.push(result);
    options.onResult?.(result);
  });
  if (options.cleanUp) await removeAll(server, made);
  return results.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** So many at a time. */
export async function eachOf<T>(items: readonly T[], concurrency: number, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = items.values();
  const worker = async (): Promise<void> => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

/** All at the end: namespaces that end while cases run keep a real server's controllers from answering them in time. */
export async function removeAll(server: Sender, paths: Iterable<string>): Promise<void> {
  for (const path of [...paths].toReversed()) {
    await server.send({ method: 'DELETE', path }).catch(() => undefined); // gone, or it stays: the server's owner sees it
  }
}

type OnMade = (path: string) => void;

/** Whoever does not do something need not be waited for. */
const notCoveredWaitMaxMs = 2_000;

/** Plays one case, whether it is listed or not. */
export async function runCase(
  server: Sender,
  { name, case: subject, ignore }: CaseFile,
  options: ContractOptions,
  onMade: OnMade = () => {},
): Promise<CaseResult> {
  const reason = options.notCovered?.[name];
  const started = performance.now();
  const lines = await failureOf(
    check(server, subject, { ignore, onMade, ...(reason === undefined ? {} : { waitMaxMs: notCoveredWaitMaxMs }) }),
  );
  return { name, durationMs: Math.round(performance.now() - started), ...judged(lines, reason) };
}

/** What went otherwise than recorded; undefined: nothing did. */
async function failureOf(playing: Promise<void>): Promise<readonly string[] | undefined> {
  try {
    await playing;
    return undefined;
  } catch (error) {
    return error instanceof StepError ? error.lines : [String(error)];
  }
}

function judged(
  differences: readonly string[] | undefined,
  reason: string | undefined,
): Pick<CaseResult, 'outcome' | 'reason' | 'differences'> {
  if (reason === undefined) return differences ? { outcome: 'failed', differences } : { outcome: 'passed' };
  if (differences) return { outcome: 'not covered', reason, differences };
  return { outcome: 'stale', reason, differences: [`it passes: take it out of the list of what is not covered (${reason})`] };
}
