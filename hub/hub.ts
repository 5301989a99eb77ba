import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { connectHub, spokeJwt } from '#shared/bus/mod.ts';
import type { Clock } from '#shared/clock/mod.ts';
import { explain, version, type Random } from '#shared/kernel/mod.ts';
import { parseRepository, RegistryClient } from '#shared/oci/mod.ts';
import { recordSpan, type Log } from '#shared/telemetry/mod.ts';
import { adminToken, Feed, serveApi, sessionsIn } from '#hub/api/mod.ts';
import { appsFrom, type App } from '#hub/apps/mod.ts';
import { DispatchService, keysUnpublished, signerOf } from '#hub/dispatch/mod.ts';
import { EventService } from '#hub/events/mod.ts';
import { serveGateway } from '#hub/gateway/mod.ts';
import { HealthService } from '#hub/health/mod.ts';
import { Holds } from '#hub/holds/mod.ts';
import { Identities, openFleet, serveEnrolment } from '#hub/identity/mod.ts';
import { keysAffectedBy, keysWaiting, PromotionService } from '#hub/promotion/mod.ts';
import { FleetPage } from '#hub/page/mod.ts';
import { isManifestPath } from '#hub/packaging/mod.ts';
import { Releases } from '#hub/releases/mod.ts';
import { RolloutService } from '#hub/rollouts/mod.ts';
import { GitSource, SourcePoller } from '#hub/sources/mod.ts';
import { openSqliteStore, Outbox, type Store } from '#hub/store/mod.ts';
import type { HubConfig } from './config.ts';

