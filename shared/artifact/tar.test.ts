import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { artifactLimits } from './limits.ts';
import { ArtifactError, type ArtifactCode } from './errors.ts';
import { pax, rawTar, type RawEntry } from './raw-tar.ts';
import { pack, unpack, type Files } from './tar.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const textsOf = (files: Files): Record<string, string> =>
  Object.fromEntries([...files].map(([path, body]) => [path, Buffer.from(body).toString()]));
const file = (name: string, body = 'a'): RawEntry => ({ name, body });
const good = file('good.yaml');
const limits = { ...artifactLimits, entriesMax: 5, fileMaxBytes: 600, archiveMaxBytes: 8 * 1024 };

const hostile: readonly (readonly [name: string, archive: Uint8Array, code: ArtifactCode, says: RegExp])[] = [
  ['a symbolic link', rawTar([good, { name: 'l.yaml', type: '2', link: '/etc/passwd' }]), 'ENTRY_TYPE', /"l\.yaml" is a symbolic link/],
  ['a hard link', rawTar([good, { name: 'h.yaml', type: '1', link: 'good.yaml' }]), 'ENTRY_TYPE', /"h\.yaml" is a hard link/],
  ['a character device', rawTar([good, { name: 'null', type: '3' }]), 'ENTRY_TYPE', /"null" is a character device/],
  ['a block device', rawTar([good, { name: 'sda', type: '4' }]), 'ENTRY_TYPE', /"sda" is a block device/],
  ['a FIFO', rawTar([good, { name: 'pipe', type: '6' }]), 'ENTRY_TYPE', /"pipe" is a FIFO/],
  ['a contiguous file', rawTar([good, { name: 'c', type: '7', body: 'a' }]), 'ENTRY_TYPE', /"c" is a thing of type "7"/],
  ['a GNU sparse file', rawTar([good, { name: 's', type: 'S', body: 'a' }]), 'ENTRY_TYPE', /"s" is a sparse file/],
  ['a type nobody knows', rawTar([good, { name: 'v', type: 'V' }]), 'ENTRY_TYPE', /"v" is a thing of type "V"/],
  [
    'a pax sparse file',
    rawTar([{ name: 'x', type: 'x', body: pax({ 'GNU.sparse.major': '1' }) }, good]),
    'ENTRY_TYPE',
    /GNU\.sparse\.major/,
  ],
  ['a link in a pax header', rawTar([{ name: 'x', type: 'x', body: pax({ linkpath: '/etc' }) }, good]), 'ENTRY_TYPE', /linkpath/],
  ['.. in front', rawTar([good, file('../evil')]), 'ENTRY_NAME', /"\.\.\/evil": the name climbs/],
  ['.. within', rawTar([good, file('a/../../evil')]), 'ENTRY_NAME', /climbs/],
  ['.. behind ./', rawTar([good, file('./../evil')]), 'ENTRY_NAME', /climbs/],
  ['.. through a prefix', rawTar([good, { name: 'evil', body: 'a', prefix: '..' }]), 'ENTRY_NAME', /"\.\.\/evil": the name climbs/],
  ['.. through a pax header', rawTar([{ name: 'x', type: 'x', body: pax({ path: '../evil' }) }, good]), 'ENTRY_NAME', /climbs/],
  ['.. through a GNU long name', rawTar([{ name: 'L', type: 'L', body: '../evil\0' }, good]), 'ENTRY_NAME', /climbs/],
  ['.. as a directory', rawTar([good, { name: '../', type: '5' }]), 'ENTRY_NAME', /climbs/],
  ['an absolute path', rawTar([good, file('/etc/passwd')]), 'ENTRY_NAME', /"\/etc\/passwd": the name is absolute/],
  ['a backslash', rawTar([good, file('..\\evil')]), 'ENTRY_NAME', /backslash/],
  ['a new line in a name', rawTar([good, file('a\nb')]), 'ENTRY_NAME', /control character/],
  ['a NUL inside a pax path', rawTar([{ name: 'x', type: 'x', body: pax({ path: 'a\0b' }) }, good]), 'ENTRY_NAME', /control character/],
  ['an empty name', rawTar([good, file('')]), 'ENTRY_NAME', /empty/],
  ['an empty segment', rawTar([good, file('a//b')]), 'ENTRY_NAME', /empty or "\."/],
  ['a file that ends in /', rawTar([good, file('a/')]), 'ENTRY_NAME', /empty or "\."/],
  ['a name that is not UTF-8', rawTar([good, { name: Uint8Array.of(0x61, 0xff), body: 'a' }]), 'ENTRY_NAME', /not UTF-8: "aÿ"/],
  ['a name longer than 1,024 bytes', rawTar([{ name: 'L', type: 'L', body: 'x'.repeat(1025) }, good]), 'ENTRY_NAME', /longer than 1024/],
  ['the same file twice', rawTar([good, good]), 'ENTRY_DUPLICATE', /"good\.yaml" is there twice/],
  ['the same file behind ./', rawTar([good, file('./good.yaml')]), 'ENTRY_DUPLICATE', /"good\.yaml"/],
  ['the same directory twice', rawTar([good, { name: 'd/', type: '5' }, { name: 'd', type: '5' }]), 'ENTRY_DUPLICATE', /"d"/],
  ['a file under a file', rawTar([file('a'), file('a/b')]), 'ENTRY_DUPLICATE', /"a"/],
  ['a file over a directory', rawTar([file('a/b/c'), file('a')]), 'ENTRY_DUPLICATE', /"a"/],
  ['a directory over a file', rawTar([file('a'), { name: 'a/', type: '5' }]), 'ENTRY_DUPLICATE', /"a"/],
  ['a file above the limit', rawTar([file('big', 'a'.repeat(601))]), 'ENTRY_TOO_LARGE', /"big" has 601 bytes, at most 600/],
  [
    'an archive above the limit',
    rawTar(
      Array.from({ length: 5 }, (_, i) => file(`${i}`)),
      new Uint8Array(8192),
    ),
    'ARCHIVE_TOO_LARGE',
    /at most 8192/,
  ],
  ['entries above the limit', rawTar(Array.from({ length: 6 }, (_, i) => file(`${i}`))), 'ENTRIES_TOO_MANY', /more than 5/],
  ['nothing at all', new Uint8Array(), 'ARCHIVE_MALFORMED', /end-of-archive/],
  ['no entry', rawTar([]), 'ARCHIVE_EMPTY', /no file/],
  ['only directories', rawTar([{ name: 'd/', type: '5' }]), 'ARCHIVE_EMPTY', /no file/],
  ['a wrong checksum', rawTar([{ ...good, checksum: 1 }]), 'ARCHIVE_MALFORMED', /byte 0 has a wrong checksum/],
  ['a size beyond the end', rawTar([{ ...good, size: 5000 }]), 'ARCHIVE_MALFORMED', /longer than what is left/],
  ['a size that is no number', rawTar([{ ...good, patch: [124, bytes('9999999')] }]), 'ARCHIVE_MALFORMED', /no readable size/],
  ['a size in base 256', rawTar([{ ...good, patch: [124, Uint8Array.of(0x80)] }]), 'ARCHIVE_MALFORMED', /no readable size/],
  ['a negative pax size', rawTar([{ name: 'x', type: 'x', body: pax({ size: '-1' }) }, good]), 'ARCHIVE_MALFORMED', /the size "-1"/],
  ['a pax record with a wrong length', rawTar([{ name: 'x', type: 'x', body: '99 path=a\n' }, good]), 'ARCHIVE_MALFORMED', /broken record/],
  [
    'a pax key twice',
    rawTar([{ name: 'x', type: 'x', body: pax({ path: 'a' }) + pax({ path: 'b' }) }, good]),
    'ARCHIVE_MALFORMED',
    /"path" twice/,
  ],
  [
    'two names for one entry',
    rawTar([{ name: 'L', type: 'L', body: 'a' }, { name: 'x', type: 'x', body: pax({ path: 'b' }) }, good]),
    'ARCHIVE_MALFORMED',
    /say the same/,
  ],
  [
    'a global header that renames',
    rawTar([{ name: 'g', type: 'g', body: pax({ path: 'a' }) }, good]),
    'ARCHIVE_MALFORMED',
    /global header sets "path"/,
  ],
  ['a metadata entry at the end', rawTar([good, { name: 'L', type: 'L', body: 'a' }]), 'ARCHIVE_MALFORMED', /nothing that it belongs to/],
  ['a directory with content', rawTar([good, { name: 'd/', type: '5', body: 'a' }]), 'ARCHIVE_MALFORMED', /has content/],
  ['no end mark', rawTar([good], new Uint8Array()), 'ARCHIVE_MALFORMED', /end-of-archive/],
  ['half an end mark', rawTar([good], new Uint8Array(512)), 'ARCHIVE_MALFORMED', /end-of-archive/],
  ['an archive behind the end', Buffer.concat([rawTar([good]), rawTar([file('late')])]), 'ARCHIVE_MALFORMED', /followed by data/],
];

