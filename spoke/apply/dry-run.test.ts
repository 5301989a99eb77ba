import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../../shared/clock/mod.ts';
import { refOf, refText, type KubeObject } from '../kube/mod.ts';
import { MemoryKube } from '../kube/memory/mod.ts';
import { kindOfCrd } from '../plan/mod.ts';
import { dryRun, type Write } from './mod.ts';

// What a dry run says would be done. A real API server answers one with the version that the object has, whether it would change it or not.

const { signal } = new AbortController();
const configMap = (value: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', namespace: 'default' },
  data: { value },
});

/** Somebody has made it so; then `document` is tried. */
async function actionOf(live: KubeObject | undefined, document: KubeObject): Promise<string | undefined> {
  const kube = new MemoryKube();
  const kind = kube.kind('', 'ConfigMap');
  const before = live && (await kube.apply(kind, live, {}, signal));
  const apply = kube.apply.bind(kube);
  kube.apply = async (...asked) => {
    const answer = await apply(...asked);
    const version = before?.metadata.resourceVersion;
    return asked[2].dryRun && version !== undefined ? { ...answer, metadata: { ...answer.metadata, resourceVersion: version } } : answer;
  };
  const ref = refOf(document);
  const write: Write = { planned: { ref, kind, object: document }, live: before ?? 'absent', force: true };
  const applier = { kube, clock: new VirtualClock(), account: 'a' };
  const { changes, failures } = await dryRun([[write.planned]], new Map([[refText(ref), write]]), applier, signal);
  assert.deepEqual(failures, []);
  assert.deepEqual(kube.writes.length, live ? 1 : 0);
  return changes[0]?.action;
}

const rows: readonly (readonly [what: string, live: KubeObject | undefined, action: string])[] = [
  ['what is not there would be created', undefined, 'created'],
  ['what is as it should be would be left', configMap('1'), 'unchanged'],
  ['what is otherwise would be changed, whatever version is answered', configMap('2'), 'configured'],
];
for (const [what, live, action] of rows) test(what, async () => assert.equal(await actionOf(live, configMap('1')), action));

const definition: KubeObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.acme.dev' },
  spec: {
    group: 'acme.dev',
    scope: 'Namespaced',
    names: { kind: 'Widget', plural: 'widgets' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
};
const widget: KubeObject = { apiVersion: 'acme.dev/v1', kind: 'Widget', metadata: { name: 'w', namespace: 'default' } };
const elsewhere: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'elsewhere' } };
const namespace: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'elsewhere' } };

/** What stands in the way of such a set on a cluster that has none of it. */
async function failuresOf(...objects: readonly KubeObject[]): Promise<readonly string[]> {
  const kube = new MemoryKube();
  const served = (await kube.discover(signal)).kinds;
  const planned = objects.map((object) => {
    const ref = refOf(object);
    const kind = served.find((one) => one.kind === ref.kind && one.group === ref.group) ?? kindOfCrd(definition) ?? assert.fail();
    return { ref, kind, object };
  });
  const writes = new Map(planned.map((one): [string, Write] => [refText(one.ref), { planned: one, live: 'absent', force: false }]));
  const { failures } = await dryRun([planned], writes, { kube, clock: new VirtualClock(), account: 'a' }, signal);
  return failures.map(({ ref, reason }) => `${ref.kind} ${reason}`);
}
const sets: readonly (readonly [what: string, objects: readonly KubeObject[], failures: readonly string[]])[] = [
  ['of a kind that it brings itself', [definition, widget], []],
  ['of a kind that nobody brings', [widget], ['Widget NotServed']],
  ['in a namespace that it brings itself', [namespace, elsewhere], []],
  ['in a namespace that nobody brings', [elsewhere], ['ConfigMap NotServed']],
  ['in a namespace that nobody brings, beside a kind that it brings', [definition, widget, elsewhere], ['ConfigMap NotServed']],
];
for (const [what, objects, failures] of sets)
  test(`a set with an object ${what}: ${failures.length === 0 ? 'nothing can be asked of it yet' : 'nothing of it is written'}`, async () =>
    assert.deepEqual(await failuresOf(...objects), failures));
