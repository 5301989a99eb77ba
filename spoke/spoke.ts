import { documentFeatures, KeyRole, SpokeClient, type Facts } from '#proto/mod.ts';
import { connectSpoke, type DesiredWatch, type SpokeBus } from '#shared/bus/mod.ts';
import type { Clock } from '#shared/clock/mod.ts';
import { backoffMs, compareFence, explain, jitteredMs, version, type Fence, type Random } from '#shared/kernel/mod.ts';
import { RegistryClient } from '#shared/oci/mod.ts';
import { openStream, rpcClient } from '#shared/rpc/mod.ts';
import { trustedFor } from '#shared/signing/mod.ts';
import type { Log } from '#shared/telemetry/mod.ts';
import { startAssignments } from '#spoke/assignments/mod.ts';
import { Receiver } from '#spoke/desired/mod.ts';
import { contentFetcher, directoryCache, layered, memoryCache } from '#spoke/fetch/mod.ts';
import { SpokeIdentity } from '#spoke/identity/mod.ts';
import type { KindInfo, KubeClient } from '#spoke/kube/mod.ts';
import { Link, obey } from '#spoke/report/mod.ts';
import { SpokeState } from '#spoke/state/mod.ts';
import { Tenancy } from '#spoke/tenancy/mod.ts';
import type { SpokeConfig } from './config.ts';

export interface SpokeParts {
  readonly config: Pick<SpokeConfig, 'joinToken' | 'cacheDir'>;
  readonly kube: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const startRetry = { firstMs: 500, maxMs: 15_000 };
const namespaces: KindInfo = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  resource: 'namespaces',
  namespaced: false,
  verbs: ['get', 'list'],
};
const nodes: KindInfo = { ...namespaces, kind: 'Node', resource: 'nodes' };

/**
 * One spoke of one cluster, until the signal, or until another process has become this spoke. Resolves with why it ended; rejects when it cannot be a spoke
 * (no token, refused by the hub).
 */
export async function runSpoke(parts: SpokeParts, stop: AbortSignal): Promise<string> {
  const over = new AbortController();
  const signal = AbortSignal.any([stop, over.signal]);
  try {
    const state = await patiently(parts, 'read what this spoke keeps', signal, () =>
      SpokeState.open({ client: parts.kube, clock: parts.clock, random: parts.random }, signal),
    );
    const working = work(parts, state, signal);
    const lost = state.lost(signal).then((reason) => {
      if (reason !== undefined) over.abort(new Error(reason));
      return reason;
    });
    await working;
    return (await lost) ?? String(stop.reason instanceof Error ? stop.reason.message : stop.reason);
  } catch (error) {
    if (!signal.aborted) throw error;
    return explain(signal.reason);
  } finally {
    over.abort(new Error('the spoke has ended'));
  }
}

async function work(parts: SpokeParts, state: SpokeState, signal: AbortSignal): Promise<void> {
  const { kube, clock, random, log, config } = parts;
  const about = await patiently(parts, 'read the cluster', signal, () => aboutCluster(kube, signal));
  const facts = (): Facts => about.facts;
  const { kubeSystemUid } = about;
  const identity = await SpokeIdentity.open({ state, token: config.joinToken, kubeSystemUid, version, facts, clock, random, log }, signal);
  const { fleetId, clusterUid } = identity.current;

  const kept = await patiently(parts, 'read the kept desired state', signal, () => state.loadDesired(signal));
  // The three know each other; what they call is called only after all of them are there.
  const receiver = new Receiver(
    {
      self: () => ({ fleetId, clusterUid, desired: trustedFor(identity.current.keyset.document, KeyRole.KEY_ROLE_DESIRED) }),
      save: (stored) => state.saveDesired(stored, signal),
      onState: (desired, fence, receivedAtMonotonicMs) =>
        assignments.setDesired(desired.assignments, { fence: wire(fence), receivedAtMonotonicMs }),
      onRefusal: (refusal) => link.refuse(refusal),
      clock,
      log,
    },
    kept,
    identity.floor && { fence: identity.floor },
  );
  const registries = identity.current.endpoints.registries.map(({ address, insecure }) => ({ address, insecure }));
  const memory = memoryCache(64 * 1024 * 1024);
  const assignments = startAssignments({
    kube,
    store: state.assignments,
    fetcher: contentFetcher({
      registry: new RegistryClient({ clock, registries }),
      cache: config.cacheDir ? layered(memory, directoryCache(config.cacheDir, 1024 * 1024 * 1024)) : memory,
      policies: () => identity.current.trustPolicies.document,
      clock,
    }),
    tenancy: new Tenancy(kube, clock),
    clock,
    random,
    fleetId,
    onReport: (_uid, report) => link.report(report),
    log,
  });

  let watch: DesiredWatch | undefined;
  let antiEntropyMs = 300_000;
  const refresh = async (): Promise<void> => {
    await watch?.refresh().catch((error: unknown) => log.warn('could not read the desired state', { reason: explain(error) }));
  };
  const connection = new GatewayConnection(identity);
  const link = new Link({
    open: (ending) => connection.open(ending),
    version,
    processId: state.holder,
    kubeSystemUid,
    capabilities: [...documentFeatures],
    facts,
    keysetVersion: () => identity.current.keyset.document.version,
    fence: () => receiver.stored && wire(receiver.stored.fence),
    heldEnvelope: () => receiver.stored?.envelope,
    observing: () => assignments.health(),
    onWelcome: (welcome, named) => {
      antiEntropyMs = Math.max(welcome.antiEntropyMs, 100);
      receiver.welcomed(welcome, named);
      void refresh();
    },
    onFence: (fence) => {
      const held = receiver.stored?.fence ?? { epoch: 0, generation: 0 };
      if (compareFence(fence, held) > 0) void refresh();
    },
    onCommand: (command) => obey(command, { refresh, syncNow: (uid) => assignments.syncNow(uid), clock }),
    onTrust: (update) =>
      void identity.update(update, signal).catch((error: unknown) => log.warn('refused new trust documents', { reason: explain(error) })),
    onGone: () => receiver.forget(),
    clock,
    random,
    log,
  });
  receiver.resume();

  let bus: SpokeBus | undefined;
  const connect = async (): Promise<unknown> => {
    // With a certificate that expired while the spoke was away nobody lets it in; the cluster is kept as it is meanwhile.
    await identity.refresh(signal);
    return Promise.all([
      link.run(signal),
      followBus(parts, identity, clusterUid, signal, (connected) => {
        bus = connected;
        watch = connected.watch(clusterUid, (message) => message !== 'absent' && receiver.receive(message), signal);
      }),
      antiEntropy(parts, () => antiEntropyMs, refresh, signal),
      untilStopped(
        // The stream was authenticated when it opened and goes on; the next one uses the new certificate. The bus cuts whoever's credentials expire.
        identity.keepFresh(() => {
          void bus?.reconnect().catch((error: unknown) => log.warn('could not reconnect to the bus', { reason: explain(error) }));
        }, signal),
        signal,
      ),
    ]);
  };
  try {
    await untilStopped(connect(), signal);
  } finally {
    await assignments.stop();
    await bus?.close();
    connection.close();
  }
}

