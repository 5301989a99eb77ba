import { CodedError } from '#shared/kernel/mod.ts';

export type DeclarationCode = 'VERSION_MISMATCH' | 'NOT_DECLARED' | 'IN_USE';

export class DeclarationError extends CodedError<DeclarationCode> {
  override readonly name = 'DeclarationError';
}

/** Throws VERSION_MISMATCH, naming both. */
export function checkVersion(subject: string, wanted: string | undefined, found: string | undefined): void {
  if (wanted === undefined || wanted === found) return;
  const now = found === undefined ? 'it does not exist' : `it is at ${found}`;
  throw new DeclarationError('VERSION_MISMATCH', `${subject} was read at version ${wanted.slice(0, 64)}, and now ${now}`);
}
