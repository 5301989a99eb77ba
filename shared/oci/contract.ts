import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { digestOf, type Digest } from '../kernel/mod.ts';
import { OciError, type OciCode } from './errors.ts';
import { mediaTypes } from './media-types.ts';
import type { Content, Descriptor, Registry } from './ports.ts';
import { parseRepository, type Repository } from './reference.ts';

/** A registry to test and a repository in it that nobody else uses. */
export interface Opened {
  readonly registry: Registry;
  readonly repository: Repository;
}

const contentOf = (mediaType: string, bytes: Uint8Array | string): Content => {
  const body = Buffer.from(bytes);
  return { descriptor: { mediaType, digest: digestOf(body), size: body.byteLength }, bytes: body };
};
const bare = ({ mediaType, digest, size }: Descriptor): object => ({ mediaType, digest, size });

/** A layer, a config, a manifest of both and an index of that: small, whole, and different for each `word`. */
export function sample(word: string): { readonly blobs: readonly Content[]; readonly manifest: Content; readonly index: Content } {
  const layer = contentOf('application/vnd.oci.image.layer.v1.tar+gzip', `layer ${word}`);
  const config = contentOf('application/vnd.oci.image.config.v1+json', JSON.stringify({ word }));
  const json = (mediaType: string, rest: object): Content => contentOf(mediaType, JSON.stringify({ schemaVersion: 2, mediaType, ...rest }));
  const manifest = json(mediaTypes.manifest, { config: bare(config.descriptor), layers: [bare(layer.descriptor)] });
  const index = json(mediaTypes.index, { manifests: [bare(manifest.descriptor)] });
  return { blobs: [layer, config], manifest, index };
}

export const fails =
  (code: OciCode) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof OciError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  };

const nowhere: Digest = `sha256:${'0'.repeat(64)}`;

