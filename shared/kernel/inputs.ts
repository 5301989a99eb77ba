import { canonicalJson, type Json } from './canonical-json.ts';
import { CodedError } from './errors.ts';
import { inputsMaxBytes } from './revision.ts';
import { apiVersion } from './words.ts';

/**
 * Everything resolved for one placement, beside its content: an immutable snapshot, part of the revision. The hub writes it as RFC 8785 JSON, the spoke
 * hashes the very bytes again. Both ends share this one definition because a difference would be a side door.
 */
export interface Inputs {
  readonly apiVersion: typeof apiVersion;
  /** Where objects go that name no namespace. */
  readonly namespace: string;
  /** Name of the tenant's service account in `wheelhouse-tenants`, under which everything is applied. */
  readonly serviceAccount: string;
  /** The tenant's boundaries. Namespaces are exact names; kinds are `Kind` or `Kind.group`, cluster-scoped ones only by being named here. */
  readonly allow: { readonly namespaces: readonly string[]; readonly kinds: readonly string[] };
  readonly parameters: { readonly [name: string]: string };
  /** The brake: one step removes at most this share (0-1) of the inventory without an approval. */
  readonly prune: { readonly shareMax: number };
  /** How long applied objects may be Progressing before that is a failure. */
  readonly health: { readonly timeoutMs: number };
}

export function inputsBytes(inputs: Inputs): Uint8Array {
  const bytes = Buffer.from(canonicalJson(inputs as unknown as Json));
  if (bytes.byteLength > inputsMaxBytes)
    throw new CodedError(
      'INPUTS_TOO_LARGE',
      `inputs are ${bytes.byteLength} bytes, at most ${inputsMaxBytes}: shorten parameters or namespaces`,
    );
  return bytes;
}

const isStrings = (value: unknown): value is string[] => Array.isArray(value) && value.every((item) => typeof item === 'string');
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Strict: what is missing or of another type refuses the assignment; unknown fields pass. */
export function parseInputs(bytes: Uint8Array): Inputs {
  if (bytes.byteLength > inputsMaxBytes)
    throw new CodedError('INPUTS_TOO_LARGE', `inputs are ${bytes.byteLength} bytes, at most ${inputsMaxBytes}`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new CodedError('INPUTS_MALFORMED', 'inputs are not UTF-8 JSON', { cause });
  }
  const wrong = (field: string): never => {
    throw new CodedError('INPUTS_MALFORMED', `inputs: ${field} is missing or of the wrong type`);
  };
  if (!isRecord(value)) return wrong('the document');
  const { allow, prune, health, parameters } = value;
  if (value['apiVersion'] !== apiVersion) return wrong('apiVersion');
  if (typeof value['namespace'] !== 'string' || value['namespace'] === '') return wrong('namespace');
  if (typeof value['serviceAccount'] !== 'string' || value['serviceAccount'] === '') return wrong('serviceAccount');
  if (!isRecord(allow) || !isStrings(allow['namespaces']) || !isStrings(allow['kinds'])) return wrong('allow');
  if (!isRecord(parameters) || !isStrings(Object.values(parameters))) return wrong('parameters');
  if (!isRecord(prune) || typeof prune['shareMax'] !== 'number' || !(prune['shareMax'] >= 0 && prune['shareMax'] <= 1))
    return wrong('prune.shareMax');
  if (!isRecord(health) || typeof health['timeoutMs'] !== 'number' || !(health['timeoutMs'] > 0)) return wrong('health.timeoutMs');
  return value as unknown as Inputs;
}
