import type { Clock } from '../../shared/clock/mod.ts';
import type { Random } from '../../shared/kernel/mod.ts';
import { follow, type KubeClient } from '../kube/mod.ts';
import { AssignmentSecrets } from './assignments.ts';
import { Cell } from './cells.ts';
import { secretKind, systemNamespace } from './kinds.ts';
import { ensureNamespaces } from './namespaces.ts';
import { desiredData, desiredFrom, holderIn, identityData, identityFrom, type DesiredRecord, type IdentityRecord } from './records.ts';

export interface StateParts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
}

const identityName = 'wheelhouse-identity';

/** What a spoke keeps, opened by the one process that may write it. */
export class SpokeState {
  /** Drawn at start: what this process writes itself down as. */
  readonly holder: string;
  readonly assignments: AssignmentSecrets;
  readonly #parts: StateParts;
  readonly #identity: Cell;
  readonly #desired: Cell;
  #record: IdentityRecord;
  readonly #race: PromiseWithResolvers<string>;

  private constructor(parts: StateParts, holder: string, identity: Cell, record: IdentityRecord, race: PromiseWithResolvers<string>) {
    this.holder = holder;
    this.assignments = new AssignmentSecrets(parts.client, race.resolve);
    this.#parts = parts;
    this.#identity = identity;
    this.#desired = new Cell(parts.client, 'wheelhouse-desired', 'desired', race.resolve);
    this.#record = record;
    this.#race = race;
  }

  /**
   * Makes the namespaces where they are missing and writes this process down as the holder, which stops whoever held before. Throws StateError; an identity
   * that cannot be read is one, and is left as it is.
   */
  static async open(parts: StateParts, signal: AbortSignal): Promise<SpokeState> {
    await ensureNamespaces(parts.client, signal);
    const holder = Buffer.from(parts.random.bytes(12)).toString('hex');
    const race = Promise.withResolvers<string>();
    const identity = new Cell(parts.client, identityName, 'identity', race.resolve);
    const data = await identity.load(signal);
    const record = data ? identityFrom(data) : {};
    await identity.save(identityData(record, holder), signal);
    return new SpokeState(parts, holder, identity, record, race);
  }

  get identity(): IdentityRecord {
    return this.#record;
  }

  async saveIdentity(record: IdentityRecord, signal: AbortSignal): Promise<void> {
    await this.#identity.save(identityData(record, this.holder), signal);
    this.#record = record;
  }

  /** undefined: nothing has been accepted yet. */
  async loadDesired(signal: AbortSignal): Promise<DesiredRecord | undefined> {
    const data = await this.#desired.load(signal);
    return data && desiredFrom(data);
  }

  async saveDesired(record: DesiredRecord, signal: AbortSignal): Promise<void> {
    await this.#desired.save(desiredData(record), signal);
  }

  /**
   * Resolves with the reason as soon as another process is the holder, the identity was removed, or a write found that somebody else had written: then
   * stop, at once. Resolves with undefined when the signal ends it. An API server that does not answer says nothing about the holder.
   */
  async lost(signal: AbortSignal): Promise<string | undefined> {
    const end = new AbortController();
    try {
      return await Promise.race([this.#race.promise, this.#replaced(AbortSignal.any([signal, end.signal]))]);
    } finally {
      end.abort();
    }
  }

  async #replaced(signal: AbortSignal): Promise<string | undefined> {
    const select = { namespace: systemNamespace, fieldSelector: `metadata.name=${identityName}` };
    for await (const event of follow(this.#parts, secretKind, select, signal)) {
      if (event.type === 'FAILED') continue;
      const object = event.type === 'LISTED' ? event.objects[0] : event.object;
      if (!object || event.type === 'DELETED') return `Secret ${identityName} was removed`;
      const encoded = (object['data'] as Record<string, string> | undefined)?.['holder'] ?? '';
      if (holderIn(new Map([['holder', Buffer.from(encoded, 'base64')]])) !== this.holder) return 'another process is this spoke now';
    }
    return undefined;
  }
}
