import type { NamedText } from './files.ts';

/** Several files as the one text that is sent, so that all of it is applied or nothing, and the way back from its lines to theirs. */
export interface JoinedSet {
  readonly text: string;
  /** The file that a line of the text came from, and its line there. */
  readonly origin: (line: number) => { readonly file: string; readonly line: number };
}

const separator = '---\n';

/** Pure. */
export function joinSets(files: readonly NamedText[]): JoinedSet {
  const starts: { readonly file: string; readonly first: number }[] = [];
  let text = '';
  let line = 1;
  for (const [index, file] of files.entries()) {
    const body = file.text.endsWith('\n') || index === files.length - 1 ? file.text : `${file.text}\n`;
    if (index > 0) {
      text += separator;
      line += 1;
    }
    starts.push({ file: file.name, first: line });
    text += body;
    line += body.split('\n').length - 1;
  }
  return {
    text,
    origin: (at) => {
      const start = starts.findLast(({ first }) => first <= at) ?? starts[0] ?? { file: '', first: 1 };
      return { file: start.file, line: Math.max(1, at - start.first + 1) };
    },
  };
}

export interface SetProblem {
  readonly line: number;
  readonly column: number;
  readonly field: string;
  readonly code: string;
  readonly message: string;
  readonly next: string;
}

/** `file:line:column: field: message`, as editors and compilers have it, with the next step below each. Pure. */
export function problemLines(problems: readonly SetProblem[], { origin }: JoinedSet): readonly string[] {
  return problems
    .map((problem) => ({ ...problem, ...origin(problem.line) }))
    .flatMap(({ file, line, column, field, code, message, next }) => [
      `${file}:${line}:${column}: ${field === '' ? '' : `${field} `}${message} (${code})`,
      ...(next === '' ? [] : [`    next: ${next}`]),
    ]);
}
