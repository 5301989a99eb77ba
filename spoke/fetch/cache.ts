import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../shared/clock/mod.ts';
import { digestOf, type Digest } from '../../shared/kernel/mod.ts';

/** Content by digest. A cache: whatever it loses is fetched again, and whatever it gives back hashes to its name. */
export interface ContentCache {
  get(digest: Digest): Promise<Uint8Array | undefined>;
  put(digest: Digest, bytes: Uint8Array): Promise<void>;
}

const MiB = 1024 * 1024;

/** The least recently used goes first. */
export function memoryCache(bytesMax = 64 * MiB): ContentCache {
  const held = new Map<Digest, Uint8Array>();
  let total = 0;
  const drop = (digest: Digest): void => {
    total -= held.get(digest)?.byteLength ?? 0;
    held.delete(digest);
  };
  return {
    get: async (digest) => {
      const bytes = held.get(digest);
      if (bytes === undefined) return undefined;
      held.delete(digest);
      held.set(digest, bytes);
      return bytes;
    },
    put: async (digest, bytes) => {
      drop(digest);
      if (bytes.byteLength > bytesMax) return;
      held.set(digest, bytes);
      total += bytes.byteLength;
      for (const oldest of held.keys()) {
        if (total <= bytesMax) break;
        drop(oldest);
      }
    },
  };
}

/** Files named by their digest. The disk may lose, cut off or change them: each is hashed when it is read, and one that lies is removed. */
export function directoryCache(directory: string, bytesMax = 1024 * MiB): ContentCache {
  const path = (digest: Digest): string => join(directory, digest.replace(':', '-'));
  return {
    get: async (digest) => {
      const file = path(digest);
      const bytes = await readFile(file).catch(() => undefined);
      if (bytes === undefined) return undefined;
      if (digestOf(bytes) === digest) {
        const seconds = systemClock.now() / 1000;
        await utimes(file, seconds, seconds).catch(() => undefined);
        return bytes;
      }
      await rm(file, { force: true });
      return undefined;
    },
    put: async (digest, bytes) => {
      if (bytes.byteLength > bytesMax) return;
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const temporary = join(directory, `.${randomUUID()}`);
      await writeFile(temporary, bytes, { mode: 0o600 });
      await rename(temporary, path(digest));
      await shrink(directory, bytesMax);
    },
  };
}

async function shrink(directory: string, bytesMax: number): Promise<void> {
  const names = await readdir(directory);
  const files = await Promise.all(
    names.map(async (name) => {
      const file = join(directory, name);
      const found = await stat(file).catch(() => undefined);
      return { file, bytes: found?.size ?? 0, usedMs: found?.mtimeMs ?? 0 };
    }),
  );
  let total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { file, bytes } of files.toSorted((a, b) => a.usedMs - b.usedMs)) {
    if (total <= bytesMax) return;
    await rm(file, { force: true });
    total -= bytes;
  }
}

/** The first that has it answers; those before it are told. */
export const layered = (...caches: readonly ContentCache[]): ContentCache => ({
  get: async (digest) => {
    for (const [i, cache] of caches.entries()) {
      const bytes = await cache.get(digest);
      if (bytes === undefined) continue;
      for (const nearer of caches.slice(0, i)) await nearer.put(digest, bytes);
      return bytes;
    }
    return undefined;
  },
  put: async (digest, bytes) => {
    for (const cache of caches) await cache.put(digest, bytes);
  },
});
