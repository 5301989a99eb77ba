import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isKubeError } from './errors.ts';
import { fieldManager, refOf, type KindInfo, type KubeClient, type KubeCode, type KubeObject, type WatchEvent } from './port.ts';

/** A cluster to hold to the contract, and what only its owner can do to it. */
export interface KubeFixture {
  readonly client: KubeClient;
  /** Somebody else merges `patch` into an object, under another field manager. */
  readonly interfere: (object: KubeObject, patch: Readonly<Record<string, unknown>>) => Promise<void>;
  /** Makes version 1 of a kind one that cannot be watched from any more. */
  readonly expire: () => void;
}

const row = (group: string, version: string, kind: string, resource: string, namespaced = true): KindInfo => {
  return { group, version, kind, resource, namespaced, verbs: [] };
};
export const configMaps = row('', 'v1', 'ConfigMap', 'configmaps');
export const secrets = row('', 'v1', 'Secret', 'secrets');
export const namespaces = row('', 'v1', 'Namespace', 'namespaces', false);
export const deployments = row('apps', 'v1', 'Deployment', 'deployments');
const definitions = row('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition', 'customresourcedefinitions', false);

export const configMap = (
  namespace: string,
  name: string,
  data: Record<string, string>,
  labels: Record<string, string> = {},
): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace, labels },
  data,
});

export const deployment = (namespace: string, name: string, image: string, replicas: number): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'web', image, env: [{ name: 'A', value: '1' }] }] },
    },
  },
});

const rejects = async (code: KubeCode, promise: Promise<unknown>): Promise<void> => {
  await assert.rejects(promise, (error) => isKubeError(error, code) || assert.fail(`expected ${code}, got ${String(error)}`));
};
interface FieldsEntry {
  readonly manager: string;
  readonly operation: string;
  readonly time: string;
  readonly fieldsV1: { readonly 'f:data'?: Record<string, unknown> };
}
const entries = ({ metadata }: KubeObject): readonly FieldsEntry[] => metadata['managedFields'] as FieldsEntry[];
const dataFields = ({ fieldsV1 }: FieldsEntry): Record<string, unknown> => fieldsV1['f:data'] ?? {};
/** The data of it that we applied. */
const ours = (object: KubeObject): readonly string[] =>
  entries(object)
    .filter(({ manager, operation }) => manager === fieldManager && operation === 'Apply')
    .flatMap((entry) => Object.keys(dataFields(entry)))
    .filter((step) => step !== '.')
    .sort();
const read = async (client: KubeClient, { metadata }: KubeObject): Promise<KubeObject> =>
  (await client.get(configMaps, metadata.namespace ?? '', metadata.name, signal)) ?? assert.fail(`${metadata.name} is gone`);
const dataOf = (object: KubeObject | undefined): unknown => object?.['data'];
const signal = AbortSignal.timeout(10 * 60_000);

