import type { HeldEnvelope } from '#proto/mod.ts';
import type { ClusterRow, Store } from '#hub/store/mod.ts';
import { judgeFence, type FenceJudgement } from './fences.ts';
import { provenBy, type Opens } from './proofs.ts';
import { fenceOf, historyOf, writeRefusal } from './record.ts';
import type { Registry } from './registry.ts';

/** A spoke that says what it has not shown is asked for it at once, and then as rarely. */
const askEveryBeats = 10;

export interface ClaimParts {
  readonly store: Store;
  readonly registry: Registry;
  readonly opens: Opens;
  readonly onRefused: (clusterId: number) => void;
}

/**
 * What one spoke says of its state that the record cannot be true with. Its word alone makes the hub ask for the state itself; only what this hub's own key has
 * signed for that very cluster shows that the record is an old one, and stops the fleet. Who cannot show it is the suspect, and the fleet goes on.
 */
export class Claim {
  readonly #parts: ClaimParts;
  readonly #cluster: ClusterRow;
  readonly #ask: () => void;
  #text: string | undefined;
  #beats = 0;
  #asked = false;
  #noted = false;
  #proven = false;

  constructor(parts: ClaimParts, cluster: ClusterRow, ask: () => void) {
    this.#parts = parts;
    this.#cluster = cluster;
    this.#ask = ask;
  }

  /** What is claimed and not proven; undefined: nothing. */
  get text(): string | undefined {
    return this.#text;
  }

  /** Of the fence in a Hello or a beat. */
  async judged(judgement: FenceJudgement): Promise<void> {
    if (judgement.outcome === 'Ahead' || judgement.outcome === 'Forked') await this.#claimed(judgement.message);
    else this.#text = undefined;
  }

  /** It has refused a state that this hub gave to it, as one of another history. */
  refusedAsForked = (text: string): Promise<void> => this.#claimed(text);

  async shown({ envelope }: HeldEnvelope): Promise<void> {
    if (!this.#asked) return;
    this.#asked = false;
    const { store, onRefused } = this.#parts;
    const { id, uid } = this.#cluster;
    const fleet = await store.read.selectFrom('fleet').select('fleet_id').executeTakeFirst();
    const proven = provenBy(envelope, { fleetId: fleet?.fleet_id ?? '', clusterUid: uid ?? '' }, this.#parts.opens);
    const history = proven && (await historyOf(store.read, id, proven));
    const judgement = judgeFence(proven, await fenceOf(store.read, id), history);
    if (judgement.outcome === 'Ahead' || judgement.outcome === 'Forked') return this.#recordBehind(judgement.message);
    await this.#suspect();
    // What it has refused may have been given to it by somebody else.
    onRefused(id);
  }

  async #claimed(text: string): Promise<void> {
    if (this.#proven) return;
    this.#text = text;
    if (this.#beats++ % askEveryBeats !== 0) return;
    // Asked long ago, and nothing shown.
    if (this.#asked) await this.#suspect();
    this.#asked = true;
    this.#ask();
  }

  async #recordBehind(found: string): Promise<void> {
    this.#proven = true;
    this.#text = undefined;
    const message = `${found}: run recover`;
    this.#parts.registry.setRecordBehind(this.#cluster.id, `${this.#cluster.name}: ${message}`);
    await writeRefusal(this.#parts.store, { clusterId: this.#cluster.id, code: 'RecordBehind', message });
  }

  async #suspect(): Promise<void> {
    if (this.#noted || this.#text === undefined) return;
    this.#noted = true;
    const message = `${this.#text}, and its agent shows no state that this hub has signed and that says so: nothing of ${this.#cluster.name} is believed`;
    await writeRefusal(this.#parts.store, { clusterId: this.#cluster.id, code: 'FenceUnproven', message });
  }
}
