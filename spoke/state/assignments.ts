import { isName } from '../../shared/kernel/mod.ts';
import type { AssignmentRecord, AssignmentStore } from '../assignments/mod.ts';
import type { KubeClient } from '../kube/mod.ts';
import { Cell } from './cells.ts';
import { StateError, stateError } from './errors.ts';
import { secretKind, stateLabel, systemNamespace } from './kinds.ts';
import { assignmentData, assignmentFrom } from './records.ts';

const prefix = 'wheelhouse-assignment-';
const holds = 'assignment';

/** One Secret for each assignment. */
export class AssignmentSecrets implements AssignmentStore {
  readonly #client: KubeClient;
  readonly #onLost: (reason: string) => void;
  readonly #cells = new Map<string, Cell>();

  constructor(client: KubeClient, onLost: (reason: string) => void) {
    this.#client = client;
    this.#onLost = onLost;
  }

  async list(signal: AbortSignal): Promise<readonly string[]> {
    const select = { namespace: systemNamespace, labelSelector: `${stateLabel}=${holds}`, metadataOnly: true };
    try {
      const { items } = await this.#client.list(secretKind, select, signal);
      return items.map(({ metadata }) => metadata.name).flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []));
    } catch (error) {
      throw stateError(error, 'Secrets of assignments');
    }
  }

  async load(uid: string, signal: AbortSignal): Promise<AssignmentRecord | undefined> {
    const data = await this.#cell(uid).load(signal);
    return data && assignmentFrom(nameOf(uid), data);
  }

  async save(uid: string, record: AssignmentRecord, signal: AbortSignal): Promise<void> {
    await this.#cell(uid).save(assignmentData(record), signal);
  }

  async remove(uid: string, signal: AbortSignal): Promise<void> {
    await this.#cell(uid).remove(signal);
    this.#cells.delete(uid);
  }

  #cell(uid: string): Cell {
    let cell = this.#cells.get(uid);
    if (!cell) this.#cells.set(uid, (cell = new Cell(this.#client, nameOf(uid), holds, this.#onLost)));
    return cell;
  }
}

function nameOf(uid: string): string {
  if (!isName(uid)) throw new StateError('REFUSED', 'the uid of an assignment is no RFC 1123 label, so no Secret can be named by it');
  return `${prefix}${uid}`;
}
