// npm run sim -- --seeds 60 --from 1: whole fleets, each from one seed. npm run sim -- --seed 17 --trace: one of them, told line by line. --first: ends at the
// first that fails.
import { parseArgs } from 'node:util';
import { explain } from '#shared/kernel/mod.ts';
import { failureText, figuresText, runSeed, runSeeds, sumOf, type Outcome } from './mod.ts';

const usage = 'usage: npm run sim -- [--seeds 60] [--from 1] [--first] | --seed 17 [--trace]';

interface Options {
  readonly seeds: readonly number[];
  readonly trace: boolean;
  readonly first: boolean;
}

function optionsOf(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string' },
      from: { type: 'string' },
      seed: { type: 'string' },
      trace: { type: 'boolean' },
      first: { type: 'boolean' },
    },
  });
  const number = (text: string | undefined, otherwise: number): number => {
    const value = text === undefined ? otherwise : Number(text);
    if (!Number.isSafeInteger(value) || value < 0) throw new Error(usage);
    return value;
  };
  const from = number(values.seed ?? values.from, 1);
  const count = values.seed === undefined ? number(values.seeds, 60) : 1;
  return { seeds: Array.from({ length: count }, (_, index) => from + index), trace: values.trace ?? false, first: values.first ?? false };
}

/** One after the other, in this thread: each line as it happens. */
async function* told(seeds: readonly number[], say: (line: string) => void): AsyncGenerator<Outcome> {
  for (const seed of seeds) yield await runSeed(seed, { say });
}

try {
  const { seeds, trace, first } = optionsOf(process.argv.slice(2));
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const started = performance.now();
  const outcomes: Outcome[] = [];
  for await (const outcome of trace ? told(seeds, say) : runSeeds(seeds)) {
    outcomes.push(outcome);
    if (!outcome.violation) continue;
    say(failureText(outcome));
    if (first) break;
  }
  const failed = outcomes
    .filter(({ violation }) => violation)
    .map(({ seed }) => seed)
    .toSorted((a, b) => a - b);
  const seconds = (performance.now() - started) / 1000;
  say(`${figuresText(sumOf(outcomes), outcomes.length, seconds)}${failed.length > 0 ? `; FAILED: seeds ${failed.join(', ')}` : ''}`);
  process.exitCode = failed.length > 0 ? 1 : 0;
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 2;
}
