import { explain } from '#shared/kernel/mod.ts';
import type { Scope } from '#hub/holds/mod.ts';
import type { Dice } from './chance.ts';
import { nextVersion } from './contents.ts';
import { beatMs, type SimFleet } from './fleet.ts';
import { environmentOf } from './layout.ts';

type Subject = Parameters<NonNullable<SimFleet['hub']>['holds']['hold']>[0];

/** People who use the hub: they commit, freeze and suspend, let go, and change what is declared. */
export class Operators {
  readonly #fleet: SimFleet;
  readonly #dice: Dice;
  readonly #versions: Dice;
  /** What may be held; some of it has let go by itself since. */
  readonly #held: Subject[] = [];

  constructor(fleet: SimFleet) {
    this.#fleet = fleet;
    this.#dice = fleet.chance.dice('operators');
    this.#versions = fleet.chance.dice('versions');
  }

  commits(): void {
    const fate = this.#dice.weighted({ good: 6, broken: 2, refused: 1, outside: 1 });
    this.#fleet.commit(nextVersion(this.#versions, this.#fleet.versions.length + 1, fate));
  }

  async parametrises(): Promise<void> {
    const fleet = this.#fleet;
    const name = this.#dice.pick([...fleet.layout.environments.keys()]);
    const colour = this.#dice.pick(['blue', 'green', 'red']);
    await this.#byHub(`parameters of ${name}: ${colour}`, () => fleet.declare(environmentOf(fleet.layout, name, { colour })));
  }

  async holds(): Promise<void> {
    const { hub, clock } = this.#fleet;
    if (!hub?.alive) return;
    const subject = this.#dice.pick(await this.#subjects());
    const until = this.#dice.is(0.4) ? clock.now() + this.#dice.between(2, 20) * beatMs : null;
    // Before it is tried: a hub that dies of it may have written it down.
    this.#held.push(subject);
    await this.#byHub(`holds ${JSON.stringify(subject)}${until === null ? '' : ' for a while'}`, () =>
      hub.holds.hold(subject, { actor: 'user:ada', reason: 'the fair', until, dryRun: false }),
    );
  }

  async letsGo(): Promise<void> {
    const subject = this.#held.shift();
    if (!subject) return;
    const { hub } = this.#fleet;
    const gone = await this.#byHub(`lets go ${JSON.stringify(subject)}`, () =>
      hub?.alive ? hub.holds.release(subject, { actor: 'user:ada', reason: 'over', dryRun: false }) : Promise.reject(new Error('no hub')),
    );
    if (!gone && !hub?.alive) this.#held.push(subject);
  }

  async letEverythingGo(): Promise<void> {
    while (this.#held.length > 0) await this.letsGo();
  }

  async #subjects(): Promise<readonly Subject[]> {
    const fleet = this.#fleet;
    const tenant = 'acme';
    const rollouts = await fleet.hub?.store.read.selectFrom('rollouts').select('uid').where('finished_at', 'is', null).execute();
    const placements = (await fleet.hub?.placements()) ?? [];
    const named = (scope: Exclude<Scope, 'Fleet' | 'Cluster'>, names: readonly string[]): Subject[] =>
      names.map((name) => ({ scope, tenant, name }));
    return [
      { scope: 'Fleet' },
      { scope: 'Cluster', name: this.#dice.pick(fleet.clusters).name },
      ...named('App', ['web']),
      ...named('Environment', [this.#dice.pick([...fleet.layout.environments.keys()])]),
      ...named(
        'Placement',
        placements.map(({ cluster_id }) => `${fleet.clusterOf(cluster_id)?.name}.web.shop`),
      ),
      ...named(
        'Rollout',
        (rollouts ?? []).map(({ uid }) => uid),
      ),
    ];
  }

  /** What is asked of the hub, which may refuse it, or die of it. */
  async #byHub(what: string, act: () => Promise<unknown>): Promise<boolean> {
    try {
      await act();
      this.#fleet.trace.add('person', what);
      return true;
    } catch (error) {
      this.#fleet.trace.add('person', `${what}: ${explain(error)}`.slice(0, 200));
      return false;
    }
  }
}