/** What every KubeClient does. `fixture` is called once the tests run. */
export function kubeContract(name: string, fixture: () => KubeFixture): void {
  let drawn = 0;
  const space = async (): Promise<string> => {
    const namespace = `contract-${process.pid}-${++drawn}`;
    await fixture().client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, {}, signal);
    return namespace;
  };

  describe(`kube contract on ${name}`, { timeout: 5 * 60_000 }, () => {
    test('version answers', async () => assert.match(await fixture().client.version(signal), /^v1\.\d+/));

    test('discovery names kinds with path, scope and version, and is complete', async () => {
      const { kinds, complete, failedGroups } = await fixture().client.discover(signal);
      assert.deepEqual({ complete, failedGroups }, { complete: true, failedGroups: [] });
      for (const { verbs: _, ...wanted } of [configMaps, secrets, namespaces, deployments, definitions]) {
        const { verbs, ...found } =
          kinds.find((kind) => kind.kind === wanted.kind && kind.group === wanted.group) ?? assert.fail(wanted.kind);
        assert.deepEqual(found, wanted);
        assert.ok(verbs.includes('list') && verbs.includes('patch'));
      }
    });

    test('what does not exist is undefined; a kind that is not served is no absence', async () => {
      const { client } = fixture();
      assert.equal(await client.get(configMaps, await space(), 'nowhere', signal), undefined);
      assert.equal(await client.get(configMaps, 'no-such-namespace', 'nowhere', signal), undefined);
      await rejects('NO_SUCH_KIND', client.get(row('apps', 'v1', 'Gadget', 'gadgets'), 'default', 'x', signal));
      await rejects('NO_SUCH_KIND', client.list(row('nobody.example', 'v1', 'Gadget', 'gadgets'), {}, signal));
    });

    test('create gives uid and version, and only once', async () => {
      const { client } = fixture();
      const wanted = configMap(await space(), 'a', { x: '1' });
      const created = await client.create(configMaps, wanted, {}, signal);
      assert.ok(created.metadata.uid && created.metadata.resourceVersion);
      assert.deepEqual(dataOf(await client.get(configMaps, wanted.metadata.namespace ?? '', 'a', signal)), { x: '1' });
      await rejects('ALREADY_EXISTS', client.create(configMaps, wanted, {}, signal));
    });

    test('a write into a namespace that is not there says so', async () => {
      const { client } = fixture();
      const lost = configMap('no-such-namespace', 'a', {});
      await rejects('NO_SUCH_NAMESPACE', client.create(configMaps, lost, {}, signal));
      await rejects('NO_SUCH_NAMESPACE', client.apply(configMaps, lost, {}, signal));
    });

    test('apply twice is one write; what is no longer sent is removed, what others set stays', async () => {
      const { client, interfere } = fixture();
      const namespace = await space();
      const first = await client.apply(configMaps, configMap(namespace, 'a', { x: '1', y: '2' }), {}, signal);
      const again = await client.apply(configMaps, configMap(namespace, 'a', { x: '1', y: '2' }), {}, signal);
      assert.equal(again.metadata.resourceVersion, first.metadata.resourceVersion);
      await interfere(first, { data: { theirs: 'z' } });
      const next = await client.apply(configMaps, configMap(namespace, 'a', { x: '1' }), {}, signal);
      assert.deepEqual(dataOf(next), { x: '1', theirs: 'z' });
      assert.equal(next.metadata.uid, first.metadata.uid);
      const shared = { x: '1', theirs: 'z' };
      assert.deepEqual(dataOf(await client.apply(configMaps, configMap(namespace, 'a', shared), {}, signal)), shared);
      assert.deepEqual(dataOf(await client.apply(configMaps, configMap(namespace, 'a', { x: '1' }), {}, signal)), shared);
    });

    test('a field of another manager is a conflict that names it; force takes it', async () => {
      const { client, interfere } = fixture();
      const wanted = configMap(await space(), 'a', { x: '1' });
      await interfere(await client.apply(configMaps, wanted, {}, signal), { data: { x: 'theirs' } });
      await assert.rejects(client.apply(configMaps, wanted, {}, signal), (error) => {
        assert.ok(isKubeError(error, 'CONFLICT'), String(error));
        assert.deepEqual(
          error.causes.map(({ field }) => field),
          ['.data.x'],
        );
        return true;
      });
      assert.deepEqual(dataOf(await client.apply(configMaps, wanted, { force: true }, signal)), { x: '1' });
    });

    test('who has a field is recorded: what others change or remove is ours no more, until it is taken back', async () => {
      const { client, interfere } = fixture();
      const wanted = configMap(await space(), 'a', { x: '1', y: '2' });
      const first = await client.apply(configMaps, wanted, {}, signal);
      assert.deepEqual(ours(first), ['f:x', 'f:y']);
      await interfere(first, { data: { x: 'theirs', y: '2', z: '3' } });
      const changed = await read(client, wanted);
      assert.deepEqual(ours(changed), ['f:y'], 'the same value again takes nothing');
      const theirs = entries(changed).find(({ manager }) => manager !== fieldManager) ?? assert.fail('nobody else is named');
      assert.equal(theirs.operation, 'Update');
      assert.deepEqual(Object.keys(dataFields(theirs)).sort(), ['f:x', 'f:z']);
      assert.ok(Math.abs(Date.parse(theirs.time) - Date.parse(String(changed.metadata['creationTimestamp']))) < 60_000);
      const back = await client.apply(configMaps, wanted, { force: true }, signal);
      assert.deepEqual(ours(back), ['f:x', 'f:y']);
      assert.equal(
        entries(back).some((entry) => entry.manager !== fieldManager && 'f:x' in dataFields(entry)),
        false,
      );
      assert.deepEqual(dataOf(back), { x: '1', y: '2', z: '3' });
      await interfere(back, { data: { x: null } });
      const removed = await read(client, wanted);
      assert.deepEqual(ours(removed), ['f:y']);
      assert.equal(
        entries(removed).some((entry) => 'f:x' in dataFields(entry)),
        false,
        'what is gone has nobody',
      );
      assert.deepEqual(ours(await client.apply(configMaps, wanted, { force: true, dryRun: true }, signal)), ['f:x', 'f:y']);
      assert.deepEqual(ours(await read(client, wanted)), ['f:y'], 'a dry run says what would be, and leaves it');
    });

    test('an apply that changes nothing leaves the version and the time of whoever wrote', async () => {
      const { client, interfere } = fixture();
      const wanted = configMap(await space(), 'a', { x: '1' });
      await interfere(await client.apply(configMaps, wanted, {}, signal), { data: { theirs: 'z' } });
      const before = await read(client, wanted);
      const after = await client.apply(configMaps, wanted, { force: true }, signal);
      assert.deepEqual(entries(after), entries(before));
      assert.equal(after.metadata.resourceVersion, before.metadata.resourceVersion);
    });

    test('items of a list are merged by name, and the generation moves with the spec alone', async () => {
      const { client } = fixture();
      const namespace = await space();
      const first = await client.apply(deployments, deployment(namespace, 'web', 'one', 0), {}, signal);
      const labelled = { ...deployment(namespace, 'web', 'one', 0), metadata: { name: 'web', namespace, labels: { a: 'b' } } };
      assert.equal((await client.apply(deployments, labelled, {}, signal)).metadata.generation, first.metadata.generation);
      const next = await client.apply(deployments, deployment(namespace, 'web', 'two', 0), {}, signal);
      assert.equal(next.metadata.generation, 2);
      const { spec } = next as unknown as { spec: { template: { spec: { containers: { image: string; env: unknown[] }[] } } } };
      assert.equal(spec.template.spec.containers.length, 1);
      assert.equal(spec.template.spec.containers[0]?.image, 'two');
    });

    test('an update replaces exactly the version that it names', async () => {
      const { client, interfere } = fixture();
      const namespace = await space();
      const read = await client.create(configMaps, configMap(namespace, 'a', { x: '1' }), {}, signal);
      const next = await client.update(configMaps, { ...read, data: { x: '2' } }, {}, signal);
      assert.notEqual(next.metadata.resourceVersion, read.metadata.resourceVersion);
      await rejects('CONFLICT', client.update(configMaps, { ...read, data: { x: '3' } }, {}, signal));
      await interfere(next, { data: { y: 'theirs' } });
      await rejects('CONFLICT', client.update(configMaps, { ...next, data: { x: '3' } }, {}, signal));
      await rejects('INVALID', client.update(configMaps, configMap(namespace, 'a', {}), {}, signal));
      const absent = { ...next, metadata: { ...next.metadata, name: 'absent' } };
      await rejects('NOT_FOUND', client.update(configMaps, absent, {}, signal));
    });

    test('a delete takes that very object or nothing', async () => {
      const { client } = fixture();
      const namespace = await space();
      const object = await client.create(configMaps, configMap(namespace, 'a', {}), {}, signal);
      const { uid = '', resourceVersion = '' } = object.metadata;
      await rejects('CONFLICT', client.delete(configMaps, refOf(object), { uid: 'another' }, signal));
      await rejects('CONFLICT', client.delete(configMaps, refOf(object), { uid, resourceVersion: '1' }, signal));
      await client.delete(configMaps, refOf(object), { uid, dryRun: true }, signal);
      assert.ok(await client.get(configMaps, namespace, 'a', signal));
      await client.delete(configMaps, refOf(object), { uid, resourceVersion }, signal);
      assert.equal(await client.get(configMaps, namespace, 'a', signal), undefined);
      await rejects('NOT_FOUND', client.delete(configMaps, refOf(object), { uid }, signal));
    });

    test('a finalizer keeps what is deleted until it is taken off', async () => {
      const { client } = fixture();
      const namespace = await space();
      const held = configMap(namespace, 'a', {});
      const finalizers = ['wheelhouse.dev/test'];
      const object = await client.create(configMaps, { ...held, metadata: { ...held.metadata, finalizers } }, {}, signal);
      await client.delete(configMaps, refOf(object), { uid: object.metadata.uid ?? '' }, signal);
      const dying = (await client.get(configMaps, namespace, 'a', signal)) ?? assert.fail('gone');
      assert.ok(dying.metadata.deletionTimestamp);
      await client.update(configMaps, { ...dying, metadata: { ...dying.metadata, finalizers: [] } }, {}, signal);
      assert.equal(await client.get(configMaps, namespace, 'a', signal), undefined);
    });

    test('a list is of a namespace or of all, by labels or by name, with kind and version at each item', async () => {
      const { client } = fixture();
      const [here, there] = [await space(), await space()];
      const mark = { contract: here };
      await client.create(configMaps, configMap(here, 'a', { left: 'out' }, { ...mark, tier: 'one' }), {}, signal);
      await client.create(configMaps, configMap(here, 'b', {}, { ...mark, tier: 'two' }), {}, signal);
      await client.create(configMaps, configMap(there, 'c', {}, mark), {}, signal);
      const names = async (select: { namespace?: string; labelSelector?: string; fieldSelector?: string }) => {
        const { items, resourceVersion } = await client.list(configMaps, select, signal);
        assert.ok(resourceVersion !== '' && items.every(({ kind, apiVersion }) => kind === 'ConfigMap' && apiVersion === 'v1'));
        return items
          .map(({ metadata }) => metadata.name)
          .filter((item) => item.length === 1)
          .sort();
      };
      assert.deepEqual(await names({ namespace: here }), ['a', 'b']);
      assert.deepEqual(await names({ labelSelector: `contract=${here}` }), ['a', 'b', 'c']);
      assert.deepEqual(await names({ labelSelector: `contract=${here},tier!=one` }), ['b', 'c']);
      assert.deepEqual(await names({ labelSelector: `contract=${here},tier in (one,three)` }), ['a']);
      assert.deepEqual(await names({ labelSelector: `contract=${here},!tier` }), ['c']);
      assert.deepEqual(await names({ namespace: here, fieldSelector: 'metadata.name=b' }), ['b']);
      const { items } = await client.list(configMaps, { namespace: here, labelSelector: 'tier=one', metadataOnly: true }, signal);
      assert.deepEqual(
        items.map(({ kind, metadata, ...rest }) => [kind, metadata.name, Object.keys(rest)]),
        [['ConfigMap', 'a', ['apiVersion']]],
      );
    });

    test('a watch tells what happened after its version, and ends quietly with the signal', async () => {
      const { client } = fixture();
      const namespace = await space();
      const { resourceVersion } = await client.list(configMaps, { namespace, labelSelector: 'seen' }, signal);
      const object = await client.create(configMaps, configMap(namespace, 'a', {}, { seen: 'yes' }), {}, signal);
      const stop = new AbortController();
      const seen: string[] = [];
      const options = { namespace, labelSelector: 'seen', resourceVersion };
      const until = AbortSignal.any([stop.signal, AbortSignal.timeout(20_000)]);
      for await (const event of client.watch(configMaps, options, until)) {
        if (event.type === 'BOOKMARK' || event.type === 'RESYNC') continue;
        seen.push(event.type);
        if (seen.length === 1) await client.update(configMaps, { ...event.object, data: { x: '1' } }, {}, signal);
        if (seen.length === 2) {
          const unlabelled = { ...event.object, metadata: { ...event.object.metadata, labels: {} } };
          await client.update(configMaps, unlabelled, {}, signal);
        }
        if (seen.length === 3) stop.abort();
      }
      assert.deepEqual(seen, ['ADDED', 'MODIFIED', 'DELETED']);
      assert.equal(object.metadata.name, 'a');
      assert.equal(client.watchHealth().watches, 0);
    });

    test('a dry run writes nothing', async () => {
      const { client } = fixture();
      const namespace = await space();
      const draft = await client.apply(configMaps, configMap(namespace, 'a', { x: '1' }), { dryRun: true }, signal);
      assert.deepEqual(dataOf(draft), { x: '1' });
      assert.equal(await client.get(configMaps, namespace, 'a', signal), undefined);
    });

    test('a Secret keeps its bytes', async () => {
      const { client } = fixture();
      const namespace = await space();
      const data = { bytes: Buffer.from([0, 255, 10]).toString('base64') };
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace }, data };
      await client.create(secrets, secret, {}, signal);
      assert.deepEqual(dataOf(await client.get(secrets, namespace, 's', signal)), data);
    });

    describe('a kind of its own', () => {
      const group = `g${process.pid}.contract.example`;
      const gadgets = row(group, 'v1', 'Gadget', 'gadgets');
      const served = async (): Promise<boolean> => (await fixture().client.discover(signal)).kinds.some((kind) => kind.group === group);

      test('comes with its definition, and keeps fields that nobody here knows', async () => {
        const { client } = fixture();
        const namespace = await space();
        await client.apply(definitions, definition(group), {}, signal);
        await eventually(served);
        const gadget = {
          apiVersion: `${group}/v1`,
          kind: 'Gadget',
          metadata: { name: 'g', namespace },
          spec: { size: 3, other: { a: [1] } },
        };
        await eventually(async () => (await client.apply(gadgets, gadget, {}, signal)) !== undefined);
        assert.deepEqual((await client.get(gadgets, namespace, 'g', signal))?.['spec'], gadget.spec);
      });

      test('watched from a version that is gone gives one RESYNC, and counts as behind until watched anew', async () => {
        const { client, expire } = fixture();
        expire();
        const stop = new AbortController();
        const seen: WatchEvent['type'][] = [];
        const until = AbortSignal.any([stop.signal, AbortSignal.timeout(20_000)]);
        for await (const { type } of client.watch(gadgets, { resourceVersion: '1' }, until)) seen.push(type);
        assert.deepEqual(seen, ['RESYNC']);
        assert.equal(client.watchHealth().watches, 1);
        stop.abort();
        assert.equal(client.watchHealth().watches, 0);
      });

      test('goes with its definition: then asking for it is no absence, and a watch of it is a RESYNC', async () => {
        const { client } = fixture();
        const { resourceVersion } = await client.list(gadgets, {}, signal);
        const object = (await client.get(definitions, '', `gadgets.${group}`, signal)) ?? assert.fail('no definition');
        await client.delete(definitions, refOf(object), { uid: object.metadata.uid ?? '' }, signal);
        await eventually(async () => !(await served()));
        await rejects('NO_SUCH_KIND', client.get(gadgets, 'default', 'g', signal));
        const last: WatchEvent['type'][] = [];
        const until = AbortSignal.timeout(20_000);
        for await (const { type } of client.watch(gadgets, { resourceVersion }, until)) last.push(type);
        assert.equal(last.at(-1), 'RESYNC');
      });
    });
  });
}

const definition = (group: string): KubeObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `gadgets.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { kind: 'Gadget', plural: 'gadgets', singular: 'gadget', listKind: 'GadgetList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
});

/** Waits until `ask` is true; a rejection counts as not yet, until the time is over. At most 20 s. */
export async function eventually(ask: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + 20_000;
  for (;;) {
    try {
      if (await ask()) return;
    } catch (error) {
      if (performance.now() > until) throw error;
    }
    assert.ok(performance.now() < until, 'it did not happen within 20 s');
    await sleep(50);
  }
}
