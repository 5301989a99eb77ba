import { explain } from '#shared/kernel/mod.ts';
import type { Subject } from '#hub/holds/mod.ts';
import type { KubeCode } from '#spoke/kube/mod.ts';
import type { Agent } from './agents.ts';
import type { Dice } from './chance.ts';
import type { SimCluster } from './cluster.ts';
import { nextVersion } from './contents.ts';
import { beatMs, type Carriage, type SimFleet } from './fleet.ts';
import { People } from './people.ts';

const codes: readonly KubeCode[] = ['SERVER_UNAVAILABLE', 'TOO_MANY_REQUESTS', 'CONFLICT', 'FORBIDDEN', 'BAD_RESPONSE', 'UNAUTHORIZED'];
const keepAliveMs = 20_000;

/** How often each kind of weather comes, beside the others. */
const kinds = {
  release: 12,
  spokeKilled: 6,
  spokeDoomed: 8,
  spokeTwice: 3,
  hubKilled: 3,
  hubDoomed: 5,
  hubStops: 1,
  busAway: 4,
  busForgets: 3,
  busCarries: 5,
  busOld: 4,
  streamsCut: 4,
  streamLost: 4,
  registryAway: 4,
  registryWrong: 3,
  apiFault: 9,
  apiSilent: 5,
  apiCompacts: 3,
  apiGroup: 3,
  apiSlow: 5,
  streamsSlow: 2,
  parameters: 3,
  person: 25,
  hold: 5,
  release_hold: 6,
} as const;
type KindOfWeather = keyof typeof kinds;

/** Draws what happens to the fleet, and ends it again after a while. */
export class Weather {
  readonly #fleet: SimFleet;
  readonly #dice: Dice;
  readonly #versions: Dice;
  readonly #people: People;
  /** What ends at a beat to come. */
  #ends: { readonly beat: number; readonly end: () => void | Promise<void> }[] = [];
  readonly #held: Subject[] = [];
  #beat = 0;
  #parameters = 0;

  constructor(fleet: SimFleet) {
    this.#fleet = fleet;
    this.#dice = fleet.chance.dice('weather');
    this.#versions = fleet.chance.dice('versions');
    this.#people = new People(fleet);
  }

