import { setTimeout as sleep } from 'node:timers/promises';
import { explain } from '#shared/kernel/mod.ts';
import { startProcess, type ManagedProcess, type ProcessOptions } from '../processes/mod.ts';

export interface Supervised extends AsyncDisposable {
  readonly name: string;
  /** Of the process that runs now; undefined between two. */
  readonly pid: number | undefined;
  readonly restarts: number;
}

const backoffMs = (failures: number): number => Math.min(250 * 2 ** failures, 15_000);
/** A process that ran this long was well; its next end is a new trouble. */
const wellMs = 30_000;

/** Keeps one process running: started again when it ends, with back-off and a line that says so, until disposed of. Throws when the first start fails. */
export async function supervise(options: ProcessOptions, log: (line: string) => void): Promise<Supervised> {
  const stopping = new AbortController();
  let running: ManagedProcess | undefined = await startProcess(options);
  let restarts = 0;
  const watch = async (): Promise<void> => {
    for (let failures = 0; !stopping.signal.aborted;) {
      const startedAt = performance.now();
      const ended = await running?.ended;
      if (stopping.signal.aborted) return;
      failures = performance.now() - startedAt > wellMs ? 0 : failures + 1;
      const waitMs = backoffMs(failures);
      running = undefined;
      log(`${options.name} ended (${ended?.signal ?? `exit code ${ended?.code}`}); starting it again in ${(waitMs / 1000).toFixed(1)} s`);
      await sleep(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      try {
        running = await startProcess({ ...options, signal: stopping.signal });
        restarts++;
      } catch (error) {
        log(`${options.name} does not start: ${explain(error)}`);
      }
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
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await running?.stop();
      await watching;
      await running?.stop();
    },
  };
}
