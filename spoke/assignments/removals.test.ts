import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filesOf, Rig } from './testing/rig.ts';

const crd = JSON.stringify({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.acme.dev' },
  spec: {
    group: 'acme.dev',
    scope: 'Namespaced',
    names: { kind: 'Widget', plural: 'widgets' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
});
const widget = JSON.stringify({ apiVersion: 'acme.dev/v1', kind: 'Widget', metadata: { name: 'w' } });

test('a tombstone over a definition and what is of it comes to its end', async (t) => {
  const rig = new Rig();
  t.after(() => rig.stop());
  rig.start();
  const establish = (): void => {
    const found = rig.object('CustomResourceDefinition', 'widgets.acme.dev', '');
    if (found && !found['status'])
      rig.kube.put({ ...found, status: { conditions: [{ type: 'Established', status: 'True' }] } }, 'kube-apiserver');
  };
  const allow = { namespaces: ['shop'], kinds: ['*', 'CustomResourceDefinition'] };
  const a = await rig.assignment('p1', filesOf(crd, widget), { allow });
  rig.desire(a);
  for (let i = 0; i < 50; i++) {
    await rig.run(100);
    establish();
  }
  assert.equal(rig.report().health, 'HEALTH_HEALTHY', rig.report().message);
  const pruneApproval = { id: 'x', revision: a.revision, objectsMax: 9 };
  rig.desire({ ...a, state: 'ASSIGNMENT_STATE_REMOVED', deletionPolicy: 'DELETION_POLICY_DELETE', pruneApproval });
  await rig.run(120_000);
  assert.equal(rig.report().removed, true, `${rig.report().reason}: ${rig.report().message}`);
});
