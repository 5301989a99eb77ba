import type { Clock } from '#shared/clock/mod.ts';
import type { Log } from '#shared/telemetry/mod.ts';

const keptMax = 30;

/** What happened, as people read it; the last thirty lines are kept for whoever has to say what went before a failure. */
export class Trace {
  readonly last: string[] = [];
  lines = 0;
  /** Of every line so far: two runs of one seed have the same. */
  fingerprint = 0x811c9dc5;
  readonly #clock: Clock;
  readonly #say: ((line: string) => void) | undefined;

  constructor(clock: Clock, say?: (line: string) => void) {
    this.#clock = clock;
    this.#say = say;
  }

  add(who: string, what: string): void {
    const line = `${timeText(this.#clock.monotonicMs())}  ${who.padEnd(9)}  ${what}`;
    this.lines += 1;
    for (let at = 0; at < line.length; at++) this.fingerprint = Math.imul(this.fingerprint ^ line.charCodeAt(at), 0x01000193) >>> 0;
    this.last.push(line);
    if (this.last.length > keptMax) this.last.shift();
    this.#say?.(line);
  }

  /** What the production code says of itself, as lines of the trace. */
  log(who: string): Log {
    const say =
      (level: string) =>
      (message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
        const said = Object.entries(fields).map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
        this.add(who, [`${level}${message}`, ...said].join(' ').slice(0, 300));
      };
    const log: Log = { debug: () => {}, info: say(''), warn: say('! '), error: say('!! '), child: () => log };
    return log;
  }
}

/** 1:02:03.456 */
function timeText(ms: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  return `${Math.floor(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1000) % 60)}.${String(Math.floor(ms % 1000)).padStart(3, '0')}`;
}
