import type { Doc } from './values.ts';

/** What a field of a document is refused for. */
export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** An answer that is no success: the Status that Kubernetes would send. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: number;
  readonly reason: string;
  readonly details: Doc | undefined;
  constructor(code: number, reason: string, message: string, details?: Doc) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  get status(): Doc {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason === '' ? {} : { reason: this.reason }),
      ...(this.details ? { details: this.details } : {}),
      code: this.code,
    };
  }
}

/** Which object an answer is about; `kind` is its resource ("deployments"), of an invalid one its kind. */
export interface About {
  readonly group: string;
  readonly resource: string;
  readonly kind: string;
}
const full = (name: string, group: string): string => (group === '' ? name : `${name}.${group}`);
const details = (name: string, group: string, kind: string, more: Doc = {}): Doc => ({
  ...(name === '' ? {} : { name }),
  ...(group === '' ? {} : { group }),
  kind,
  ...more,
});

export const badRequest = (message: string): ApiError => new ApiError(400, 'BadRequest', message);
export const notFound = ({ group, resource }: About, name: string): ApiError =>
  new ApiError(404, 'NotFound', `${full(resource, group)} "${name}" not found`, details(name, group, resource));
export const noSuchResource = (): ApiError => new ApiError(404, 'NotFound', 'the server could not find the requested resource', {});
export const alreadyExists = ({ group, resource }: About, name: string, isDying: boolean): ApiError =>
  new ApiError(
    409,
    'AlreadyExists',
    `${isDying ? 'object is being deleted: ' : ''}${full(resource, group)} "${name}" already exists`,
    details(name, group, resource),
  );
export const conflict = ({ group, resource }: About, name: string, why: string): ApiError =>
  new ApiError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${full(resource, group)} "${name}": ${why}`,
    details(name, group, resource),
  );
export const forbidden = ({ group, resource }: About, name: string, why: string, more: Doc = {}): ApiError =>
  new ApiError(403, 'Forbidden', `${full(resource, group)} "${name}" is forbidden: ${why}`, details(name, group, resource, more));
export const modified = (about: About, name: string): ApiError =>
  conflict(about, name, 'the object has been modified; please apply your changes to the latest version and try again');
export const gone = (message: string): ApiError => new ApiError(410, 'Expired', message);
/** What a sandbox does not do: says so, by name. */
export const notImplemented = (feature: string): ApiError =>
  new ApiError(501, 'NotImplemented', `the sandbox does not do this: ${feature}`, {
    causes: [{ reason: 'NotImplemented', message: feature }],
  });

export function invalid({ group, kind }: Pick<About, 'group' | 'kind'>, name: string, causes: readonly Cause[]): ApiError {
  const words = [...new Set(causes.map(({ field, message }) => `${field}: ${message}`))];
  const said = words.length === 1 ? words[0] : `[${words.join(', ')}]`;
  return new ApiError(
    422,
    'Invalid',
    `${full(kind, group)} "${name}" is invalid: ${said}`,
    kind === '' ? { causes } : details(name, group, kind, { causes }),
  );
}
