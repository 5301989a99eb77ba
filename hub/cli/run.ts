import { CommanderError } from 'commander';
import { explain } from '#shared/kernel/mod.ts';
import { CliError, errorLines, exits, type Exit } from './exits.ts';
import type { Io } from './io.ts';
import { programOf } from './program.ts';

/** Runs one command line; resolves with the exit code, and never rejects. */
export async function run(words: readonly string[], io: Io): Promise<Exit> {
  let exit: Exit = exits.ok;
  try {
    await programOf(io, (code) => (exit = code)).parseAsync([...words], { from: 'user' });
    return exit;
  } catch (error) {
    // commander has printed its own words already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exits.ok : exits.usage;
    const known =
      error instanceof CliError
        ? error
        : new CliError('INTERNAL', explain(error), { next: 'this is a mistake in wheelhouse itself', cause: error });
    io.err(`${errorLines(known).join('\n')}\n`);
    return known.exit;
  }
}
