import type { Doc } from './values.ts';

/** What a field of a document is refused for. */
export type Cause = Readonly<Record<'reason' | 'message' | 'field', string>>;
/** Which kind an answer is about. */
export type About = Readonly<Record<'group' | 'resource' | 'kind', string>>;

/** An answer that is no success: the Status that Kubernetes would send. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: number;
  readonly status: Doc;
  constructor(code: number, reason: string, message: string, details?: Doc) {
    super(message);
    this.code = code;
    const more = { ...(reason === '' ? {} : { reason }), ...(details ? { details } : {}) };
    this.status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, ...more, code };
  }
}

const full = (name: string, group: string): string => (group === '' ? name : `${name}.${group}`);
const about = (kind: About, name: string): string => `${full(kind.resource, kind.group)} "${name}"`;
const named = (name: string, group: string, kind: string, more: Doc = {}): Doc => {
  return { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind, ...more };
};
const refusal = (code: number, reason: string, { group, resource }: About, name: string, message: string, more?: Doc): ApiError =>
  new ApiError(code, reason, message, named(name, group, resource, more));

export const badRequest = (message: string): ApiError => new ApiError(400, 'BadRequest', message);
export const notFound = (kind: About, name: string): ApiError => refusal(404, 'NotFound', kind, name, `${about(kind, name)} not found`);
export const noSuchResource = (): ApiError => new ApiError(404, 'NotFound', 'the server could not find the requested resource', {});
export const alreadyExists = (kind: About, name: string, isDying: boolean): ApiError =>
  refusal(409, 'AlreadyExists', kind, name, `${isDying ? 'object is being deleted: ' : ''}${about(kind, name)} already exists`);
export const conflict = (kind: About, name: string, why: string): ApiError =>
  refusal(409, 'Conflict', kind, name, `Operation cannot be fulfilled on ${about(kind, name)}: ${why}`);
export const forbidden = (kind: About, name: string, why: string, more?: Doc): ApiError =>
  refusal(403, 'Forbidden', kind, name, `${about(kind, name)} is forbidden: ${why}`, more);
/** What a sandbox does not do: says so, by name. */
export const notImplemented = (feature: string): ApiError =>
  new ApiError(501, 'NotImplemented', `the sandbox does not do this: ${feature}`, {});

export function invalid({ group, kind }: Pick<About, 'group' | 'kind'>, name: string, causes: readonly Cause[]): ApiError {
  const words = [...new Set(causes.map(({ field, message }) => `${field}: ${message}`))];
  const said = words.length === 1 ? words[0] : `[${words.join(', ')}]`;
  return new ApiError(422, 'Invalid', `${full(kind, group)} "${name}" is invalid: ${said}`, named(name, group, kind, { causes }));
}
