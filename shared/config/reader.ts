import { CodedError, durationMs } from '../kernel/mod.ts';

export class ConfigError extends CodedError<'CONFIG_INVALID'> {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super('CONFIG_INVALID', `the configuration has ${problems.length} problem(s):\n${problems.map((p) => `  - ${p}`).join('\n')}`);
    this.problems = problems;
  }
}

export type Env = Readonly<Record<string, string | undefined>>;

/**
 * Reads typed values from the environment and notes every problem, so that one start shows all of them. Values that are read after a problem are
 * placeholders: call `done` before using any.
 */
export class ConfigReader {
  readonly #env: Env;
  readonly #problems: string[] = [];

  constructor(env: Env) {
    this.#env = env;
  }

  /** Absent or empty without a default is a problem that says what the value is for. */
  text(name: string, what: string, fallback?: string): string {
    const value = this.#env[name] || fallback;
    if (value === undefined) this.#problems.push(`${name} is not set: ${what}`);
    return value ?? '';
  }

  optional(name: string): string | undefined {
    return this.#env[name] || undefined;
  }

  integer(name: string, range: { min: number; max: number; fallback: number }): number {
    const text = this.#env[name];
    if (!text) return range.fallback;
    const value = /^-?[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= range.min && value <= range.max) return value;
    this.#problems.push(`${name} must be a whole number from ${range.min} to ${range.max}, is ${JSON.stringify(text)}`);
    return range.fallback;
  }

  durationMs(name: string, range: { minMs: number; maxMs: number; fallback: string }): number {
    const text = this.#env[name] || range.fallback;
    const value = durationMs(text) ?? Number.NaN;
    if (value >= range.minMs && value <= range.maxMs) return value;
    this.#problems.push(
      `${name} must be a duration such as 4s, 5m or 24h, from ${range.minMs} to ${range.maxMs} ms, is ${JSON.stringify(text)}`,
    );
    return range.minMs;
  }

  choice<T extends string>(name: string, choices: readonly T[], fallback: T): T {
    const text = this.#env[name] || fallback;
    const found = choices.find((choice) => choice === text);
    if (found === undefined) this.#problems.push(`${name} must be one of ${choices.join(', ')}, is ${JSON.stringify(text)}`);
    return found ?? fallback;
  }

  /** Throws ConfigError with every problem found. */
  done(): void {
    if (this.#problems.length > 0) throw new ConfigError(this.#problems);
  }
}
