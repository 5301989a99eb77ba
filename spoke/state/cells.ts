import { isKubeError, isTransient, refOf, type KubeClient, type KubeObject } from '../kube/mod.ts';
import { StateError, stateError } from './errors.ts';
import { managedBy, secretKind, stateLabel, systemNamespace } from './kinds.ts';

/** The bytes of a Secret by key. */
export type Data = ReadonlyMap<string, Uint8Array>;

/** All that one Secret may hold: the API server's own bound is 1 MiB. */
export const cellMaxBytes = 900 * 1024;

type Known =
  | { readonly at: 'unread' }
  | { readonly at: 'absent' }
  | { readonly at: 'present'; readonly object: KubeObject; readonly data: Data }
  /** A write was sent and its answer lost: either of the two may be there. `before` undefined: there was none. */
  | { readonly at: 'unsure'; readonly before: Data | undefined; readonly wanted: Data | undefined };

/**
 * One Secret that only this process writes. Every write names the version it replaces, so a second writer is noticed by whoever comes second; a write that
 * changes nothing is not sent. A lost answer is no lost race: the next write first looks which of the two happened.
 */
export class Cell {
  readonly #client: KubeClient;
  readonly #name: string;
  readonly #holds: string;
  readonly #onLost: (reason: string) => void;
  #known: Known = { at: 'unread' };
  #last: Promise<unknown> = Promise.resolve();

  /** `onLost`: what this process believes is not what is there, and it cannot go on. */
  constructor(client: KubeClient, name: string, holds: string, onLost: (reason: string) => void) {
    this.#client = client;
    this.#name = name;
    this.#holds = holds;
    this.#onLost = onLost;
  }

  /** What is kept; undefined only if the API server said that there is none. Throws StateError. */
  async load(signal: AbortSignal): Promise<Data | undefined> {
    return await this.#inTurn(async () => {
      if (this.#known.at === 'unsure') await this.#sure(signal);
      else await this.#read(signal);
      return this.#known.at === 'present' ? this.#known.data : undefined;
    });
  }

  /** Durable when it resolves. Throws StateError; LOST_RACE when what is there is not what this process last read or wrote. */
  async save(data: Data, signal: AbortSignal): Promise<void> {
    let bytes = 0;
    for (const value of data.values()) bytes += value.byteLength;
    if (bytes > cellMaxBytes) throw new StateError('TOO_LARGE', `Secret ${this.#name}: ${bytes} bytes, at most ${cellMaxBytes}`);
    await this.#inTurn(async () => {
      const known = await this.#sure(signal);
      if (known.at === 'present' && isSame(known.data, data)) return;
      await this.#send(known, data, async () => {
        const object =
          known.at === 'present'
            ? await this.#client.update(secretKind, { ...known.object, data: encoded(data) }, {}, signal)
            : await this.#client.create(secretKind, this.#secret(data), {}, signal);
        this.#known = { at: 'present', object, data };
      });
    });
  }

  /** Gone when it resolves; there being none is no error. Throws StateError. */
  async remove(signal: AbortSignal): Promise<void> {
    await this.#inTurn(async () => {
      const known = await this.#sure(signal);
      if (known.at === 'absent') return;
      const { uid = '', resourceVersion = '' } = known.object.metadata;
      await this.#send(known, undefined, async () => {
        await this.#client.delete(secretKind, refOf(known.object), { uid, resourceVersion }, signal);
        this.#known = { at: 'absent' };
      });
    });
  }

  /** One write, and what is known after it went wrong. */
  async #send(known: Known, wanted: Data | undefined, write: () => Promise<void>): Promise<void> {
    const before = known.at === 'present' ? known.data : undefined;
    try {
      await write();
    } catch (error) {
      if (isKubeError(error, 'CONFLICT', 'ALREADY_EXISTS', 'NOT_FOUND')) throw this.#lost(error);
      // An aborted request may have been carried out as well as one that timed out.
      if (isTransient(error) || !isKubeError(error)) this.#known = { at: 'unsure', before, wanted };
      throw stateError(error, `Secret ${this.#name}`);
    }
  }

  /** What is there before a write, read where it is not known. */
  async #sure(signal: AbortSignal): Promise<Known & { at: 'absent' | 'present' }> {
    const known = this.#known;
    if (known.at === 'unread' || known.at === 'unsure') await this.#read(signal);
    if (known.at === 'unsure') {
      const found = this.#known.at === 'present' ? this.#known.data : undefined;
      if (!isSame(found, known.before) && !isSame(found, known.wanted)) throw this.#lost();
    }
    if (this.#known.at === 'absent' || this.#known.at === 'present') return this.#known;
    throw new StateError('UNAVAILABLE', `Secret ${this.#name}: not read`);
  }

  async #read(signal: AbortSignal): Promise<void> {
    const what = `Secret ${this.#name}`;
    let object: KubeObject | undefined;
    try {
      object = await this.#client.get(secretKind, systemNamespace, this.#name, signal);
    } catch (error) {
      throw stateError(error, what);
    }
    this.#known = object ? { at: 'present', object, data: decoded(object, what) } : { at: 'absent' };
  }

  #lost(cause?: unknown): StateError {
    const error = new StateError('LOST_RACE', `Secret ${this.#name}: somebody else wrote it; only one process may be this spoke`, {
      cause,
    });
    this.#onLost(error.message);
    return error;
  }

  /** One after the other. Whoever lost once stays lost: it must not find its place again by reading what the other wrote. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const turn = (async () => {
      await before.catch((error: unknown) => {
        if (error instanceof StateError && error.code === 'LOST_RACE') throw error;
      });
      return await work();
    })();
    this.#last = turn;
    turn.catch(() => undefined);
    return await turn;
  }

  #secret(data: Data): KubeObject {
    const labels = { ...managedBy, [stateLabel]: this.#holds };
    const metadata = { name: this.#name, namespace: systemNamespace, labels };
    return { apiVersion: 'v1', kind: 'Secret', type: 'wheelhouse.dev/state', metadata, data: encoded(data) };
  }
}

const encoded = (data: Data): Record<string, string> =>
  Object.fromEntries([...data].map(([key, bytes]) => [key, Buffer.from(bytes).toString('base64')]));

function decoded(object: KubeObject, what: string): Data {
  const data = object['data'] ?? {};
  if (typeof data !== 'object' || Array.isArray(data)) throw new StateError('UNREADABLE', `${what}: its data is no map`);
  return new Map(
    Object.entries(data as Record<string, unknown>).map(([key, value]) => {
      const bytes = Buffer.from(String(value), 'base64');
      if (bytes.toString('base64') !== value) throw new StateError('UNREADABLE', `${what}: ${key} is not base64`);
      return [key, bytes];
    }),
  );
}

function isSame(a: Data | undefined, b: Data | undefined): boolean {
  if (!a || !b) return a === b;
  return a.size === b.size && [...a].every(([key, bytes]) => Buffer.compare(bytes, b.get(key) ?? absent) === 0 && b.has(key));
}
const absent = new Uint8Array();
