import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditPolicy, kubeconfig, nodes } from './documents.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('a kubeconfig has one context, named like the cluster, and needs no other file', () => {
  const text = kubeconfig('eu-1', 'https://127.0.0.1:20001', { authority: bytes('ca'), certificate: bytes('crt'), key: bytes('key') });
  assert.deepEqual(JSON.parse(text), {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'eu-1',
    clusters: [{ name: 'eu-1', cluster: { server: 'https://127.0.0.1:20001', 'certificate-authority-data': 'Y2E=' } }],
    users: [{ name: 'eu-1', user: { 'client-certificate-data': 'Y3J0', 'client-key-data': 'a2V5' } }],
    contexts: [{ name: 'eu-1', context: { cluster: 'eu-1', user: 'eu-1' } }],
  });
});

test('the audit policy ends with a rule for everything, and leaves out nothing that changes anything', () => {
  assert.deepEqual(auditPolicy.rules.at(-1), { level: 'Metadata' });
  for (const rule of auditPolicy.rules.slice(0, -1)) {
    assert.ok('nonResourceURLs' in rule || rule.verbs?.every((verb) => verb === 'watch'), JSON.stringify(rule));
  }
});

test('nodes are played by KWOK, in different zones', () => {
  assert.equal(nodes.length, 2);
  assert.equal(new Set(nodes.map((node) => node.metadata.labels['topology.kubernetes.io/zone'])).size, 2);
  for (const { metadata } of nodes) {
    assert.equal(metadata.annotations['kwok.x-k8s.io/node'], 'fake');
    assert.equal(metadata.labels['kubernetes.io/hostname'], metadata.name);
    assert.equal(metadata.labels['kubernetes.io/os'], 'linux');
  }
});
