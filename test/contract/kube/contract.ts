import { loadCases, type CaseFile } from './cases.ts';
import { Server, type Sender } from './http.ts';
import { StepError, check } from './play.ts';
import type { CaseResult, Target } from './types.ts';

export interface ContractOptions {
  /** Only cases whose name contains it. */
  readonly only?: string;
  /** Name of a case, or "<area>/", and why this server does not do it. */
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

async function runCase(server: Sender, file: CaseFile, { notCovered = {} }: ContractOptions, onMade: OnMade): Promise<CaseResult> {
  const { name } = file;
  const reason = notCovered[name] ?? notCovered[`${name.split('/')[0]}/`];
  if (reason !== undefined) return { name, outcome: 'not covered', reason, durationMs: 0 };
  const started = performance.now();
  const durationMs = (): number => Math.round(performance.now() - started);
  try {
    await check(server, file.case, { ignore: file.ignore, onMade });
    return { name, outcome: 'passed', durationMs: durationMs() };
  } catch (error) {
    const differences = error instanceof StepError ? error.lines : [String(error)];
    return { name, outcome: 'failed', differences, durationMs: durationMs() };
  }
}
