// Writes archives that no well-behaved writer would: what the tests of the reader are made of.

export interface RawEntry {
  readonly name: string | Uint8Array;
  readonly type?: string;
  readonly body?: Uint8Array | string;
  /** What the header says, when that is not the body's length. */
  readonly size?: number;
  readonly mode?: number;
  readonly link?: string;
  readonly prefix?: string;
  /** Written over the finished header, before its checksum is made. */
  readonly patch?: readonly [at: number, bytes: Uint8Array];
  readonly checksum?: number;
}

export const rawTar = (entries: readonly RawEntry[], end: Uint8Array = new Uint8Array(1024)): Uint8Array =>
  Buffer.concat([...entries.flatMap(rawEntry), end]);

function rawEntry(entry: RawEntry): Uint8Array[] {
  const body = Buffer.from(entry.body ?? '');
  const head = Buffer.alloc(512);
  const octal = (value: number, at: number, length: number): void => {
    head.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  };
  Buffer.from(entry.name).copy(head, 0, 0, 100);
  octal(entry.mode ?? 0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(entry.size ?? body.byteLength, 124, 12);
  octal(0, 136, 12);
  head.write(entry.type ?? '0', 156, 'latin1');
  head.write(entry.link ?? '', 157, 'utf8');
  head.write('ustar\x0000', 257, 'latin1');
  head.write(entry.prefix ?? '', 345, 'utf8');
  if (entry.patch) Buffer.from(entry.patch[1]).copy(head, entry.patch[0]);
  head.fill(0x20, 148, 156);
  head.write(`${(entry.checksum ?? head.reduce((sum, byte) => sum + byte, 0)).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return [head, body, Buffer.alloc((512 - (body.byteLength % 512)) % 512)];
}

export const pax = (records: Readonly<Record<string, string>>): string =>
  Object.entries(records)
    .map(([key, value]) => {
      const rest = Buffer.byteLength(` ${key}=${value}\n`);
      let length = rest + String(rest).length;
      length = rest + String(length).length;
      return `${length} ${key}=${value}\n`;
    })
    .join('');
