import { gunzipSync, gzipSync } from 'node:zlib';
import {
  bytes,
  DecodeError,
  digest,
  integer,
  list,
  name,
  oneOf,
  optional,
  parseJson,
  type Problems,
  type Read,
  readDocument,
  shape,
  text,
  uint32Max,
} from './decode.ts';
import {
  type Ancestor,
  type Assignment,
  AssignmentMode,
  AssignmentState,
  type Cause,
  DeletionPolicy,
  DesiredState,
  type PruneApproval,
  type Variant,
} from './gen/wheelhouse/v1/desired.ts';

export const desiredPayloadType = 'application/vnd.wheelhouse.desired-state.v1+json+gzip';

export const desiredLimits = {
  compressedBytesMax: 768 * 1024,
  rawBytesMax: 4 * 1024 * 1024,
  assignmentsMax: 2_000,
  ancestorsMax: 64,
  inputsBytesMax: 8 * 1024,
} as const;

/** Bytes of a generation's hash that `ancestors` carry. */
export const ancestorHashBytes = 8;

/**
 * Features of the document's format that this version understands; `DesiredState.requires` names those that a reader must know. The first format needs
 * none. What an assignment requires is another list, kept by who carries assignments out.
 */
export const documentFeatures: ReadonlySet<string> = new Set();

const feature = text(63);
const ancestor = shape<Ancestor>({ generation: integer(1), hash: bytes(ancestorHashBytes, ancestorHashBytes) });
const variant = shape<Variant>({ repository: text(512, /^[^\s/]+(\/[^\s/]+)+$/, 'host[:port]/path'), digest, layerHash: digest });
const pruneApproval = shape<PruneApproval>({ id: text(128), revision: digest, objectsMax: integer(1, uint32Max) });
const cause = shape<Cause>({ rollout: optional(text(128), ''), traceparent: optional(text(128), '') });

const always = {
  uid: name,
  state: oneOf(AssignmentState),
  takesOver: list(name, 64, (uid) => uid),
  requires: list(feature, 64),
  pruneApproval: optional(pruneApproval, undefined),
  cause: optional(cause, undefined),
};
const active = shape<Assignment>({
  ...always,
  tenant: name,
  app: name,
  environment: name,
  mode: oneOf(AssignmentMode),
  revision: digest,
  indexDigest: digest,
  variant,
  inputs: bytes(1, desiredLimits.inputsBytesMax),
  deletionPolicy: optional(oneOf(DeletionPolicy), DeletionPolicy.DELETION_POLICY_UNSPECIFIED),
});
/** A tombstone says only whom it ends and what becomes of the objects; how the placement once ran may be absent, never wrong. */
const removed = shape<Assignment>({
  ...always,
  tenant: optional(name, ''),
  app: optional(name, ''),
  environment: optional(name, ''),
  mode: optional(oneOf(AssignmentMode), AssignmentMode.ASSIGNMENT_MODE_UNSPECIFIED),
  revision: optional(digest, ''),
  indexDigest: optional(digest, ''),
  variant: optional(variant, undefined),
  inputs: optional(bytes(0, desiredLimits.inputsBytesMax), Buffer.alloc(0)),
  deletionPolicy: oneOf(DeletionPolicy),
});
const assignment: Read<Assignment> = (value, path, problems) =>
  (field(value, 'state') === AssignmentState.ASSIGNMENT_STATE_REMOVED ? removed : active)(value, path, problems);

const document = shape<DesiredState>({
  fleetId: name,
  clusterUid: name,
  epoch: integer(1),
  generation: integer(1),
  ancestors: list(ancestor, desiredLimits.ancestorsMax),
  keysetVersion: integer(1, uint32Max),
  requires: list(feature, 64),
  assignments: list(assignment, desiredLimits.assignmentsMax, (a) => a.uid),
});

const desiredState: Read<DesiredState> = (value, path, problems) => {
  const state = document(value, path, problems);
  checkAncestors(state, path, problems);
  return state;
};

function checkAncestors(state: DesiredState, path: string, problems: Problems): void {
  // A generation that could not be read is one problem, not one for each ancestor.
  let above = state.generation || Infinity;
  for (const [index, { generation }] of state.ancestors.entries()) {
    if (generation >= above)
      problems.add(`${path}.ancestors[${index}].generation`, `must be below ${above}: newest first, all older than the state`);
    above = generation;
  }
}

const field = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;

/**
 * Payload bytes of an opened envelope -> the state they describe. Throws DecodeError: TOO_LARGE, NOT_GZIP, NOT_JSON, INVALID (with every problem) or
 * UNSUPPORTED (`requires` names what `features` lacks; asked before anything else, because the rest may be written in a way that is not known here).
 */
export function decodeDesired(payload: Uint8Array, features: ReadonlySet<string> = documentFeatures): DesiredState {
  const json = parseJson(gunzip(payload));
  const seen = fenceOf(json);
  const required = field(json, 'requires');
  const unknown = Array.isArray(required) ? required.filter((f): f is string => typeof f === 'string' && !features.has(f)) : [];
  if (unknown.length > 0) {
    const message = `needs ${unknown
      .slice(0, 5)
      .map((f) => f.slice(0, 63))
      .join(', ')}`;
    throw new DecodeError('UNSUPPORTED', [{ path: '$.requires', message }], seen ? { seen } : {});
  }
  return readDocument(json, desiredState, seen);
}

function gunzip(payload: Uint8Array): Buffer {
  const { compressedBytesMax, rawBytesMax } = desiredLimits;
  if (payload.byteLength > compressedBytesMax) throw tooLarge(`${payload.byteLength} bytes compressed, at most ${compressedBytesMax}`);
  try {
    return gunzipSync(payload, { maxOutputLength: rawBytesMax });
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(`more than ${rawBytesMax} bytes uncompressed`);
    throw new DecodeError('NOT_GZIP', [{ path: '$', message: 'not gzip' }], { cause: error });
  }
}

const tooLarge = (message: string): DecodeError => new DecodeError('TOO_LARGE', [{ path: '$', message }]);

function fenceOf(json: unknown): DecodeError['seen'] {
  // Of an object that has a toString of its own no number can be made: that throws.
  const numeral = (name: string): number => {
    const value = field(json, name);
    return typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN;
  };
  const [epoch, generation] = [numeral('epoch'), numeral('generation')];
  return Number.isSafeInteger(epoch) && Number.isSafeInteger(generation) ? { epoch, generation } : undefined;
}

/**
 * The state as payload bytes, assignments sorted by uid. Refuses, as the reader would, what is wrong or over a limit: nothing is published that a spoke
 * would not read. The bytes are stored with the record and published as stored, so they need not come out the same on another machine (zlib's do not).
 */
export function encodeDesired(state: DesiredState): Uint8Array {
  const assignments = state.assignments.toSorted((a, b) => (a.uid < b.uid ? -1 : a.uid > b.uid ? 1 : 0));
  const json = DesiredState.toJSON({ ...state, assignments });
  readDocument(json, desiredState, fenceOf(json));
  const raw = Buffer.from(JSON.stringify(json));
  if (raw.byteLength > desiredLimits.rawBytesMax)
    throw tooLarge(`${raw.byteLength} bytes uncompressed, at most ${desiredLimits.rawBytesMax}`);
  const payload = gzipSync(raw, { level: 6 });
  if (payload.byteLength > desiredLimits.compressedBytesMax) {
    throw tooLarge(`${payload.byteLength} bytes compressed, at most ${desiredLimits.compressedBytesMax}`);
  }
  return payload;
}
