import { rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { explain } from '#shared/kernel/mod.ts';
import { startProcess, type ManagedProcess, type ProcessOptions } from './start.ts';

export interface SuperviseOptions {
  /** One line when it ended, and when it runs again. */
  readonly log: (line: string) => void;
  /** Holds the number of the process that runs now, for whoever wants to signal it. */
  readonly pidFile?: string | undefined;
}

/** A process that is kept running. */
export interface Supervised extends AsyncDisposable {
  readonly name: string;
  /** Of the process that runs now; undefined between two. */
  readonly pid: number | undefined;
  readonly restarts: number;
  /** To its whole process group. */
  kill(signal: NodeJS.Signals): void;
}

/** Before the next start, after so many ends in a row. */
export const backoffMs = (failures: number): number => Math.min(250 * 2 ** failures, 15_000);
/** A process that ran this long was well; its next end is a new trouble. */
const wellMs = 30_000;

/**
 * Keeps one process running: started again when it ends, with back-off and a line that says so, until disposed of. Throws when the first start fails.
 */
export async function supervise(options: ProcessOptions, { log, pidFile }: SuperviseOptions): Promise<Supervised> {
  const stopping = new AbortController();
  const { signal } = stopping;
  let restarts = 0;
  const start = async (more: Partial<ProcessOptions> = {}): Promise<ManagedProcess> => {
    const started = await startProcess({ ...options, ...more });
    if (pidFile === undefined) return started;
    try {
      await writeFile(pidFile, `${started.pid}\n`);
      return started;
    } catch (error) {
      await started.stop();
      throw error;
    }
  };
  let running: ManagedProcess | undefined = await start();

  /** Tries until it runs, or somebody wants no more. */
  const again = async (failures: number): Promise<ManagedProcess | undefined> => {
    for (let tried = failures; !signal.aborted; tried++) {
      await sleep(backoffMs(tried), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) break;
      try {
        return await start({ signal });
      } catch (error) {
        if (!signal.aborted) log(`${options.name} does not start: ${explain(error)}; next attempt in ${seconds(backoffMs(tried + 1))}`);
      }
    }
    return undefined;
  };
  const watch = async (): Promise<void> => {
    for (let failures = 0; !signal.aborted;) {
      const startedAt = performance.now();
      const ended = await running?.ended;
      if (signal.aborted) return;
      failures = performance.now() - startedAt > wellMs ? 0 : failures + 1;
      running = undefined;
      const how = ended?.signal ?? `exit code ${ended?.code}`;
      log(`${options.name} ended (${how}); starting it again in ${seconds(backoffMs(failures))}`);
      running = await again(failures);
      if (!running) return;
      restarts++;
      log(`${options.name} runs again, process ${running.pid}`);
    }
  };
  const watching = watch();
  return {
    name: options.name,
    get pid() {
      return running?.pid;
    },
    get restarts() {
      return restarts;
    },
    kill: (sent) => running?.kill(sent),
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await running?.stop();
      await watching;
      await running?.stop();
      if (pidFile !== undefined) await rm(pidFile, { force: true });
    },
  };
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
