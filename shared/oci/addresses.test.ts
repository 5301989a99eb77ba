import assert from 'node:assert/strict';
import test from 'node:test';
import { placeOf } from './addresses.ts';
import type { RegistryAddress } from './ports.ts';

const rows: readonly (readonly [registry: string, addresses: readonly RegistryAddress[], origin: string])[] = [
  ['registry.example', [], 'https://registry.example'],
  ['registry.example:5000', [], 'https://registry.example:5000'],
  ['127.0.0.1:5000', [], 'http://127.0.0.1:5000'],
  ['127.255.0.9', [], 'http://127.255.0.9'],
  ['localhost:5000', [], 'http://localhost:5000'],
  ['LOCALHOST', [], 'http://localhost'],
  ['[::1]:5000', [], 'http://[::1]:5000'],
  // None of these is loopback.
  ['127.0.0.1.example.com', [], 'https://127.0.0.1.example.com'],
  ['localhost.example.com', [], 'https://localhost.example.com'],
  ['my-localhost', [], 'https://my-localhost'],
  ['128.0.0.1', [], 'https://128.0.0.1'],
  ['10.0.0.1:5000', [], 'https://10.0.0.1:5000'],
  ['[::2]', [], 'https://[::2]'],
  // An address says more than the rule.
  ['registry.example:5000', [{ address: 'registry.example:5000', insecure: true }], 'http://registry.example:5000'],
  ['registry.example:5001', [{ address: 'registry.example:5000', insecure: true }], 'https://registry.example:5001'],
  ['Registry.Example', [{ address: 'registry.example', insecure: true }], 'http://registry.example'],
  ['127.0.0.1:5000', [{ address: '127.0.0.1:5000', insecure: false }], 'https://127.0.0.1:5000'],
  ['127.0.0.1:5000', [{ address: '127.0.0.1:5000' }], 'http://127.0.0.1:5000'],
];
for (const [registry, addresses, origin] of rows)
  test(`${registry} ${addresses.length > 0 ? JSON.stringify(addresses[0]) : 'by default'} is ${origin}`, () => {
    const place = placeOf(registry, addresses);
    assert.equal(place.origin.origin, origin);
    assert.equal(place.insecure, origin.startsWith('http:'));
  });

test('credentials are for the registry itself and for hosts that its address names', () => {
  assert.deepEqual(
    [...placeOf('registry.example', [{ address: 'registry.example', tokenHosts: ['auth.example'] }]).credentialHosts],
    ['registry.example', 'auth.example'],
  );
  assert.deepEqual([...placeOf('registry.example', []).credentialHosts], ['registry.example']);
});