for (const [name, archive, code, says] of hostile) {
  test(`unpack refuses ${name}`, () => {
    assert.throws(
      () => unpack(archive, limits),
      (error) => {
        assert.ok(error instanceof ArtifactError, String(error));
        assert.equal(error.code, code, error.message);
        assert.match(error.message, says);
        return true;
      },
    );
  });
}

const accepted: readonly (readonly [name: string, archive: Uint8Array, files: Record<string, string>])[] = [
  [
    'directories and files as Flux lists them',
    rawTar([{ name: '.', type: '5' }, { name: 'd', type: '5' }, file('d/a.yaml')]),
    { 'd/a.yaml': 'a' },
  ],
  [
    'what `tar -C . .` writes',
    rawTar([{ name: './', type: '5' }, file('./a.yaml'), { name: './d/', type: '5' }, file('./d/b')]),
    { 'a.yaml': 'a', 'd/b': 'a' },
  ],
  ['a directory listed after its file', rawTar([file('d/a'), { name: 'd/', type: '5' }]), { 'd/a': 'a' }],
  ['padding to a record of 10 KiB', rawTar([good], new Uint8Array(6 * 1024)), { 'good.yaml': 'a' }],
  ['a name of the first tar (type NUL)', rawTar([{ ...good, type: '\0' }]), { 'good.yaml': 'a' }],
  ['a ustar prefix', rawTar([{ name: 'b', prefix: 'a', body: '1' }]), { 'a/b': '1' }],
  [
    'a pax path and size',
    rawTar([
      { name: 'x', type: 'x', body: pax({ mtime: '1.5', path: 'ö/a', size: '3' }) },
      { ...good, size: 0, body: 'abc' },
    ]),
    { 'ö/a': 'abc' },
  ],
  ['a GNU long name', rawTar([{ name: '././@LongLink', type: 'L', body: `${'n'.repeat(200)}\0` }, good]), { ['n'.repeat(200)]: 'a' }],
  [
    "git archive's comment",
    rawTar([{ name: 'pax_global_header', type: 'g', body: pax({ comment: 'c0ffee' }) }, good]),
    { 'good.yaml': 'a' },
  ],
  ['a set-uid bit, which means nothing here', rawTar([{ ...good, mode: 0o4755 }]), { 'good.yaml': 'a' }],
  ['names that objects have', rawTar([file('__proto__'), file('constructor')]), { ['__proto__']: 'a', constructor: 'a' }],
];

