import type { KubeCode } from '#spoke/kube/mod.ts';
import type { Agent } from './agents.ts';
import type { Dice } from './chance.ts';
import type { SimCluster } from './cluster.ts';
import type { Carriage, SimFleet } from './fleet.ts';
import type { Wrong } from './registries.ts';

/** Where and how a trouble comes. */
export interface Sky {
  readonly fleet: SimFleet;
  /** The cluster that was drawn for it. */
  readonly cluster: SimCluster;
  readonly agent: Agent;
  readonly dice: Dice;
  readonly say: (what: string) => void;
  /** Ends it after at most so many beats. */
  readonly later: (beatsMax: number, end: () => void) => void;
}

const codes: readonly KubeCode[] = ['SERVER_UNAVAILABLE', 'TOO_MANY_REQUESTS', 'CONFLICT', 'FORBIDDEN', 'BAD_RESPONSE', 'UNAUTHORIZED'];
const verbs = ['get', 'list', 'apply', 'create', 'update', 'delete', 'discover', undefined] as const;
const groups = ['apps', 'sim.example.com', 'rbac.authorization.k8s.io'] as const;
const keepAliveMs = 20_000;
const lostNames = /^wheelhouse-(desired|assignment-)/;

/** How often each comes. */
export const troubleWeights = {
  hubKilled: 3,
  hubDoomed: 5,
  hubStops: 1,
  spokeKilled: 6,
  spokeDoomed: 8,
  spokeTwice: 3,
  streamsCut: 4,
  streamLost: 4,
  streamsSlow: 2,
  busAway: 4,
  busForgets: 3,
  busCarries: 5,
  busOld: 4,
  registryAway: 4,
  registryWrong: 4,
  apiFails: 9,
  apiSilent: 5,
  apiCompacts: 3,
  apiGroup: 3,
  apiSlow: 5,
  recordLost: 2,
} as const;

type Trouble = (sky: Sky) => void | Promise<void>;

/** What may befall a fleet. */
export const troubles: Readonly<Record<keyof typeof troubleWeights, Trouble>> = {
  hubKilled: ({ fleet }) => fleet.hub?.kill(),
  hubStops: async ({ fleet }) => {
    if (fleet.hub?.alive) await fleet.hub.stop();
  },
  hubDoomed: ({ fleet, dice }) => fleet.hub?.doom(dice.between(0, 20), dice.pick(['before', 'after'])),
  spokeKilled: ({ agent }) => agent.kill(),
  spokeDoomed: ({ agent, dice }) => agent.doom(dice.between(0, 12), dice.pick(['before', 'after'])),
  // A rolling update: the new one is there before the old one has gone.
  spokeTwice: ({ agent }) => agent.start(),
  streamsCut: ({ fleet, say }) => {
    say('every stream is cut');
    fleet.hub?.cutAll();
  },
  streamLost: ({ agent, cluster, say }) => {
    say(`the path of ${cluster.name} is lost`);
    agent.connection?.lose(keepAliveMs);
  },
  streamsSlow: ({ fleet, dice, say, later }) => {
    fleet.streamDelayMs = dice.between(5, 900);
    say(`new streams take ${fleet.streamDelayMs} ms`);
    later(12, () => void (fleet.streamDelayMs = 0));
  },
  busAway: ({ fleet, agent, cluster, dice, say, later }) => {
    const all = dice.is(0.5);
    say(all ? 'the bus is away' : `the bus is away for ${cluster.name}`);
    if (all) fleet.setBus(true);
    else agent.setBus(true);
    later(20, () => (all ? fleet.setBus(false) : agent.setBus(fleet.busCut)));
  },
  busForgets: ({ fleet, cluster, dice, say }) => {
    const forgotten = dice.is(0.5) ? fleet.clusters : [cluster];
    say(`the bus forgets ${forgotten.map(({ name }) => name).join(', ')}`);
    for (const { uid } of forgotten) fleet.bus.write(uid, undefined);
  },
  busCarries: ({ fleet, dice, say, later }) => {
    fleet.carriage = dice.pick<Carriage>(['lost', 'late', 'twice']);
    say(`pushes are ${fleet.carriage}`);
    later(15, () => void (fleet.carriage = 'prompt'));
  },
  busOld: ({ fleet, cluster, dice, say }) => {
    const old = fleet.said.get(cluster) ?? [];
    if (old.length === 0) return;
    say(`the bus holds an old state of ${cluster.name}`);
    fleet.bus.write(cluster.uid, dice.pick(old));
  },
  registryAway: ({ fleet, say, later }) => {
    say('the registry is away');
    fleet.registry.away = true;
    later(15, () => void (fleet.registry.away = false));
  },
  registryWrong: ({ fleet, dice, say, later }) => {
    fleet.registry.wrong = dice.pick<Wrong>(['flipped', 'mixed']);
    say(`the registry serves wrong bytes (${fleet.registry.wrong})`);
    later(8, () => void (fleet.registry.wrong = undefined));
  },
  apiFails: ({ cluster, dice, say }) => {
    const verb = dice.pick(verbs);
    const fault = { ...(verb ? { verb } : {}), code: dice.pick(codes), times: dice.between(1, 6), answerLost: dice.is(0.5) };
    const carried = fault.answerLost ? ', and are carried out' : '';
    say(`${cluster.name}: the next ${fault.times} calls ${verb ?? 'of any kind'} fail with ${fault.code}${carried}`);
    cluster.kube.fail(fault);
  },
  apiSilent: ({ cluster, say, later }) => {
    say(`${cluster.name}: the API server is silent`);
    cluster.kube.silence();
    later(14, () => cluster.kube.heal());
  },
  apiCompacts: ({ cluster, say }) => {
    say(`${cluster.name}: the history of watches is compacted`);
    cluster.kube.compact();
  },
  apiGroup: ({ cluster, dice, say, later }) => {
    const group = dice.pick(groups);
    say(`${cluster.name}: discovery of ${group} fails`);
    cluster.kube.failGroup(group);
    later(20, () => cluster.kube.heal());
  },
  apiSlow: ({ cluster, agent, dice, say, later }) => {
    agent.latencyMs = dice.between(1, 400);
    say(`${cluster.name}: each request takes ${agent.latencyMs} ms`);
    later(15, () => void (agent.latencyMs = 0));
  },
  // What the spoke keeps is gone while it is away: somebody has tidied up, or restored a backup of the namespace.
  recordLost: ({ fleet, cluster, agent, dice, say }) => {
    const kept = cluster.kube.objects().filter(({ kind, metadata }) => kind === 'Secret' && lostNames.test(metadata.name));
    if (kept.length === 0) return;
    const lost = dice.pick(kept);
    agent.kill();
    say(`${cluster.name}: Secret ${lost.metadata.name} is lost`);
    cluster.remove(lost);
    fleet.lost.add(cluster);
  },
};
