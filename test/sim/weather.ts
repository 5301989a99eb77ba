import type { Dice } from './chance.ts';
import type { SimFleet } from './fleet.ts';
import { Operators } from './operators.ts';
import { People } from './people.ts';
import { troubles, troubleWeights } from './troubles.ts';

/** How often people do something, beside all the troubles. */
const deeds = { commits: 12, acts: 25, holds: 5, letsGo: 6, parametrises: 3 } as const;
const weights = { ...deeds, ...troubleWeights };
/** In how many beats something happens, and in how many of these yet another thing. */
const share = { something: 0.55, more: 0.3 };
/** How likely who has died is started again in a beat. */
const raised = { hub: 0.5, spoke: 0.4 };

/** Draws what happens to the fleet, and ends it again after a while. */
export class Weather {
  readonly #fleet: SimFleet;
  readonly #dice: Dice;
  readonly #people: People;
  readonly #operators: Operators;
  /** What ends at a beat to come. */
  #ends: { readonly beat: number; readonly end: () => void }[] = [];
  #beat = 0;

  constructor(fleet: SimFleet) {
    this.#fleet = fleet;
    this.#dice = fleet.chance.dice('weather');
    this.#people = new People(fleet);
    this.#operators = new Operators(fleet);
  }

  async beat(): Promise<void> {
    this.#beat += 1;
    const over = this.#ends.filter(({ beat }) => beat <= this.#beat);
    this.#ends = this.#ends.filter(({ beat }) => beat > this.#beat);
    for (const { end } of over) end();
    await this.#raise(false);
    for (let more = this.#dice.is(share.something); more; more = this.#dice.is(share.more))
      await this.#happen(this.#dice.weighted(weights));
  }

  /** All is well again, and nobody holds anything. */
  async clears(): Promise<void> {
    const fleet = this.#fleet;
    fleet.trace.add('weather', 'clears');
    for (const { end } of this.#ends.splice(0)) end();
    fleet.fair();
    this.#people.clear();
    await this.#raise(true);
    await this.#operators.letEverythingGo();
  }

  async #happen(kind: keyof typeof weights): Promise<void> {
    const fleet = this.#fleet;
    const cluster = this.#dice.pick(fleet.clusters);
    if (kind === 'acts') return this.#people.act(cluster);
    if (kind in deeds) return this.#operators[kind as Exclude<keyof typeof deeds, 'acts'>]();
    await troubles[kind as keyof typeof troubles]({
      fleet,
      cluster,
      agent: fleet.agent(cluster),
      dice: this.#dice,
      say: (what) => fleet.trace.add('weather', what),
      later: (beatsMax, end) => void this.#ends.push({ beat: this.#beat + this.#dice.between(1, beatsMax), end }),
    });
  }

  /** Whoever has died is started again, sooner or later. */
  async #raise(all: boolean): Promise<void> {
    const fleet = this.#fleet;
    if (!fleet.hub?.alive && (all || this.#dice.is(raised.hub))) await fleet.startHub();
    for (const agent of fleet.agents.values()) if (!agent.alive && (all || this.#dice.is(raised.spoke))) agent.start();
  }
}
