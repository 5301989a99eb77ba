import type { TestKind } from './files.ts';

/** Something outside the tree that tests need; `WHEELHOUSE_REQUIRE` names parts that must not be missing. */
export type Part = 'servers' | 'kube' | 'chromium';

/** `minutesMax` bounds it: it is killed then, and has failed. */
export type Step = { readonly name: string; readonly minutesMax: number } & (
  | { readonly does: 'command'; readonly command: string; readonly args: readonly string[] }
  /** Fetches or builds the part; what needs it is skipped, loudly, if it is not to be had. */
  | { readonly does: 'prepare'; readonly part: Part; readonly script: string; readonly missing: RegExp }
  | {
      readonly does: 'tests';
      readonly kind: TestKind;
      readonly args: readonly string[];
      readonly needs?: Part;
      readonly env?: Readonly<Record<string, string>>;
    }
);

const command = (name: string, command: string, ...args: readonly string[]): Step => ({
  does: 'command',
  name,
  command,
  args,
  minutesMax: 5,
});
const node = (name: string, ...args: readonly string[]): Step => command(name, process.execPath, ...args);

const unit: Step = {
  does: 'tests',
  name: 'unit tests',
  kind: 'unit',
  // All in one process: twenty times faster, and these keep nothing global.
  args: ['--test-isolation=none', '--test-timeout=60000'],
  minutesMax: 5,
};

const statics: readonly Step[] = [
  command('format', 'oxfmt', '--check'),
  command('lint', 'oxlint', '--type-aware', '--deny-warnings'),
  command('types', 'tsc', '--noEmit', '-p', '.'),
  node('generated code', 'proto/generate.ts', '--check'),
];

const servers: Step = {
  does: 'prepare',
  name: 'servers',
  part: 'servers',
  script: 'test/lanes/servers.ts',
  missing: /NOT_FOUND/,
  minutesMax: 20,
};

const contracts: readonly Step[] = [
  servers,
  {
    does: 'tests',
    name: 'contract tests',
    kind: 'contract',
    args: ['--test-concurrency=2', '--test-timeout=120000'],
    needs: 'servers',
    minutesMax: 10,
  },
];

/** Whole fleets in virtual time, one from each seed; they share the cores among themselves. */
const simulation = (seeds: number, minutesMax: number): Step => ({
  does: 'tests',
  name: 'simulation',
  kind: 'sim',
  args: [`--test-timeout=${minutesMax * 60_000}`],
  env: { WHEELHOUSE_SEEDS: String(seeds) },
  minutesMax,
});

// One after the other: each control plane wants the machine for itself.
const alone = ['--test-concurrency=1', '--test-timeout=600000'];
const kube: readonly Step[] = [
  { does: 'prepare', name: 'control plane', part: 'kube', script: 'test/kube/build.ts', missing: /GO_MISSING|GO_TOO_OLD/, minutesMax: 35 },
  { does: 'tests', name: 'control plane tests', kind: 'kube', args: alone, needs: 'kube', minutesMax: 15 },
  { does: 'tests', name: 'end-to-end tests', kind: 'e2e', args: alone, needs: 'kube', minutesMax: 45 },
];

// Pages as a person sees them, of a fleet of sandboxes.
const browser: readonly Step[] = [
  { does: 'prepare', name: 'chromium', part: 'chromium', script: 'test/browser/find.ts', missing: /NOT_FOUND/, minutesMax: 10 },
  { does: 'tests', name: 'browser tests', kind: 'browser', args: alone, needs: 'chromium', minutesMax: 10 },
];

/** The lanes, each a list of steps that run in this order. */
export const lanes: Readonly<Record<string, readonly Step[]>> = {
  unit: [unit],
  check: [...statics, unit],
  newcomer: [unit, ...contracts, simulation(60, 5)],
  kube,
  browser: [servers, ...browser],
  ci: [...statics, unit, ...contracts, simulation(300, 9), ...browser, ...kube],
  format: [command('format', 'oxfmt'), command('lint', 'oxlint', '--type-aware', '--fix')],
};

export interface Request {
  readonly lane: string;
  readonly steps: readonly Step[];
  /** Of test files. */
  readonly patterns: readonly string[];
  /** For node --test. */
  readonly flags: readonly string[];
  readonly required: ReadonlySet<string>;
}

/** What the command line and the environment ask for; throws an Error that says what they may ask. */
export function parseRequest([lane = '', ...rest]: readonly string[], env: Readonly<Record<string, string | undefined>>): Request {
  const steps = Object.hasOwn(lanes, lane) ? lanes[lane] : undefined;
  if (!steps) throw new Error(`usage: test/run.ts ${Object.keys(lanes).join('|')} [file pattern or flag of node --test ...]`);
  const flags = rest.filter((word) => word.startsWith('-'));
  const required = new Set(
    (env['WHEELHOUSE_REQUIRE'] ?? '')
      .split(',')
      .map((word) => word.trim())
      .filter(Boolean),
  );
  const parts: readonly string[] = ['servers', 'kube', 'chromium'] satisfies readonly Part[];
  for (const word of required) if (!parts.includes(word)) throw new Error(`WHEELHOUSE_REQUIRE names ${parts.join(', ')}, not "${word}"`);
  return { lane, steps, patterns: rest.filter((word) => !word.startsWith('-')), flags, required };
}
