import { startProcess } from '#deploy/local/processes/mod.ts';
import { KubeError } from './errors.ts';

const PROGRESS_EVERY_MS = 10_000;
const COMPLAINTS_MAX = 20;

export interface CompileOptions {
  readonly go: string;
  readonly args: readonly string[];
  readonly dir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly maxMs: number;
  readonly signal: AbortSignal | undefined;
  readonly log: (line: string) => void;
}

/** What `go build -v` has said so far. */
export interface Progress {
  readonly downloaded: number;
  readonly compiled: number;
  /** The last lines that are neither. */
  readonly complaints: readonly string[];
}

export const noProgress: Progress = { downloaded: 0, compiled: 0, complaints: [] };

export function heard(progress: Progress, line: string): Progress {
  if (line.startsWith('go: downloading ')) return { ...progress, downloaded: progress.downloaded + 1 };
  if (/^[\w.~+-]+(\/[\w.~+-]+)*$/.test(line)) return { ...progress, compiled: progress.compiled + 1 };
  return { ...progress, complaints: [...progress.complaints, line].slice(-COMPLAINTS_MAX) };
}

/** Runs the Go command, with a line of progress now and then. Throws BUILD_FAILED with what it complained about, or the signal's reason. */
export async function compile({ go, args, dir, env, maxMs, signal, log }: CompileOptions): Promise<void> {
  const started = performance.now();
  const seconds = (): number => Math.round((performance.now() - started) / 1000);
  let progress = noProgress;
  const line = (text: string): void => void (progress = heard(progress, text));
  await using build = await startProcess({ name: 'go build', command: go, args, cwd: dir, env, output: { line }, signal, graceMs: 0 });
  const timeout = AbortSignal.timeout(maxMs);
  const stop = signal ? AbortSignal.any([signal, timeout]) : timeout;
  const onStop = (): void => void build.stop();
  stop.addEventListener('abort', onStop, { once: true });
  if (stop.aborted) onStop(); // while it was being started
  const timer = setInterval(
    () => log(`building: ${progress.downloaded} modules downloaded, ${progress.compiled} packages compiled, ${seconds()} s`),
    PROGRESS_EVERY_MS,
  );
  try {
    const { code } = await build.ended;
    signal?.throwIfAborted();
    if (timeout.aborted) throw new KubeError('BUILD_FAILED', `go build took more than ${maxMs / 60_000} minutes`);
    if (code !== 0) throw new KubeError('BUILD_FAILED', `go build ended with code ${code}:\n${progress.complaints.join('\n')}`);
  } finally {
    clearInterval(timer);
    stop.removeEventListener('abort', onStop);
  }
  log(`built in ${seconds()} s`);
}
