import { ArtifactError, quoted } from './errors.ts';
import type { ArtifactLimits } from './limits.ts';

/** A header that says what we accept; where its bytes are. The path is as written, without a leading `./` and a directory's last `/`. */
export type Entry =
  | { readonly kind: 'file'; readonly path: string; readonly start: number; readonly size: number }
  | { readonly kind: 'directory'; readonly path: string };

const block = 512;
const metadataMaxBytes = 64 * 1024;

/**
 * The entries of a tar archive (ustar, pax, GNU long names). Written for hostile bytes, which is why it is not a library's: general readers skip, rename or
 * reinterpret what they do not know (unknown types become files, names that are not UTF-8 are patched), and here everything not known must refuse.
 */
export function* readHeaders(bytes: Uint8Array, limits: ArtifactLimits): Generator<Entry> {
  let at = 0;
  let pending: Overrides = {};
  for (;;) {
    const head = bytes.subarray(at, at + block);
    if (head.byteLength < block) throw malformed('it ends without the end-of-archive mark');
    if (isZero(head)) break;
    checkChecksum(head, at);
    const type = String.fromCharCode(head[156] ?? 0);
    const start = at + block;
    const size = pending.size ?? sizeOf(head, at);
    if (size > bytes.byteLength - start) throw malformed(`the entry at byte ${at} is longer than what is left`);
    at = start + Math.ceil(size / block) * block;

    if (type === 'x' || type === 'g' || type === 'L') {
      if (size > metadataMaxBytes) throw malformed(`the metadata entry at byte ${start - block} has more than ${metadataMaxBytes} bytes`);
      const overrides = metadata[type](bytes.subarray(start, start + size));
      if (Object.keys(overrides).some((key) => key in pending)) throw malformed(`two metadata entries before byte ${at} say the same`);
      pending = { ...pending, ...overrides };
      continue;
    }
    yield entryOf(type, pending.path ?? nameOf(head), start, size, limits);
    pending = {};
  }
  if (pending.path !== undefined || pending.size !== undefined) throw malformed('a metadata entry has nothing that it belongs to');
  // Two zero blocks end an archive. More may pad it; anything else behind them would be content that one reader sees and another does not.
  if (bytes.byteLength < at + 2 * block || !isZero(bytes.subarray(at)))
    throw malformed('the end-of-archive mark is cut or followed by data');
}

function entryOf(type: string, written: string, start: number, size: number, limits: ArtifactLimits): Entry {
  const path = written.replace(/^(\.\/+)+/, '');
  if (type === '0' || type === '\0') {
    if (size > limits.fileMaxBytes)
      throw new ArtifactError('ENTRY_TOO_LARGE', `entry ${quoted(path)} has ${size} bytes, at most ${limits.fileMaxBytes}`);
    return { kind: 'file', path, start, size };
  }
  if (type !== '5')
    throw new ArtifactError(
      'ENTRY_TYPE',
      `entry ${quoted(path)} is a ${typeNames[type] ?? `thing of type ${quoted(type)}`}; only files and directories are accepted`,
    );
  if (size !== 0) throw malformed(`the directory ${quoted(path)} has content`);
  return { kind: 'directory', path: path === '.' ? '' : path.replace(/\/$/, '') };
}

const typeNames: Readonly<Record<string, string>> = {
  '1': 'hard link',
  '2': 'symbolic link',
  '3': 'character device',
  '4': 'block device',
  '6': 'FIFO',
  K: 'link with a long target',
  S: 'sparse file',
};

/** What a metadata entry says about the entry after it. */
interface Overrides {
  readonly path?: string;
  readonly size?: number;
}

const metadata: Readonly<Record<'x' | 'g' | 'L', (body: Uint8Array) => Overrides>> = {
  x: (body) => {
    const records = paxRecords(body);
    for (const key of records.keys())
      if (key === 'linkpath' || key === 'hdrcharset' || key.startsWith('GNU.sparse.'))
        throw new ArtifactError('ENTRY_TYPE', `an extended header has ${quoted(key)}; only plain files and directories are accepted`);
    const path = records.get('path');
    const size = records.get('size');
    if (size !== undefined && !/^(0|[1-9]\d{0,14})$/.test(size)) throw malformed(`an extended header has the size ${quoted(size)}`);
    return { ...(path === undefined ? {} : { path }), ...(size === undefined ? {} : { size: Number(size) }) };
  },
  // git archive writes its commit here. Anything that changes entries would change all that follow.
  g: (body) => {
    for (const key of paxRecords(body).keys()) if (key !== 'comment') throw malformed(`a global header sets ${quoted(key)}`);
    return {};
  },
  L: (body) => ({ path: text(untilZero(body), 'a long name') }),
};

/** `<length> <key>=<value>\n`, the length counting all of it. */
function paxRecords(body: Uint8Array): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  let at = 0;
  while (at < body.byteLength) {
    const space = body.indexOf(0x20, at);
    const digits = space < 0 || space - at > 6 ? '' : Buffer.from(body.subarray(at, space)).toString('latin1');
    const end = at + Number(digits);
    if (!/^[1-9]\d*$/.test(digits) || end <= space + 1 || end > body.byteLength || body[end - 1] !== 0x0a)
      throw malformed('an extended header has a broken record');
    const equals = body.indexOf(0x3d, space);
    if (equals < 0 || equals >= end - 1 || equals === space + 1) throw malformed('an extended header has a record without key');
    const key = text(body.subarray(space + 1, equals), 'a key of an extended header');
    if (records.has(key)) throw malformed(`an extended header has ${quoted(key)} twice`);
    // Values that we use must be text; those that we pass over (extended attributes) need not be.
    const value = body.subarray(equals + 1, end - 1);
    records.set(key, key === 'path' || key === 'size' ? text(value, `${key} of an extended header`) : '');
    at = end;
  }
  return records;
}

function nameOf(head: Uint8Array): string {
  const name = untilZero(head.subarray(0, 100));
  const isUstar = Buffer.from(head.subarray(257, 263)).toString('latin1') === 'ustar\0';
  const prefix = isUstar ? untilZero(head.subarray(345, 500)) : new Uint8Array();
  return text(prefix.byteLength > 0 ? Buffer.concat([prefix, Buffer.from('/'), name]) : name, 'a name');
}

function untilZero(field: Uint8Array): Uint8Array {
  const end = field.indexOf(0);
  return end < 0 ? field : field.subarray(0, end);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function text(bytes: Uint8Array, what: string): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new ArtifactError('ENTRY_NAME', `${what} is not UTF-8: ${quoted(Buffer.from(bytes).toString('latin1'))}`, { cause });
  }
}

function sizeOf(head: Uint8Array, at: number): number {
  // The base-256 form is for sizes far above every limit here.
  const size = octal(head.subarray(124, 136));
  if (size === undefined) throw malformed(`the header at byte ${at} has no readable size`);
  return size;
}

function octal(field: Uint8Array): number | undefined {
  const digits = Buffer.from(field)
    .toString('latin1')
    .replace(/^ +/, '')
    .replace(/[ \0]+$/, '');
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : digits === '' ? 0 : undefined;
}

function checkChecksum(head: Uint8Array, at: number): void {
  let sum = 8 * 0x20;
  for (let i = 0; i < block; i++) if (i < 148 || i >= 156) sum += head[i] ?? 0;
  if (octal(head.subarray(148, 156)) !== sum) throw malformed(`the header at byte ${at} has a wrong checksum`);
}

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

const malformed = (why: string): ArtifactError => new ArtifactError('ARCHIVE_MALFORMED', `not a sound tar archive: ${why}`);