export interface HubParts {
  readonly config: HubConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface Hub {
  readonly ports: { readonly gateway: number; readonly enrolment: number; readonly api: number };
  /** Resolves when another hub has become the writer of the record: this one decides nothing any more and should be stopped. */
  readonly lost: Promise<Error>;
  stop(): Promise<void>;
}

export const recordFile = (dataDir: string): string => join(dataDir, 'record.db');
export const keysDir = (dataDir: string): string => join(dataDir, 'keys');

/** One hub: opens the record, connects to NATS, serves spokes and people, and carries on with whatever an earlier process left. */
export async function startHub({ config, clock, random, log }: HubParts, signal: AbortSignal): Promise<Hub> {
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const resources = new AsyncDisposableStack();
  const onError = (error: unknown): void => log.error('internal error', { reason: explain(error) });
  try {
    const lost = Promise.withResolvers<Error>();
    const store = resources.use(await openSqliteStore({ file: recordFile(config.dataDir), clock, random, onLost: lost.resolve }));
    const trust = await openFleet(store, keysDir(config.dataDir), clock, random);
    await adminToken(store, join(keysDir(config.dataDir), 'admin.token'), random);
    const { keys } = trust;

    const bus = resources.use(await connectHub({ servers: [config.natsUrl], keys: keys.nats, clock, random }, signal));
    const feed = new Feed({ store, clock, random, onError });
    const health = new HealthService({
      store,
      clock,
      onError,
      beatIntervalMs: config.beatMs,
      opens: (envelope) => signerOf(keys.desired).open(envelope),
      antiEntropyMs: config.antiEntropyMs,
      onChange: (clusterIds) => {
        feed.clusters(clusterIds);
        events.changed(clusterIds);
        void wake(keysAffectedBy(store.read, clusterIds));
      },
      onSettled: () => {
        void wake(keysWaiting(store.read));
        void events.settled();
      },
      // Somebody else wrote to the bus: a visit puts what the record holds there again.
      onRefused: (clusterId) => outbox.wake(`dispatch:${clusterId}`),
      onReport: (report) =>
        recordSpan('hub.report', { parent: report.traceparent, attributes: { 'wheelhouse.health': report.health }, seconds: 0 }),
    });
    const events = new EventService({ store, clock, watch: health, onError });
    resources.defer(() => events.stop());
    const dispatch = new DispatchService({
      store,
      signer: signerOf(keys.desired),
      bus,
      recordBehind: () => health.recordBehind,
      onAhead: (clusterId, message) => health.setRecordBehind(clusterId, message),
      onUnsendable: (clusterId, message) => health.note(clusterId, 'NotEncodable', message),
    });
    const holds = new Holds({ store, clock, onError });
    resources.defer(() => holds.stop());
    const promotion = new PromotionService({ store, watch: health });
    const rollouts = new RolloutService({ store, watch: health });
    const outbox = new Outbox({
      store,
      clock,
      random,
      onError: (key, error) => log.warn('an effect failed and is tried again', { key, reason: explain(error) }),
      handlers: {
        dispatch: (id) => dispatch.visit(id),
        target: (id) => promotion.visit(id),
        rollout: (id) => rollouts.visit(id),
      },
    });
    const wake = async (found: Promise<string[]>): Promise<void> => {
      try {
        for (const key of await found) outbox.wake(key);
      } catch (error) {
        if (!signal.aborted) onError(error);
      }
    };
    resources.defer(() => outbox.stop());

    // Before the first spoke may speak.
    await health.start();
    // An outage of the bus must not outlast itself by the back-off of what waits for it.
    resources.defer(bus.events(({ kind }) => kind === 'connected' && void wake(keysUnpublished(store.read))));

    const ports = { gateway: 0, enrolment: 0, api: 0 };
    const prefix = parseRepository(config.registry);
    const registries = config.registryInsecure ? [{ address: prefix.registry, insecure: true }] : [];
    // The poller comes back to a commit that could not be pushed: one layer retries.
    const releases = new Releases({
      store,
      registry: new RegistryClient({ clock, registries }),
      prefix,
      onTagsMoved: (repository, tags) => log.warn('tags were moved by somebody else', { repository, tags: tags.join(', ') }),
    });
    const sources = new SourcePoller<App>({
      apps: () => allApps(store),
      open: (app) => new GitSource(app.spec.source.git, { clock, wants: isManifestPath }),
      onCommit: async (app, commit, source, until) => void (await releases.handle(app.id, commit, source, until)),
      onError: (app, error) => log.warn('a source could not be taken in', { app: app.name, reason: explain(error) }),
      clock,
      random,
      intervalMs: config.pollMs,
    });
    const identities = new Identities({
      store,
      trust,
      clock,
      random,
      certificateTtlMs: config.certificateTtlMs,
      endpoints: () => ({
        gateway: `${config.advertisedHost}:${ports.gateway}`,
        enrolment: `${config.advertisedHost}:${ports.enrolment}`,
        nats: [config.natsUrl],
        registries,
      }),
      natsJwt: (uid, userPublicKey, expiresAt) =>
        spokeJwt(keys.nats, uid, { userPublicKey, issuedAtMs: clock.now(), expiresAtMs: expiresAt * 1000 }),
    });
    const listen = { host: config.host, keys, clock, random, onError };
    const gateway = resources.use(
      await serveGateway({
        ...listen,
        port: config.gatewayPort,
        authorize: (certificate) => identities.authorize(certificate),
        handler: health,
      }),
    );
    // Says goodbye while there is still a stream to say it on.
    resources.defer(() => health.stop());
    const enrolment = resources.use(await serveEnrolment(identities, { ...listen, port: config.enrolmentPort }));
    const api = await serveApi({
      host: config.host,
      port: config.apiPort,
      store,
      health,
      identities,
      onDeclared: () => sources.refresh(),
      holds,
      promote: (targetId, releaseId, asked) => promotion.promote(targetId, releaseId, asked),
      pollNow: (appId) => sources.pollNow(appId),
      sourceOf: (appId) => sources.status(appId),
      feed,
      page: new FleetPage({ sessions: sessionsIn(store, clock, random), names: [config.advertisedHost], clock, random, log }),
      clock,
      random,
      version,
      log,
    });
    resources.defer(() => api.stop());
    Object.assign(ports, { gateway: gateway.port, enrolment: enrolment.port, api: api.port });

    // What has expired while no hub was there is over before anything is decided by it.
    await holds.start();
    await outbox.start();
    await wake(keysWaiting(store.read));
    void dispatch
      .verify(signal)
      .catch((error: unknown) => !signal.aborted && log.warn('the bus does not hold what the record holds', { reason: explain(error) }));
    await sources.start();
    resources.defer(() => sources.stop());
    log.info('hub started', { fleet: keys.fleetId, ...ports });
    return { ports, lost: lost.promise, stop: () => resources.disposeAsync() };
  } catch (error) {
    await resources.disposeAsync();
    throw error;
  }
}

/** Every app that there is, page by page: the poller keeps one small entry for each. */
async function allApps({ read }: Store): Promise<App[]> {
  const all: App[] = [];
  for (;;) {
    const page = await appsFrom(read, all.at(-1)?.id ?? 0);
    if (page.length === 0) return all;
    all.push(...page);
  }
}
