import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../../shared/clock/mod.ts';
import { refOf, refText, type KubeObject } from '../kube/mod.ts';
import { MemoryKube } from '../kube/memory/mod.ts';
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