  async beat(): Promise<void> {
    this.#beat += 1;
    const over = this.#ends.filter(({ beat }) => beat <= this.#beat);
    this.#ends = this.#ends.filter(({ beat }) => beat > this.#beat);
    for (const { end } of over) await end();
    await this.#raise();
    for (let more = this.#dice.is(0.55); more; more = this.#dice.is(0.3)) await this.#happen(this.#dice.weighted(kinds));
  }

  /** All is well again, and nobody holds anything. */
  async clears(): Promise<void> {
    const fleet = this.#fleet;
    fleet.trace.add('weather', 'clears');
    for (const { end } of this.#ends.splice(0)) await end();
    fleet.setBus(false);
    fleet.carriage = 'prompt';
    fleet.registry.away = fleet.registry.wrong = false;
    fleet.streamDelayMs = 0;
    for (const [cluster, agent] of fleet.agents) {
      cluster.kube.heal();
      agent.latencyMs = 0;
      agent.race = undefined;
      agent.doom(-1, 'before');
    }
    await this.#raise(true);
    fleet.hub?.doom(-1, 'before');
    for (const subject of this.#held.splice(0)) await this.#unhold(subject);
  }

  /** Whoever died of itself is started again. */
  async #raise(all = false): Promise<void> {
    const fleet = this.#fleet;
    if (!fleet.hub?.alive && (all || this.#dice.is(0.5))) await fleet.startHub();
    for (const agent of fleet.agents.values()) if (!agent.alive && (all || this.#dice.is(0.4))) agent.start();
  }

  #later(beatsMax: number, end: () => void | Promise<void>): void {
    this.#ends.push({ beat: this.#beat + this.#dice.between(1, beatsMax), end });
  }

  async #happen(kind: KindOfWeather): Promise<void> {
    const fleet = this.#fleet;
    const dice = this.#dice;
    const cluster = dice.pick(fleet.clusters);
    const agent = fleet.agent(cluster);
    const say = (what: string): void => fleet.trace.add('weather', what);
    switch (kind) {
      case 'release': {
        const fate = dice.weighted({ good: 6, broken: 2, refused: 1, outside: 1 });
        return fleet.commit(nextVersion(this.#versions, fleet.versions.length + 1, fate));
      }
      case 'person':
        return this.#people.act(cluster);
      case 'hold':
        return this.#hold();
      case 'release_hold':
        return this.#held.length > 0 ? this.#unhold(this.#held.shift() as Subject) : undefined;
      case 'parameters':
        return this.#parametrise();
      case 'hubKilled':
        return fleet.hub?.kill();
      case 'hubStops':
        return fleet.hub?.alive ? fleet.hub.stop() : undefined;
      case 'hubDoomed':
        return fleet.hub?.doom(dice.between(0, 20), dice.pick(['before', 'after']));
      case 'spokeKilled':
      case 'spokeDoomed':
      case 'spokeTwice':
        return this.#spoke(kind, agent);
      case 'busAway':
      case 'busForgets':
      case 'busCarries':
      case 'busOld':
        return this.#bus(kind, cluster, agent, say);
      case 'streamsCut':
        say('every stream is cut');
        return fleet.hub?.cutSome(
          () => true,
          (connection) => connection.cut('cut'),
        );
      case 'streamLost':
        say(`the path of ${cluster.name} is lost`);
        return agent.connection?.lose(keepAliveMs);
      case 'streamsSlow':
        fleet.streamDelayMs = dice.between(5, 900);
        say(`new streams take ${fleet.streamDelayMs} ms`);
        return this.#later(12, () => void (fleet.streamDelayMs = 0));
      case 'registryAway':
        fleet.registry.away = true;
        say('the registry is away');
        return this.#later(15, () => void (fleet.registry.away = false));
      case 'registryWrong':
        fleet.registry.wrong = true;
        say('the registry serves wrong bytes');
        return this.#later(8, () => void (fleet.registry.wrong = false));
      default:
        return this.#api(kind, cluster, agent, say);
    }
  }

  #spoke(kind: 'spokeKilled' | 'spokeDoomed' | 'spokeTwice', agent: Agent): void {
    if (kind === 'spokeKilled') agent.kill();
    // A rolling update: the new one is there before the old one has gone.
    else if (kind === 'spokeTwice') agent.start();
    else agent.doom(this.#dice.between(0, 12), this.#dice.pick(['before', 'after']));
  }

  #bus(kind: 'busAway' | 'busForgets' | 'busCarries' | 'busOld', cluster: SimCluster, agent: Agent, say: (what: string) => void): void {
    const fleet = this.#fleet;
    const dice = this.#dice;
    if (kind === 'busAway') {
      const all = dice.is(0.5);
      say(all ? 'the bus is away' : `the bus is away for ${cluster.name}`);
      if (all) fleet.setBus(true);
      else agent.setBus(true);
      this.#later(20, () => (all ? fleet.setBus(false) : agent.setBus(fleet.busCut)));
    } else if (kind === 'busForgets') {
      const forgotten = dice.is(0.5) ? fleet.clusters : [cluster];
      say(`the bus forgets ${forgotten.map(({ name }) => name).join(', ')}`);
      for (const { uid } of forgotten) fleet.bus.write(uid, undefined);
    } else if (kind === 'busCarries') {
      fleet.carriage = dice.pick<Carriage>(['lost', 'late', 'twice']);
      say(`pushes are ${fleet.carriage}`);
      this.#later(15, () => void (fleet.carriage = 'prompt'));
    } else {
      const old = fleet.said.get(cluster) ?? [];
      if (old.length === 0) return;
      say(`the bus holds an old state of ${cluster.name}`);
      fleet.bus.write(cluster.uid, dice.pick(old));
    }
  }

  #api(
    kind: 'apiFault' | 'apiSilent' | 'apiCompacts' | 'apiGroup' | 'apiSlow',
    { kube, name }: SimCluster,
    agent: Agent,
    say: (what: string) => void,
  ): void {
    const dice = this.#dice;
    if (kind === 'apiFault') {
      const verb = dice.pick(['get', 'list', 'apply', 'create', 'update', 'delete', 'discover', undefined] as const);
      const fault = { ...(verb ? { verb } : {}), code: dice.pick(codes), times: dice.between(1, 6), answerLost: dice.is(0.5) };
      say(`${name}: the next ${fault.times} calls ${verb ?? ''} fail with ${fault.code}${fault.answerLost ? ', and are carried out' : ''}`);
      kube.fail(fault);
    } else if (kind === 'apiSilent') {
      say(`${name}: the API server is silent`);
      kube.silence();
      this.#later(14, () => kube.heal());
    } else if (kind === 'apiCompacts') {
      say(`${name}: the history of watches is compacted`);
      kube.compact();
    } else if (kind === 'apiGroup') {
      const group = dice.pick(['apps', 'sim.example.com', 'rbac.authorization.k8s.io']);
      say(`${name}: discovery of ${group} fails`);
      kube.failGroup(group);
      this.#later(20, () => kube.heal());
    } else {
      agent.latencyMs = dice.between(1, 400);
      say(`${name}: each request takes ${agent.latencyMs} ms`);
      this.#later(15, () => void (agent.latencyMs = 0));
    }
  }

  async #parametrise(): Promise<void> {
    const fleet = this.#fleet;
    const name = this.#dice.pick([...fleet.layout.environments.keys()]);
    const parameters = { colour: this.#dice.pick(['blue', 'green', 'red']) };
    await this.#byHub(`sets parameters of ${name} to ${parameters.colour} (${++this.#parameters})`, () =>
      fleet.declare(fleet.environmentResource(name, parameters)),
    );
  }

  async #hold(): Promise<void> {
    const fleet = this.#fleet;
    const { hub } = fleet;
    if (!hub?.alive) return;
    const rollouts = await hub.store.read.selectFrom('rollouts').select('uid').where('finished_at', 'is', null).execute();
    const placements = await hub.placements();
    const placed = placements.map(({ cluster_id }) => fleet.clusterOf(cluster_id)?.name ?? '');
    const tenant = 'acme';
    const subject = this.#dice.pick<Subject>([
      { scope: 'Fleet' },
      { scope: 'Environment', tenant, name: this.#dice.pick([...fleet.layout.environments.keys()]) },
      { scope: 'Cluster', name: this.#dice.pick(fleet.clusters).name },
      { scope: 'App', tenant, name: 'web' },
      ...placed.map((name): Subject => ({ scope: 'Placement', tenant, name: `${name}.web.shop` })),
      ...rollouts.map(({ uid }): Subject => ({ scope: 'Rollout', tenant, name: uid })),
    ]);
    const until = this.#dice.is(0.4) ? fleet.clock.now() + this.#dice.between(2, 20) * beatMs : null;
    const held = await this.#byHub(`holds ${JSON.stringify(subject)}${until === null ? '' : ' for a while'}`, () =>
      hub.holds.hold(subject, { actor: 'user:ada', reason: 'the fair', until, dryRun: false }),
    );
    if (held) this.#held.push(subject);
  }

  async #unhold(subject: Subject): Promise<void> {
    await this.#byHub(`lets go ${JSON.stringify(subject)}`, async () => {
      if (!this.#fleet.hub?.alive) {
        this.#held.push(subject);
        return;
      }
      await this.#fleet.hub.holds.release(subject, { actor: 'user:ada', reason: 'over', dryRun: false });
    });
  }

  /** What a person asks of the hub, which may refuse it, or die of it. */
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
