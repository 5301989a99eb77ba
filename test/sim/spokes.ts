import { documentFeatures, type Facts } from '#proto/mod.ts';
import type { MemoryBus } from '#shared/bus/mod.ts';
import type { Clock } from '#shared/clock/mod.ts';
import { backoffMs, codeOf, compareFence, explain, jitteredMs, version, type Fence, type Random } from '#shared/kernel/mod.ts';
import type { Fetcher, Resolver } from '#shared/oci/mod.ts';
import { digestOnlyPolicies, type Trusted } from '#shared/signing/mod.ts';
import type { Log } from '#shared/telemetry/mod.ts';
import { startAssignments, type Assignments } from '#spoke/assignments/mod.ts';
import { Receiver } from '#spoke/desired/mod.ts';
import { contentFetcher, memoryCache } from '#spoke/fetch/mod.ts';
import type { KubeClient } from '#spoke/kube/mod.ts';
import { Link, obey, type LinkOptions } from '#spoke/report/mod.ts';
import { SpokeState } from '#spoke/state/mod.ts';
import { Tenancy } from '#spoke/tenancy/mod.ts';

/** What a spoke process finds around itself. */
export interface SpokeAround {
  readonly fleetId: string;
  readonly clusterUid: string;
  readonly kubeSystemUid: string;
  readonly trusted: Trusted;
  /** Of this process: nothing goes through once it is dead. */
  readonly kube: KubeClient;
  readonly registry: Resolver & Fetcher;
  readonly bus: ReturnType<MemoryBus['spoke']>;
  readonly open: LinkOptions['open'];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const startRetry = { firstMs: 500, maxMs: 15_000 };
const facts: Facts = { kubernetesVersion: 'v1.36.0-memory', nodes: 1, labels: {} };

/** One process of a spoke, wired as `spoke/spoke.ts` wires it below identity, TLS, gRPC and NATS. Resolves with why it ended, once the signal has come or it was replaced. */
export async function runSpokeParts(around: SpokeAround, stop: AbortSignal): Promise<string> {
  const over = new AbortController();
  const signal = AbortSignal.any([stop, over.signal]);
  try {
    const { clock, random } = around;
    const state = await patiently(around, 'read what this spoke keeps', signal, () =>
      SpokeState.open({ client: around.kube, clock, random }, signal),
    );
    const working = work(around, state, signal);
    const lost = state.lost(signal).then((reason) => {
      if (reason !== undefined) over.abort(new Error(reason));
      return reason;
    });
    await working;
    return (await lost) ?? explain(stop.reason);
  } catch (error) {
    if (!signal.aborted) throw error;
    return explain(signal.reason);
  } finally {
    over.abort(new Error('the spoke has ended'));
  }
}

async function work(around: SpokeAround, state: SpokeState, signal: AbortSignal): Promise<void> {
  const { kube, clock, random, log, fleetId, clusterUid, bus } = around;
  await patiently(around, 'read the cluster', signal, () => kube.version(signal));
  const kept = await patiently(around, 'read the kept desired state', signal, () => state.loadDesired(signal));
  const receiver = new Receiver(
    {
      self: () => ({ fleetId, clusterUid, desired: around.trusted }),
      save: (stored) => state.saveDesired(stored, signal),
      onState: (desired, fence, receivedAtMonotonicMs) =>
        assignments.setDesired(desired.assignments, { fence: wire(fence), receivedAtMonotonicMs }),
      onRefusal: (refusal) => link.refuse(refusal),
      clock,
      log,
    },
    kept,
    undefined,
  );
  const policies = digestOnlyPolicies(fleetId);
  const assignments: Assignments = startAssignments({
    kube,
    store: state.assignments,
    fetcher: contentFetcher({ registry: around.registry, cache: memoryCache(1 << 20), policies: () => policies, clock }),
    tenancy: new Tenancy(kube, clock),
    clock,
    random,
    fleetId,
    onReport: (_uid, report) => link.report(report),
    log,
  });
  const watch = bus.watch(clusterUid, (message) => message !== 'absent' && receiver.receive(message), signal);
  let antiEntropyMs = 300_000;
  const refresh = async (): Promise<void> => {
    await watch.refresh().catch((error: unknown) => log.warn('could not read the desired state', { reason: explain(error) }));
  };
  const link = new Link({
    open: (ending) => around.open(ending),
    version,
    processId: state.holder,
    kubeSystemUid: around.kubeSystemUid,
    capabilities: [...documentFeatures],
    facts: () => facts,
    keysetVersion: () => 1,
    fence: () => receiver.stored && wire(receiver.stored.fence),
    heldEnvelope: () => receiver.stored?.envelope,
    observing: () => assignments.health(),
    onWelcome: (welcome, named) => {
      antiEntropyMs = Math.max(welcome.antiEntropyMs, 100);
      receiver.welcomed(welcome, named);
      void refresh();
    },
    onFence: (fence) => {
      if (compareFence(fence, receiver.stored?.fence ?? { epoch: 0, generation: 0 }) > 0) void refresh();
    },
    onCommand: (command) => obey(command, { refresh, syncNow: (uid) => assignments.syncNow(uid), clock }),
    onTrust: () => {},
    onGone: () => receiver.forget(),
    clock,
    random,
    log,
  });
  receiver.resume();
  try {
    await Promise.all([link.run(signal), antiEntropy(around, () => antiEntropyMs, refresh, signal)]);
  } finally {
    await assignments.stop();
    await bus.close();
  }
}

async function antiEntropy(
  { clock, random }: SpokeAround,
  periodMs: () => number,
  refresh: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(jitteredMs(periodMs(), 0.2, random), signal).catch(() => undefined);
    if (!signal.aborted) await refresh();
  }
}

async function patiently<T>({ clock, random, log }: SpokeAround, what: string, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  for (let n = 1; ; n++) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted || ['LOST_RACE', 'UNREADABLE'].includes(codeOf(error) ?? '')) throw error;
      log.warn('cannot go on yet', { waitsFor: what, reason: explain(error) });
    }
    await clock.sleep(backoffMs(startRetry, n, random), signal);
  }
}

const wire = (fence: Fence & { hash: Uint8Array }) => ({ ...fence, hash: Buffer.from(fence.hash) });
