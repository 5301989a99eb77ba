import { CodedError } from '#shared/kernel/mod.ts';

export type StoreCode = 'NOT_LEADER' | 'AUDIT_MISSING' | 'BAD_WRITE' | 'NEWER_SCHEMA' | 'NO_FLEET' | 'UNAVAILABLE';

export class StoreError extends CodedError<StoreCode> {
  override readonly name = 'StoreError';
}
