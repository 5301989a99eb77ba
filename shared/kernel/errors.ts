/**
 * An error with a stable code, so that nobody compares messages. Each boundary has one subclass with a closed union of codes.
 * The message names the object, the cause and the next step; it never holds a secret.
 */
export class CodedError<Code extends string = string> extends Error {
  override readonly name: string = 'CodedError';
  readonly code: Code;
  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** One line for a log or a person: code and message of the error and of each cause, outermost first; at most `linkMax` links. */
export function explain(error: unknown, linkMax = 5): string {
  const parts: string[] = [];
  for (let e: unknown = error; e !== undefined && e !== null && parts.length < linkMax; e = e instanceof Error ? e.cause : undefined) {
    if (e instanceof CodedError) parts.push(`${e.code}: ${e.message}`);
    else if (e instanceof Error) parts.push(e.message || e.name);
    else parts.push(typeof e === 'string' ? e : JSON.stringify(e));
  }
  return parts.join('; because ');
}

/** The code of a coded error, of a Node system error (ECONNREFUSED, ...), or undefined. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