/** What every registry does, in memory or behind HTTP. `open` is asked once per test. */
export function registryContract(name: string, open: (t: TestContext) => Promise<Opened>): void {
  const law = (title: string, body: (opened: Opened, signal: AbortSignal) => Promise<void>): void => {
    test(`${name}: ${title}`, { timeout: 30_000 }, async (t) => body(await open(t), t.signal));
  };
  const pushAll = async ({ registry, repository }: Opened, contents: readonly Content[], signal: AbortSignal): Promise<void> => {
    for (const content of contents) await registry.push(repository, content, signal);
  };

  law('what was pushed is what is fetched, blob, manifest and index', async (opened, signal) => {
    const { blobs, manifest, index } = sample('round trip');
    const all = [...blobs, manifest, index];
    await pushAll(opened, all, signal);
    for (const { descriptor, bytes } of all)
      assert.deepEqual(Buffer.from(await opened.registry.fetch(opened.repository, descriptor, signal)), Buffer.from(bytes));
  });

  law('a blob of 3 MiB and one of no bytes', async (opened, signal) => {
    for (const content of [
      contentOf('application/octet-stream', Buffer.alloc(3 * 1024 * 1024, 'x')),
      contentOf('application/octet-stream', ''),
    ]) {
      assert.equal(await opened.registry.push(opened.repository, content, signal), 'pushed');
      assert.equal(digestOf(await opened.registry.fetch(opened.repository, content.descriptor, signal)), content.descriptor.digest);
    }
  });

  law('pushing again sends nothing', async (opened, signal) => {
    const { blobs, manifest, index } = sample('twice');
    for (const content of [...blobs, manifest, index]) {
      assert.equal(await opened.registry.push(opened.repository, content, signal), 'pushed');
      assert.equal(await opened.registry.push(opened.repository, content, signal), 'exists');
    }
  });

  law('a manifest is refused before its blobs, an index before its manifests', async (opened, signal) => {
    const { blobs, manifest, index } = sample('order');
    await assert.rejects(opened.registry.push(opened.repository, manifest, signal), fails('CONTENT_REFUSED'));
    await pushAll(opened, blobs, signal);
    await assert.rejects(opened.registry.push(opened.repository, index, signal), fails('CONTENT_REFUSED'));
    await assert.rejects(opened.registry.tag(opened.repository, index, 'early', signal), fails('CONTENT_REFUSED'));
    assert.equal(await opened.registry.resolve({ ...opened.repository, tag: 'early' }, signal), undefined);
  });

  law('manifest and index are resolved by digest and by tag', async (opened, signal) => {
    const { blobs, manifest, index } = sample('resolve');
    await pushAll(opened, [...blobs, manifest, index], signal);
    await opened.registry.tag(opened.repository, index, 'v1', signal);
    await opened.registry.tag(opened.repository, manifest, 'v1-dev', signal);
    for (const [tag, { descriptor }] of [['v1', index] as const, ['v1-dev', manifest] as const]) {
      assert.deepEqual(await opened.registry.resolve({ ...opened.repository, tag }, signal), descriptor);
      assert.deepEqual(await opened.registry.resolve({ ...opened.repository, digest: descriptor.digest }, signal), descriptor);
      assert.deepEqual(
        await opened.registry.resolve({ ...opened.repository, tag: 'other', digest: descriptor.digest }, signal),
        descriptor,
      );
    }
  });

  law('a tag may be pushed without its digest, and moved', async (opened, signal) => {
    const [a, b] = [sample('before'), sample('after')];
    await pushAll(opened, [...a.blobs, ...b.blobs], signal);
    for (const { manifest } of [a, b, b, a]) {
      await opened.registry.tag(opened.repository, manifest, 'moving', signal);
      assert.deepEqual(await opened.registry.resolve({ ...opened.repository, tag: 'moving' }, signal), manifest.descriptor);
    }
  });

  law('what is not there is undefined to resolve and NOT_FOUND to fetch', async (opened, signal) => {
    for (const reference of [{ tag: 'none' }, { digest: nowhere }])
      assert.equal(await opened.registry.resolve({ ...opened.repository, ...reference }, signal), undefined);
    for (const mediaType of [mediaTypes.manifest, mediaTypes.index, 'application/octet-stream'])
      await assert.rejects(opened.registry.fetch(opened.repository, { mediaType, digest: nowhere, size: 1 }, signal), fails('NOT_FOUND'));
  });

  law('a descriptor with another size gets nothing', async (opened, signal) => {
    const { blobs, manifest } = sample('sizes');
    await pushAll(opened, [...blobs, manifest], signal);
    for (const { descriptor } of [...blobs, manifest]) {
      const sized = (by: number): Promise<Uint8Array> =>
        opened.registry.fetch(opened.repository, { ...descriptor, size: descriptor.size + by }, signal);
      await assert.rejects(sized(-1), fails('SIZE_EXCEEDED'));
      await assert.rejects(sized(1), fails('TRUNCATED'));
    }
  });

  law('bytes that are not what they are called are not sent', async (opened, signal) => {
    const { blobs, manifest } = sample('lies');
    const lie = ({ descriptor }: Content): Content => ({ descriptor, bytes: Buffer.alloc(descriptor.size, 'x') });
    for (const content of [...blobs, manifest].map(lie))
      await assert.rejects(opened.registry.push(opened.repository, content, signal), fails('DIGEST_MISMATCH'));
    await assert.rejects(opened.registry.tag(opened.repository, lie(manifest), 'v1', signal), fails('DIGEST_MISMATCH'));
  });

  law('a reference without tag and digest, a bad tag, a tag on a blob: the caller is told', async (opened, signal) => {
    const { blobs, manifest } = sample('callers');
    await pushAll(opened, [...blobs, manifest], signal);
    await assert.rejects(opened.registry.resolve(opened.repository, signal), fails('BAD_REFERENCE'));
    await assert.rejects(opened.registry.tag(opened.repository, manifest, '../x', signal), fails('BAD_REFERENCE'));
    await assert.rejects(opened.registry.tag(opened.repository, blobs[0] ?? assert.fail(), 'v1', signal), fails('BAD_REFERENCE'));
  });

  law('one repository does not show what another holds', async (opened, signal) => {
    const { blobs, manifest } = sample('apart');
    await pushAll(opened, [...blobs, manifest], signal);
    const other = parseRepository(`${opened.repository.registry}/${opened.repository.path}-other`);
    assert.equal(await opened.registry.resolve({ ...other, digest: manifest.descriptor.digest }, signal), undefined);
    await assert.rejects(opened.registry.fetch(other, manifest.descriptor, signal), fails('NOT_FOUND'));
    await assert.rejects(opened.registry.fetch(other, blobs[0]?.descriptor ?? assert.fail(), signal), fails('NOT_FOUND'));
  });

  law('a signal that said stop stops, with its reason', async (opened) => {
    const { manifest } = sample('stop');
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    const { registry, repository } = opened;
    for (const call of [
      () => registry.resolve({ ...repository, tag: 'v1' }, signal),
      () => registry.fetch(repository, manifest.descriptor, signal),
      () => registry.push(repository, manifest, signal),
      () => registry.tag(repository, manifest, 'v1', signal),
    ])
      await assert.rejects(call, (error) => error === reason);
  });

  law('many at once', async (opened, signal) => {
    const all = Array.from({ length: 20 }, (_, i) => sample(`many ${i}`));
    await Promise.all(all.map(async ({ blobs, manifest, index }) => pushAll(opened, [...blobs, manifest, index], signal)));
    const read = await Promise.all(all.map(async ({ index }) => opened.registry.fetch(opened.repository, index.descriptor, signal)));
    assert.deepEqual(
      read.map(digestOf),
      all.map(({ index }) => index.descriptor.digest),
    );
  });
}
