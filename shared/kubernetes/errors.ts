import { refusals } from './schemas/tables.ts';
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

const words = refusals as Readonly<Record<string, readonly [code: number, reason: string, text: string]>>;
const full = (name: string, group: string): string => (group === '' ? name : `${name}.${group}`);
const named = (name: string, group: string, kind: string, more: Doc = {}): Doc => {
  return { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind, ...more };
};

/** What is refused, in the words of refusals.json; of an object, if one is named. `more` goes into the details. */
export function refusal(word: string, values: Doc = {}, of?: { readonly kind: About; readonly name: string }, more?: Doc): ApiError {
  const [code, reason, text] = words[word] ?? [500, '', word];
  const all: Doc = { ...values, who: of && `${full(of.kind.resource, of.kind.group)} "${of.name}"` };
  const message = text.replaceAll(/\{(\w+)\}/g, (_, key: string) => String(all[key]));
  const isPlain = [400, 410, 413].includes(code) || reason === '';
  return new ApiError(
    code,
    reason,
    message,
    of ? named(of.name, of.kind.group, of.kind.resource, more) : (more ?? (isPlain ? undefined : {})),
  );
}
export const badRequest = (why: string): ApiError => refusal('badRequest', { why });
/** What a sandbox does not do: says so, by name. */
export const notImplemented = (feature: string): ApiError => refusal('notImplemented', { feature });

export function invalid({ group, kind }: Pick<About, 'group' | 'kind'>, name: string, causes: readonly Cause[]): ApiError {
  const all = [...new Set(causes.map(({ field, message }) => `${field}: ${message}`))];
  const said = all.length === 1 ? all[0] : `[${all.join(', ')}]`;
  return new ApiError(422, 'Invalid', `${full(kind, group)} "${name}" is invalid: ${said}`, named(name, group, kind, { causes }));
}
