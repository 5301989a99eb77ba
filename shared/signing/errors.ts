import { CodedError } from '../kernel/mod.ts';

export type SigningCode = 'BAD_KEY' | 'BAD_TOKEN' | 'BAD_REQUEST' | 'BAD_CERTIFICATE';

/** What cannot be used as a key, join token, certificate request or certificate. Never holds the material itself. */
export class SigningError extends CodedError<SigningCode> {
  override readonly name = 'SigningError';
}
