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
