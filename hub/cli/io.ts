import type { Clock } from '#shared/clock/mod.ts';
import type { Env } from '#shared/config/mod.ts';

/** Everything that a command touches of the world, handed in: main.ts has the real one, tests another. */
export interface Io {
  readonly env: Env;
  /** Of the user, for the default place of the contexts. */
  readonly home: string;
  /** What relative paths are relative to. */
  readonly folder: string;
  readonly clock: Clock;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Data, and nothing else. */
  readonly out: (text: string) => void;
  /** Progress, warnings, errors. */
  readonly err: (text: string) => void;
  readonly stdin: () => Promise<string>;
  /** Whether `out` is a terminal: colours are for people. */
  readonly terminal: boolean;
  /** How wide it is; undefined: nobody knows, or it is none. */
  readonly columns?: number | undefined;
  /** Aborted when the user has had enough. */
  readonly stop: AbortSignal;
}
