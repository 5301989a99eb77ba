import { Identity, type Hops } from '#proto/mod.ts';
import type { Fence } from '../../shared/kernel/mod.ts';
import type { AssignmentRecord, ContentRecord } from '../assignments/mod.ts';
import { decodeInventory, encodeInventory } from '../inventory/mod.ts';
import { cellMaxBytes, type Data } from './cells.ts';
import { StateError } from './errors.ts';

// Records to the bytes of Secrets and back. Pure. Reading is strict: what is not understood is UNREADABLE, and never less than was written.

/** Who this spoke is. Both parts are absent on the first start; `own` is kept before the hub is asked for the rest. */
export interface IdentityRecord {
  readonly own?: {
    /** PKCS#8 PEM of the client certificate's key. */
    readonly keyPem: string;
    readonly natsSeed: string;
    /** SPKI of the fleet's root, from the join token. */
    readonly rootSpki: Uint8Array;
    /** UID of the `kube-system` namespace of the cluster that these keys were made in: in any other cluster they are a copy. */
    readonly kubeSystemUid: string;
  };
  /** What the hub answered, as it came: certificate, NATS credentials, endpoints, signed keyset and trust policies, floor. */
  readonly identity?: Identity;
}

/** The last accepted desired state. */
export interface DesiredRecord {
  readonly fence: Fence & { readonly hash: Uint8Array };
  /** The bytes of the envelope as received. */
  readonly envelope: Uint8Array;
}

const format = '1';
type Bytes = Map<string, Uint8Array>;
const utf8 = (text: string): Uint8Array => Buffer.from(text);

export function identityData(record: IdentityRecord, holder: string): Data {
  const data: Bytes = new Map([
    ['format', utf8(format)],
    ['holder', utf8(holder)],
  ]);
  if (record.own) {
    data.set('key.pem', utf8(record.own.keyPem));
    data.set('nats-seed', utf8(record.own.natsSeed));
    data.set('root-spki', record.own.rootSpki);
    data.set('kube-system-uid', utf8(record.own.kubeSystemUid));
  }
  if (record.identity) data.set('identity', Identity.encode(record.identity).finish());
  return data;
}

export function identityFrom(data: Data): IdentityRecord {
  const read = reader('wheelhouse-identity', data);
  const own = data.has('key.pem') && {
    keyPem: read.text('key.pem'),
    natsSeed: read.text('nats-seed'),
    rootSpki: read.bytes('root-spki'),
    kubeSystemUid: read.text('kube-system-uid'),
  };
  return {
    ...(own ? { own } : {}),
    ...(data.has('identity') ? { identity: read.parsed('identity', (bytes) => Identity.decode(bytes)) } : {}),
  };
}

export const holderIn = (data: Data): string => Buffer.from(data.get('holder') ?? []).toString('utf8');

export function desiredData({ fence, envelope }: DesiredRecord): Data {
  return new Map([
    ['format', utf8(format)],
    ['fence', utf8(JSON.stringify([fence.epoch, fence.generation]))],
    ['hash', fence.hash],
    ['envelope', envelope],
  ]);
}

