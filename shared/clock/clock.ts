export type Cancel = () => void;

export interface Clock {
  /** Wall time, epoch milliseconds: for people and for what outlives the process. Never for measuring. */
  now(): number;
  /** Monotonic milliseconds since some moment of this process: for durations and ages. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once after `ms` unless cancelled. Does not keep the process alive. */
  after(ms: number, callback: () => void): Cancel;
}
