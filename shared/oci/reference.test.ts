import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { OciError } from './errors.ts';
import { formatReference, formatRepository, parseReference, parseRepository, type Reference } from './reference.ts';

const hex = 'a'.repeat(64);

const read: readonly (readonly [text: string, reference: Reference])[] = [
  ['registry.example/shop:v1', { registry: 'registry.example', path: 'shop', tag: 'v1' }],
  ['127.0.0.1:5000/acme/shop:v1', { registry: '127.0.0.1:5000', path: 'acme/shop', tag: 'v1' }],
  ['localhost:5000/a/b__c/d-e--f/g.h:_x', { registry: 'localhost:5000', path: 'a/b__c/d-e--f/g.h', tag: '_x' }],
  [`[::1]:5000/shop@sha256:${hex}`, { registry: '[::1]:5000', path: 'shop', digest: `sha256:${hex}` }],
  [`registry.example/shop:v1@sha256:${hex}`, { registry: 'registry.example', path: 'shop', tag: 'v1', digest: `sha256:${hex}` }],
  [`R.example/shop:${'t'.repeat(128)}`, { registry: 'R.example', path: 'shop', tag: 't'.repeat(128) }],
];
for (const [text, reference] of read)
  test(`reads ${text.slice(0, 50)}`, () => {
    assert.deepEqual(parseReference(text), reference);
    assert.equal(formatReference(reference), text);
  });

const refused: readonly (readonly [name: string, text: string, why: RegExp])[] = [
  ['nothing', '', /has a :tag or an @digest/],
  ['no host', 'shop:v1', /has a :tag/],
  ['no path', 'registry.example/:v1', /path/],
  ['neither tag nor digest', 'registry.example:5000/shop', /has a :tag or an @digest/],
  ['an empty tag', 'registry.example/shop:', /tag is not/],
  ['a tag that begins with a dot', 'registry.example/shop:.x', /tag is not/],
  ['a tag of 129 characters', `registry.example/shop:${'t'.repeat(129)}`, /tag is not/],
  ['a tag with a slash', 'registry.example/shop:a/b', /tag is not/],
  ['an empty digest', 'registry.example/shop@', /digest is not/],
  ['a short digest', 'registry.example/shop@sha256:aa', /digest is not/],
  ['upper-case hex', `registry.example/shop@sha256:${'A'.repeat(64)}`, /digest is not/],
  ['another algorithm', `registry.example/shop@sha512:${hex}${hex}`, /digest is not/],
  ['two digests', `registry.example/shop@sha256:${hex}@sha256:${hex}`, /more than one @/],
  ['a user in front', 'user@registry.example/shop:v1', /digest is not/],
  ['a scheme', 'https://registry.example/shop:v1', /host/],
  ['upper-case path', 'registry.example/Shop:v1', /path is not/],
  ['.. in the path', 'registry.example/../shop:v1', /path is not/],
  ['an empty name in the path', 'registry.example/a//b:v1', /path is not/],
  ['a slash at the end', 'registry.example/a/:v1', /path is not/],
  ['a query', 'registry.example/shop?x:v1', /path is not/],
  ['three underscores', 'registry.example/a___b:v1', /path is not/],
  ['a space', 'registry.example/ shop:v1', /path is not/],
  ['a new line at the end', 'registry.example/shop:v1\n', /tag is not/],
  ['a port of 0', 'registry.example:0/shop:v1', /port/],
  ['a port of 65536', 'registry.example:65536/shop:v1', /port/],
  ['a host with an underscore', 'a_b/shop:v1', /host/],
  ['a host that begins with a hyphen', '-a/shop:v1', /host/],
  ['256 characters of repository', `registry.example/${'a'.repeat(239)}:v1`, /longer than 255/],
  ['a megabyte', `registry.example/${'a'.repeat(1024 * 1024)}`, /longer than/],
];
for (const [name, text, why] of refused)
  test(`refuses ${name}`, () =>
    assert.throws(
      () => parseReference(text),
      (error) => {
        assert.ok(error instanceof OciError && error.code === 'BAD_REFERENCE' && error.side === 'caller');
        assert.match(error.message, why);
        assert.ok(error.message.length < 300, 'a message is bounded');
        return true;
      },
    ));

test('a repository has no tag', () => {
  assert.deepEqual(parseRepository('r.example:5000/a/b'), { registry: 'r.example:5000', path: 'a/b' });
  assert.equal(formatRepository({ registry: 'r.example:5000', path: 'a/b' }), 'r.example:5000/a/b');
  assert.throws(() => parseRepository('r.example/a:v1'), { code: 'BAD_REFERENCE' });
});

test('law: any text is refused, or is exactly what is written back', () => {
  const unit = fc.constantFrom('a', 'b1', '/', ':', '@', '.', '-', '_', '__', '127.0.0.1', ':5000', `@sha256:${hex}`, 'A', ' ', '%', '\n');
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 12 }), (text) => {
      let reference: Reference;
      try {
        reference = parseReference(text);
      } catch (error) {
        assert.ok(error instanceof OciError);
        return;
      }
      assert.equal(formatReference(reference), text);
    }),
    { numRuns: 2000 },
  );
});