export function desiredFrom(data: Data): DesiredRecord {
  const read = reader('wheelhouse-desired', data);
  const fence = read.json('fence');
  const hash = read.bytes('hash');
  const [epoch, generation] = Array.isArray(fence) ? (fence as unknown[]) : [];
  if (!isCount(epoch) || !isCount(generation) || hash.byteLength !== 32) throw read.unreadable('the fence is none');
  return { fence: { epoch, generation, hash }, envelope: read.bytes('envelope') };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const stages = ['applied', 'applying'] as const;

/** Layers are kept under their hash, once, and only as far as they fit; the one that runs comes first. Throws TOO_LARGE when even the rest does not fit. */
export function assignmentData(record: AssignmentRecord): Data {
  const data: Bytes = new Map([
    ['format', utf8(format)],
    ['inventory', encodeInventory(record.inventory)],
  ]);
  if (record.rebuilding) data.set('rebuilding', utf8('true'));
  for (const stage of stages) {
    const content = record[stage];
    if (!content) continue;
    const { revision, indexDigest, layerHash, appliedAtMs, added, reached, healthy } = content;
    data.set(stage, utf8(JSON.stringify({ revision, indexDigest, layerHash, appliedAtMs, added, reached, healthy })));
    data.set(`${stage}-inputs`, content.inputs);
  }
  for (const stage of stages) {
    const { layer, layerHash } = record[stage] ?? {};
    if (layer && layerHash && sizeOf(data) + layer.byteLength <= cellMaxBytes) data.set(layerKey(layerHash), layer);
  }
  return data;
}

export function assignmentFrom(name: string, data: Data): AssignmentRecord {
  const read = reader(name, data);
  const contents = stages.filter((stage) => data.has(stage)).map((stage) => [stage, contentFrom(read, stage, data)]);
  const rebuilding = data.has('rebuilding') ? { rebuilding: true as const } : {};
  return {
    inventory: read.parsed('inventory', decodeInventory),
    ...rebuilding,
    ...(Object.fromEntries(contents) as Partial<AssignmentRecord>),
  };
}

function contentFrom(read: Reader, stage: 'applied' | 'applying', data: Data): ContentRecord {
  const value = read.json(stage) as Partial<ContentRecord> | null;
  const { revision, indexDigest, layerHash, appliedAtMs, added, reached, healthy } = value ?? {};
  if (!isText(revision) || !isText(indexDigest) || !isText(layerHash) || !isCount(appliedAtMs))
    throw read.unreadable(`${stage} is incomplete`);
  if (added !== undefined && !isCount(added)) throw read.unreadable(`${stage} has a count that is none`);
  if (healthy !== undefined && !isHops(healthy)) throw read.unreadable(`${stage} has hops that are none`);
  const layer = data.get(layerKey(layerHash));
  return {
    revision,
    indexDigest,
    layerHash,
    appliedAtMs,
    inputs: read.bytes(`${stage}-inputs`),
    ...(layer ? { layer } : {}),
    ...(added === undefined ? {} : { added }),
    ...(reached === true ? { reached: true as const } : {}),
    ...(healthy ? { healthy } : {}),
  };
}

const isHops = (value: unknown): value is Hops =>
  typeof value === 'object' && value !== null && Object.values(value).every((seconds) => typeof seconds === 'number');
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const layerKey = (hash: string): string => `layer-${hash.replace(/^sha256:/, '')}`;
const sizeOf = (data: Data): number => data.values().reduce((sum, bytes) => sum + bytes.byteLength, 0);

interface Reader {
  bytes(key: string): Uint8Array;
  text(key: string): string;
  json(key: string): unknown;
  parsed<T>(key: string, parse: (bytes: Uint8Array) => T): T;
  unreadable(why: string, cause?: unknown): StateError;
}

/** Reads the keys of one Secret; what is missing or broken is an error that names the Secret and the key, never the value. */
function reader(name: string, data: Data): Reader {
  const unreadable = (why: string, cause?: unknown): StateError =>
    new StateError('UNREADABLE', `Secret ${name}: ${why}; restore it, or remove it on purpose`, { cause });
  const bytes = (key: string): Uint8Array => {
    const value = data.get(key);
    if (!value || value.byteLength === 0) throw unreadable(`${key} is missing`);
    return value;
  };
  const parsed = <T>(key: string, parse: (value: Uint8Array) => T): T => {
    const value = bytes(key);
    try {
      return parse(value);
    } catch {
      // The parser's words may quote what it stumbled over.
      throw unreadable(`${key} cannot be read`);
    }
  };
  const text = (key: string): string => parsed(key, (value) => new TextDecoder('utf-8', { fatal: true }).decode(value));
  if (text('format') !== format) throw unreadable('it was written by another version of the spoke');
  return {
    bytes,
    text,
    parsed,
    unreadable,
    json: (key) => parsed(key, (value) => JSON.parse(Buffer.from(value).toString('utf8')) as unknown),
  };
}
