import { type ManagedProcess, type ProcessOptions, startProcess } from '#deploy/local/processes/mod.ts';
import { KubeError } from './errors.ts';

/** The processes of a fleet and their common end. */
export interface Processes {
  start(options: ProcessOptions): Promise<ManagedProcess>;
  /** Ends one, as wanted. */
  end(process: ManagedProcess): Promise<void>;
  /** Ends all, also those that are still starting; nothing starts afterwards. */
  stop(): Promise<void>;
}

/** `log` hears of every process that ended without having been asked to. */
export function ownProcesses(log: (line: string) => void): Processes {
  const stopping = new AbortController();
  const started: Promise<ManagedProcess>[] = [];
  const wanted = new WeakSet<ManagedProcess>();
  const start = async (options: ProcessOptions): Promise<ManagedProcess> => {
    const process = await startProcess({ ...options, signal: stopping.signal });
    void tellOfEnd(process);
    return process;
  };
  const tellOfEnd = async (process: ManagedProcess): Promise<void> => {
    const { code, signal } = await process.ended;
    if (!wanted.has(process)) log(`${process.name} ended by itself with ${signal ?? `code ${code}`}`);
  };
  const end = async (process: ManagedProcess): Promise<void> => {
    wanted.add(process);
    await process.stop();
  };
  return {
    start: (options) => {
      const starting = start(options);
      started.push(starting);
      return starting;
    },
    end,
    stop: async () => {
      stopping.abort(new KubeError('START_FAILED', 'the fleet is being stopped'));
      const settled = await Promise.allSettled(started);
      await Promise.all(settled.flatMap((one) => (one.status === 'fulfilled' ? [end(one.value)] : [])));
    },
  };
}
