import { CodedError } from '#shared/kernel/mod.ts';
import type { Position } from '#hub/resources/mod.ts';

export type DeclarationCode = 'VERSION_MISMATCH' | 'NOT_DECLARED' | 'IN_USE';

/** Why one resource of a set cannot be deleted, and where it is named. */
export interface Hindrance extends Position {
  readonly file: string;
  readonly field: string;
  readonly code: Extract<DeclarationCode, 'NOT_DECLARED' | 'IN_USE'>;
  readonly message: string;
  readonly next: string;
}

export class DeclarationError extends CodedError<DeclarationCode> {
  override readonly name = 'DeclarationError';
  /** Of a set, each of them. */
  readonly problems: readonly Hindrance[] | undefined;
  constructor(code: DeclarationCode, message: string, problems?: readonly Hindrance[]) {
    super(code, message);
    this.problems = problems;
  }
}

/** Throws VERSION_MISMATCH, naming both. */
export function checkVersion(subject: string, wanted: string | undefined, found: string | undefined): void {
  if (wanted === undefined || wanted === found) return;
  const now = found === undefined ? 'it does not exist' : `it is at ${found}`;
  throw new DeclarationError('VERSION_MISMATCH', `${subject} was read at version ${wanted.slice(0, 64)}, and now ${now}`);
}
