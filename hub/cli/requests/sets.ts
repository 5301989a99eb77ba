import { CliError } from '../exits.ts';
import type { Ask, Client } from './client.ts';

/** One mistake in a set, as the hub names it. */
export interface SetProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly field: string;
  readonly code: string;
  readonly message: string;
  readonly next: string;
}

/** `file:line:column: field: message`, as editors and compilers have it, with the next step below each. Pure. */
export const problemLines = (problems: readonly SetProblem[]): readonly string[] =>
  problems.flatMap(({ file, line, column, field, code, message, next }) => [
    `${file}:${line}:${column}: ${field === '' ? '' : `${field} `}${message} (${code})`,
    ...(next === '' ? [] : [`    next: ${next}`]),
  ]);

/** Sends a set; when it is refused, everything that is wrong with it is said at once. Throws CliError FILE when it names nothing. */
export async function sendSet<T extends { readonly items: readonly unknown[] }>(client: Client, ask: Ask, done: string): Promise<T> {
  try {
    const { body } = await client.send<T>(ask);
    if (body.items.length === 0)
      throw new CliError('FILE', 'the files hold no resource', { next: `nothing was ${done}: name other files` });
    return body;
  } catch (error) {
    const problems = problemsOf(error);
    if (!(error instanceof CliError) || problems.length === 0) throw error;
    const count = `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`;
    throw new CliError(error.code, `the set has ${count}; nothing of it was ${done}`, {
      exit: error.exit,
      lines: problemLines(problems),
      next: error.next,
      cause: error,
    });
  }
}

function problemsOf(error: unknown): readonly SetProblem[] {
  const problem = error instanceof CliError ? (error.cause as { readonly problems?: unknown } | undefined) : undefined;
  return Array.isArray(problem?.problems) ? (problem.problems as SetProblem[]) : [];
}
