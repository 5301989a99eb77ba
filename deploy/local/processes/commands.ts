import { ProcessError } from './errors.ts';
import { startProcess, type Ended } from './start.ts';

export interface CommandOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string | undefined;
  readonly waitMaxMs: number;
  readonly input?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Said {
  /** Without the last newline. */
  readonly stdout: string;
  readonly stderr: string;
}

const charactersMax = 16 * 1024 * 1024;
const wordsMax = 600;

/**
 * Runs a command to its end and returns what it said. Like every process here it ends with this one, and with all that it started. Throws ProcessError, which
 * holds the end of what it said on stderr, or the signal's reason.
 */
export async function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<Said> {
  const { waitMaxMs, signal, ...rest } = options;
  const said = { stdout: '', stderr: '' };
  const line = (text: string, stream: 'stdout' | 'stderr'): void => {
    if (said[stream].length + text.length < charactersMax) said[stream] += said[stream] ? `\n${text}` : text;
  };
  // "git fast-import": the word that says what it does, not its options.
  const name = [command, ...args.filter((word) => /^[a-z][\w-]*$/.test(word)).slice(0, 1)].join(' ');
  await using running = await startProcess({ name, command, args, output: { line }, signal, ...rest });
  const limit = AbortSignal.timeout(waitMaxMs);
  const ended = await endOr(running.ended, signal ? AbortSignal.any([signal, limit]) : limit);
  if (ended?.code === 0) return said;
  signal?.throwIfAborted();
  if (!ended) throw new ProcessError('NOT_READY', `${name} did not end within ${waitMaxMs / 1000} s`);
  throw new ProcessError('FAILED', `${name} ended with ${ended.signal ?? `code ${ended.code}`}: ${said.stderr.trim().slice(-wordsMax)}`);
}

/** undefined: the signal was faster. */
async function endOr(ended: Promise<Ended>, signal: AbortSignal): Promise<Ended | undefined> {
  const stop = new AbortController();
  const aborted = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true, signal: stop.signal });
  });
  try {
    return await Promise.race([ended, aborted]);
  } finally {
    stop.abort();
  }
}
