import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { matchesSource } from './mod.ts';

const rows: readonly (readonly [string, string, boolean])[] = [
  ['https://git.example.com/acme/*', 'https://git.example.com/acme/web', true],
  ['https://git.example.com/acme/*', 'https://git.example.com/acme/web.git', true],
  ['https://git.example.com/acme/*', 'https://git.example.com/acme/group/web', false],
  ['https://git.example.com/acme/**', 'https://git.example.com/acme/group/web', true],
  ['https://git.example.com/acme/**', 'https://git.example.com/acme/', false],
  ['https://git.example.com/acme/**', 'https://git.example.com/acme', false],
  ['https://git.example.com/**', 'https://git.example.com/a', true],
  ['https://git.example.com/acme/web-*', 'https://git.example.com/acme/web-shop', true],
  ['https://git.example.com/acme/web-*', 'https://git.example.com/acme/shop', false],
  ['https://*.example.com/*', 'https://git.example.com/web', true],
  ['https://*.example.com/*', 'https://evil.com/x.example.com/web', false],
  ['https://*.example.com/*', 'https://evil.com/.example.com/web', false],
  ['https://git.example.com/acme/*', 'https://git.example.com/acme/../other', false],
  ['https://git.example.com/acme/*', 'https://git.example.com/acme/%2e%2e/other', false],
  ['https://git.example.com/acme/*', 'https://git.example.com/acme/a%2f..%2f..%2fother', false],
  ['https://git.example.com/acme/*', 'https://git.example.com/acme/..\\other', false],
  ['https://git.example.com/acme/*', 'https://git.example.com@evil.com/acme/web', false],
  ['https://git.example.com/acme/*', 'https://git.example.com.evil.com/acme/web', false],
  ['https://git.example.com/acme/*', 'http://git.example.com/acme/web', false],
  ['https://git.example.com/acme/*', 'https://GIT.example.com/acme/web', true],
  ['https://git.example.com/acme/*', 'https://git.example.com:8443/acme/web', false],
  ['http://127.0.0.1:*/*', 'http://127.0.0.1:8080/web.git', true],
  ['https://git.example.com/acme/*', 'https://git.example.com/acme/web?x=1', false],
  ['https://git.example.com/acme/*', 'git@git.example.com:acme/web', false],
];
for (const [pattern, address, expected] of rows)
  test(`${pattern} ${expected ? 'allows' : 'refuses'} ${address}`, () => assert.equal(matchesSource(pattern, address), expected));

test('no pattern of one host allows another host', () => {
  const part = fc.stringMatching(/^[a-z0-9.%@:*-]{0,12}$/);
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
      const address = `https://${parts.join('/')}`;
      if (matchesSource('https://git.example.com/**', address)) assert.equal(new URL(address).host, 'git.example.com');
    }),
    { numRuns: 2_000 },
  );
});

test('a hostile pattern costs little', () => {
  const started = process.hrtime.bigint();
  matchesSource(`https://h/${'*a'.repeat(400)}`, `https://h/${'a'.repeat(900)}b`);
  assert.ok(process.hrtime.bigint() - started < 200_000_000n);
});