/** The stream's connection, made anew with the certificate in force. */
class GatewayConnection {
  readonly #identity: SpokeIdentity;
  #client: SpokeClient | undefined;

  constructor(identity: SpokeIdentity) {
    this.#identity = identity;
  }

  async open(signal: AbortSignal) {
    this.close();
    const { endpoints, authorities, certificate } = this.#identity.current;
    const tls = { ca: authorities, key: this.#identity.keyPem, certificateChain: certificate };
    const client = rpcClient(SpokeClient, { address: endpoints.gateway, tls });
    this.#client = client;
    return openStream(() => client.connect(), signal);
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }
}

/** Connects to the bus, and tries for ever: without it the cluster is still kept as it is. */
async function followBus(
  parts: SpokeParts,
  identity: SpokeIdentity,
  clusterUid: string,
  signal: AbortSignal,
  onConnected: (bus: SpokeBus) => void,
): Promise<void> {
  const { clock, random, log } = parts;
  const connected = await patiently(parts, 'connect to the bus', signal, () =>
    connectSpoke(
      {
        servers: identity.current.endpoints.nats,
        credentials: () => ({ jwt: identity.current.natsJwt, user: identity.natsUser }),
        clusterUid,
        clock,
        random,
        onEvent: (event) => log.info('bus', { event: event.kind, ...(event.kind === 'refused' ? { reason: event.message } : {}) }),
      },
      signal,
    ),
  );
  onConnected(connected);
}

/** Reads the key again every few minutes: what a push has lost is found. */
async function antiEntropy(
  { clock, random }: SpokeParts,
  periodMs: () => number,
  refresh: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(jitteredMs(periodMs(), 0.2, random), signal).catch(() => undefined);
    if (!signal.aborted) await refresh();
  }
}

async function aboutCluster(kube: KubeClient, signal: AbortSignal): Promise<{ kubeSystemUid: string; facts: Facts }> {
  const kubeSystem = await kube.get(namespaces, '', 'kube-system', signal);
  const kubeSystemUid = kubeSystem?.metadata.uid;
  if (!kubeSystemUid) throw new Error('the API server has no namespace kube-system yet');
  const { items } = await kube.list(nodes, {}, signal);
  return { kubeSystemUid, facts: { kubernetesVersion: await kube.version(signal), nodes: items.length, labels: {} } };
}

/** Tries until it works or the spoke stops: a cluster that cannot be read yet is no reason to give up. A refusal that is final passes through. */
async function patiently<T>({ clock, random, log }: SpokeParts, what: string, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  for (let n = 1; ; n++) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted || isFinal(error)) throw error;
      log.warn('cannot go on yet', { waitsFor: what, reason: explain(error), attempt: n });
    }
    await clock.sleep(backoffMs(startRetry, n, random), signal);
  }
}

const isFinal = (error: unknown): boolean => {
  const { code } = error as { code?: string };
  return code === 'LOST_RACE' || code === 'UNREADABLE' || code === 'CONFIG';
};

const untilStopped = async (working: Promise<unknown>, signal: AbortSignal): Promise<void> => {
  await working.catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
};

const wire = (fence: Fence & { hash: Uint8Array }) => ({ ...fence, hash: Buffer.from(fence.hash) });
