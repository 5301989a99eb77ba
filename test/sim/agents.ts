import type { MemoryBus } from '#shared/bus/mod.ts';
import type { Clock } from '#shared/clock/mod.ts';
import { explain, type Random } from '#shared/kernel/mod.ts';
import type { Fetcher, Resolver } from '#shared/oci/mod.ts';
import type { Trusted } from '#shared/signing/mod.ts';
import { refOf, type KubeClient, type KubeObject, type ObjectRef } from '#spoke/kube/mod.ts';
import type { SimCluster } from './cluster.ts';
import { namespace } from './contents.ts';
import { runSpokeParts } from './spokes.ts';
import type { Connection } from './streams.ts';
import type { Trace } from './trace.ts';

export interface AgentParts {
  readonly cluster: SimCluster;
  readonly bus: MemoryBus;
  readonly registry: Resolver & Fetcher;
  /** A stream to the hub, if one listens. */
  readonly dial: (cluster: SimCluster) => Connection;
  readonly trusted: Trusted;
  readonly fleetId: string;
  readonly clock: Clock;
  readonly random: (name: string) => Random;
  readonly trace: Trace;
}

/** Dies at the n-th lasting step from now: before it, or after it without having heard the answer. */
interface Doom {
  left: number;
  readonly when: 'before' | 'after';
}

export interface Race {
  /** Waits for a deletion, or takes the first write that comes. */
  readonly verb: 'delete' | 'any';
  readonly act: (ref: ObjectRef) => void;
}

const lasting = new Set(['apply', 'create', 'update', 'delete']);

interface Life {
  readonly number: number;
  readonly stop: AbortController;
  dead: boolean;
  doom: Doom | undefined;
  connection: Connection | undefined;
  bus: ReturnType<MemoryBus['spoke']>;
}

/** The spoke of one cluster, over all its lives. What it keeps is in the cluster. */
export class Agent {
  readonly #parts: AgentParts;
  #lives = 0;
  #life: Life | undefined;
  /** Lives that were replaced and have not noticed yet. */
  readonly #others = new Set<Life>();
  /** Virtual milliseconds that each request to the API server takes. */
  latencyMs = 0;
  /** Somebody who is faster: what they do to a tenant's object in the very moment before the spoke's next write to it arrives. */
  race: Race | undefined;
  busCut = false;

  constructor(parts: AgentParts) {
    this.#parts = parts;
  }

  get alive(): boolean {
    return this.#life !== undefined;
  }

  get connection(): Connection | undefined {
    return this.#life?.connection;
  }

  start(): void {
    const { cluster, bus, trace, clock, random, trusted, fleetId, registry, dial } = this.#parts;
    const number = ++this.#lives;
    const who = `${cluster.name}${number > 1 ? `#${number}` : ''}`;
    const life: Life = {
      number,
      stop: new AbortController(),
      dead: false,
      doom: undefined,
      connection: undefined,
      bus: bus.spoke(cluster.uid),
    };
    if (this.busCut) life.bus.cut();
    if (this.#life) this.#others.add(this.#life);
    this.#life = life;
    trace.add(who, 'starts');
    const around = {
      fleetId,
      clusterUid: cluster.uid,
      kubeSystemUid: cluster.kubeSystemUid,
      trusted,
      kube: this.#gate(life),
      registry,
      bus: life.bus,
      open: async (signal: AbortSignal) => {
        if (life.dead) throw new Error('dead');
        const connection = dial(cluster);
        life.connection = connection;
        signal.addEventListener('abort', () => connection.cut('the spoke stops'), { once: true });
        return connection.spoke;
      },
      clock,
      random: random(`spoke ${cluster.name} ${number}`),
      log: trace.log(who),
    };
    void runSpokeParts(around, life.stop.signal).then(
      (why) => this.#ended(life, who, why),
      (error: unknown) => this.#ended(life, who, explain(error)),
    );
  }

  #ended(life: Life, who: string, why: string): void {
    if (!life.dead) this.#parts.trace.add(who, `has ended: ${why}`);
    this.#bury(life);
  }

  /** kill -9. */
  kill(): void {
    if (!this.#life) return;
    this.#parts.trace.add(this.#parts.cluster.name, 'is killed');
    this.#bury(this.#life);
  }

  #bury(life: Life): void {
    life.dead = true;
    if (this.#life === life) this.#life = undefined;
    this.#others.delete(life);
    life.connection?.cut('the spoke is gone');
    void life.bus.close();
    life.stop.abort(new Error('killed'));
  }

  /** Dies at one of its next lasting steps. */
  doom(left: number, when: Doom['when']): void {
    if (this.#life) this.#life.doom = { left, when };
  }

  /** Nothing is in the way of this life any more. */
  fair(): void {
    this.latencyMs = 0;
    this.race = undefined;
    if (this.#life) this.#life.doom = undefined;
  }

  setBus(cut: boolean): void {
    this.busCut = cut;
    for (const life of [this.#life, ...this.#others]) {
      if (life?.bus.connected !== cut) continue;
      if (cut) life.bus.cut();
      else life.bus.mend();
    }
  }

  /** What the process's requests go through: they take their time, somebody may be faster, and a dead process has no effect. */
  #gate(life: Life): KubeClient {
    const { kube } = this.#parts.cluster;
    return new Proxy<KubeClient>(kube, {
      get: (target, name: keyof KubeClient) => {
        const method = (target[name] as (...args: unknown[]) => unknown).bind(target);
        if (name === 'watch' || name === 'watchHealth') return method;
        return (...args: unknown[]) => this.#request(life, name, args, method as (...args: unknown[]) => Promise<unknown>);
      },
    });
  }

  async #request(life: Life, name: string, args: unknown[], method: (...args: unknown[]) => Promise<unknown>): Promise<unknown> {
    const options = args[2] as { dryRun?: boolean } | undefined;
    const lasts = lasting.has(name) && options?.dryRun !== true;
    if (this.latencyMs > 0) await this.#parts.clock.sleep(this.latencyMs);
    if (life.dead) throw new Error('dead');
    const dies = lasts && life.doom && life.doom.left-- === 0 ? life.doom.when : undefined;
    if (dies === 'before') this.#die(life, name);
    if (lasts) this.#somebodyFirst(name, args[1] as KubeObject | ObjectRef);
    const result = await method(...args);
    if (dies === 'after') this.#die(life, name);
    if (life.dead) throw new Error('dead');
    return result;
  }

  #somebodyFirst(verb: string, what: KubeObject | ObjectRef): void {
    const { race } = this;
    const ref = 'metadata' in what ? refOf(what) : what;
    if (!race || ref.namespace !== namespace || (race.verb !== 'any' && race.verb !== verb)) return;
    this.race = undefined;
    race.act(ref);
  }

  #die(life: Life, name: string): never {
    this.#parts.trace.add(this.#parts.cluster.name, `dies at ${name}`);
    this.#bury(life);
    throw new Error('killed');
  }
}