for (const [name, archive, files] of accepted)
  test(`unpack accepts ${name}`, () => assert.deepEqual(textsOf(unpack(archive, limits)), files));

test('the limits themselves still pass', () => {
  const full = new Map([['big', new Uint8Array(600)], ...[1, 2, 3, 4].map((i) => [`${i}`, new Uint8Array()] as const)]);
  assert.equal(full.size, limits.entriesMax);
  return pack(full, limits).then((tar) => assert.deepEqual([...unpack(tar, limits).keys()], ['1', '2', '3', '4', 'big']));
});

test('pack refuses what unpack would refuse', async () => {
  const refusals: readonly (readonly [Files, ArtifactCode])[] = [
    [new Map([['../a', bytes('')]]), 'ENTRY_NAME'],
    [new Map([['/a', bytes('')]]), 'ENTRY_NAME'],
    [new Map([['a\ud800', bytes('')]]), 'ENTRY_NAME'],
    [
      new Map([
        ['a', bytes('')],
        ['a/b', bytes('')],
      ]),
      'ENTRY_DUPLICATE',
    ],
    [new Map([['a', new Uint8Array(601)]]), 'ENTRY_TOO_LARGE'],
    [new Map(Array.from({ length: 6 }, (_, i) => [`${i}`, bytes('')])), 'ENTRIES_TOO_MANY'],
    [new Map(Array.from({ length: 5 }, (_, i) => [`${'n'.repeat(300)}${i}`, new Uint8Array(600)])), 'ARCHIVE_TOO_LARGE'],
  ];
  for (const [files, code] of refusals) await assert.rejects(pack(files, limits), { name: 'ArtifactError', code });
});

