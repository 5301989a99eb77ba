import { status, type ServiceError } from '@grpc/grpc-js';
import { CodedError, codeOf, explain } from '../kernel/mod.ts';

export type RpcCode =
  | 'INVALID'
  | 'DENIED'
  | 'UNAUTHENTICATED'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'UNAVAILABLE'
  | 'DEADLINE'
  | 'CANCELLED'
  | 'TOO_LARGE'
  | 'PIN_MISMATCH'
  | 'INTERNAL';

export class RpcError extends CodedError<RpcCode> {
  override readonly name = 'RpcError';
}

const toStatus: Record<RpcCode, status> = {
  INVALID: status.INVALID_ARGUMENT,
  DENIED: status.PERMISSION_DENIED,
  UNAUTHENTICATED: status.UNAUTHENTICATED,
  NOT_FOUND: status.NOT_FOUND,
  CONFLICT: status.FAILED_PRECONDITION,
  UNAVAILABLE: status.UNAVAILABLE,
  DEADLINE: status.DEADLINE_EXCEEDED,
  CANCELLED: status.CANCELLED,
  TOO_LARGE: status.RESOURCE_EXHAUSTED,
  PIN_MISMATCH: status.UNAUTHENTICATED,
  INTERNAL: status.INTERNAL,
};

/** Only an RpcError's own words cross the wire: what broke inside is for the log, not for the peer. */
export function statusOf(error: unknown): { code: status; details: string } {
  if (error instanceof RpcError) return { code: toStatus[error.code], details: `${error.code}: ${error.message}` };
  return { code: status.INTERNAL, details: 'INTERNAL: the hub could not answer; its log says why' };
}

/** Foreign errors are translated once, here. */
export function rpcErrorFrom(error: unknown, doing: string): RpcError {
  if (error instanceof RpcError) return error;
  const { code, details } = error as Partial<ServiceError>;
  const found = (Object.entries(toStatus) as [RpcCode, status][]).find(([, value]) => value === code)?.[0];
  if (found && typeof code === 'number') return new RpcError(found, `${doing}: ${details ?? 'no details'}`, { cause: error });
  return new RpcError('UNAVAILABLE', `${doing}: ${codeOf(error) ?? ''} ${explain(error)}`.trim(), { cause: error });
}
