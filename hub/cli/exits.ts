import { CodedError } from '#shared/kernel/mod.ts';
import { tame } from './print/tables.ts';

/** What scripts decide by; documented in README.md and in `wheelhouse --help`. */
export const exits = {
  ok: 0,
  error: 1,
  usage: 2,
  unchanged: 3,
  timedOut: 4,
  rolloutFailed: 5,
  denied: 6,
  refused: 7,
  unreachable: 8,
} as const;
export type Exit = (typeof exits)[keyof typeof exits];

/** Why a command ends with another exit code than 0. Codes are the hub's own, or one of: USAGE, CONTEXT, HUB_UNREACHABLE, TIMED_OUT, ROLLOUT_FAILED, ... */
export class CliError extends CodedError {
  override readonly name = 'CliError';
  readonly exit: Exit;
  /** What it is about, such as cluster/dev-1. */
  readonly object: string;
  /** What to do about it. */
  readonly next: string;
  /** More lines, below the cause. */
  readonly lines: readonly string[];
  constructor(
    code: string,
    message: string,
    {
      exit = exits.error,
      object = '',
      next = '',
      lines = [],
      cause,
    }: Partial<Pick<CliError, 'exit' | 'object' | 'next' | 'lines' | 'cause'>> = {},
  ) {
    super(code, message, cause === undefined ? {} : { cause });
    this.exit = exit;
    this.object = object;
    this.next = next;
    this.lines = lines;
  }
}

export const usageError = (message: string, next = 'wheelhouse --help, or --help after the command'): CliError =>
  new CliError('USAGE', message, { exit: exits.usage, next });

const byCode: Readonly<Record<string, Exit>> = {
  REQUEST_INVALID: exits.usage,
  SELECTOR_INVALID: exits.usage,
  FIELD_UNKNOWN: exits.usage,
  COMMAND_TIMED_OUT: exits.timedOut,
};
const byStatus: Readonly<Record<number, Exit>> = {
  401: exits.denied,
  403: exits.denied,
  409: exits.refused,
  412: exits.refused,
  423: exits.refused,
  429: exits.denied,
  502: exits.unreachable,
  503: exits.unreachable,
  504: exits.unreachable,
};

/** The exit code for what the hub answered. */
export const exitOf = ({ status, code }: { readonly status: number; readonly code: string }): Exit =>
  byCode[code] ?? byStatus[status] ?? exits.error;

/** code, object, cause, next step: what a person needs to go on. */
export const errorLines = ({ code, object, message, next, lines }: CliError): readonly string[] => [
  tame(`error ${code}: ${object === '' ? '' : `${object}: `}${message}`),
  ...lines.map(tame),
  ...(next === '' ? [] : [`next: ${next}`]),
];