/** Names of all lengths that tar writes differently (100, 155, 256), in letters of one to four bytes. */
const segment = fc
  .string({ unit: fc.constantFrom('a', 'b', 'Z', '0', '.', '-', ' ', 'é', '文', '𝒳'), minLength: 1, maxLength: 120 })
  .filter((s) => s !== '.' && s !== '..');
const paths = fc
  .array(segment, { minLength: 1, maxLength: 4 })
  .map((s) => s.join('/'))
  .filter((p) => Buffer.byteLength(p) <= 1024);
const someFiles = fc
  .uniqueArray(fc.tuple(paths, fc.uint8Array({ maxLength: 1300 })), { selector: ([path]) => path, minLength: 1, maxLength: 8 })
  .filter((all) => !all.some(([a]) => all.some(([b]) => b.startsWith(`${a}/`))));

test('law: what was packed is what is unpacked, in the order of bytes', async () => {
  await fc.assert(
    fc.asyncProperty(someFiles, async (entries) => {
      const read = unpack(await pack(new Map(entries)));
      assert.deepEqual(new Map([...read].map(([path, body]) => [path, Uint8Array.from(body)])), new Map(entries));
      assert.deepEqual(
        [...read.keys()],
        entries.map(([path]) => path).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
      );
    }),
  );
});

test('law: the order in which files are given changes no byte', async () => {
  await fc.assert(
    fc.asyncProperty(
      someFiles.chain((entries) => fc.tuple(fc.constant(entries), fc.shuffledSubarray(entries, { minLength: entries.length }))),
      async ([a, b]) => {
        assert.deepEqual(await pack(new Map(a)), await pack(new Map(b)));
      },
    ),
  );
});

test('law: no bytes make unpack do anything but answer or refuse with a code', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ name: fc.string(), type: fc.constantFrom('0', '5', 'x', 'g', 'L', '2'), body: fc.string() }), { maxLength: 4 }),
      fc.nat(),
      fc.nat(255),
      (entries, at, value) => {
        const archive = Uint8Array.from(rawTar(entries));
        archive[at % archive.length] = value;
        try {
          unpack(archive);
        } catch (error) {
          assert.ok(error instanceof ArtifactError, String(error));
        }
      },
    ),
  );
});
