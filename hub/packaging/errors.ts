import { CodedError } from '#shared/kernel/mod.ts';

export type PackagingCode = 'MANIFEST_MALFORMED' | 'VARIANT_MISSING' | 'VARIANT_EMPTY' | 'NOT_RENDERED' | 'TOO_MANY_OBJECTS';

/** A commit that cannot become a release. Packaging the same commit again gives the same error. */
export class PackagingError extends CodedError<PackagingCode> {
  override readonly name = 'PackagingError';
}
