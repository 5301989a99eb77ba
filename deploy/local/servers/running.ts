import type { ProcessOptions } from '../processes/mod.ts';

/** The process of a server: the one that was started, or the one that runs now where somebody keeps it running. */
export interface RunningServer extends AsyncDisposable {
  readonly pid: number | undefined;
  /** To its whole process group. */
  kill(signal: NodeJS.Signals): void;
}

/** Starts the process and waits until it is ready; `startProcess`, or something that also starts it again. */
export type StartServer = (options: ProcessOptions) => Promise<RunningServer>;
