import { CodedError } from '#shared/kernel/mod.ts';

/** What can be wrong with what people wrote. Closed: tools and documents may rely on the words. */
export type ProblemCode =
  | 'FILE_TOO_LARGE'
  | 'DOCUMENTS_TOO_MANY'
  | 'NOT_YAML'
  | 'UNKNOWN_KIND'
  | 'UNKNOWN_VERSION'
  | 'MISSING_FIELD'
  | 'UNKNOWN_FIELD'
  | 'WRONG_TYPE'
  | 'BAD_VALUE'
  | 'NOT_SUPPORTED'
  | 'DUPLICATE_RESOURCE'
  | 'UNKNOWN_TENANT'
  | 'UNKNOWN_ENVIRONMENT'
  | 'ENVIRONMENTS_CYCLE'
  | 'NAMESPACE_CLOSED'
  | 'NAMESPACE_REFUSED'
  | 'SOURCE_REFUSED'
  | 'ENVIRONMENTS_OVERLAP'
  | 'OTHER_MANAGER';

/** Both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Problem extends Position {
  readonly file: string;
  /** `spec.targets[0].environment`; '' for a whole document. */
  readonly field: string;
  readonly code: ProblemCode;
  /** What is wrong. */
  readonly message: string;
  /** What to do about it. */
  readonly next: string;
}

export type Path = readonly (string | number)[];

/** ['spec', 'targets', 0, 'namespace'] -> spec.targets[0].namespace */
export const fieldText = (path: Path): string =>
  path.map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`)).join('');

export const problemText = ({ file, line, column, field, code, message, next }: Problem): string =>
  `${file}:${line}:${column}: ${field === '' ? '' : `${field} `}${message}: ${next} (${code})`;

/** The order in which people read: file, line, column. */
export const byPlace = (a: Problem, b: Problem): number =>
  (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) || a.line - b.line || a.column - b.column;

/** What was written cannot be taken as it is; `problems` are all of it, in reading order. Nothing has been changed. */
export class ResourceError extends CodedError<'RESOURCES_INVALID'> {
  override readonly name = 'ResourceError';
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    const sorted = problems.toSorted(byPlace);
    super('RESOURCES_INVALID', `${sorted.length} ${sorted.length === 1 ? 'problem' : 'problems'}:\n${sorted.map(problemText).join('\n')}`);
    this.problems = sorted;
  }
}
