import { ArtifactError, parseManifest, type Release } from '#shared/artifact/mod.ts';
import { formatRepository, type Pusher, type Repository, type Resolver, type Tagger } from '#shared/oci/mod.ts';
import { span } from '#shared/telemetry/mod.ts';
import { appById, type App } from '#hub/apps/mod.ts';
import { packageCommit, PackagingError, pushRelease, type Packaged } from '#hub/packaging/mod.ts';
import { isOfCommit, type Snapshot, type Source } from '#hub/sources/mod.ts';
import type { Store } from '#hub/store/mod.ts';
import { tenantById, type Tenant } from '#hub/tenants/mod.ts';
import { decideCommit, isSame, type Built, type Commit, type Recorded } from './decide.ts';
import { ReleaseError } from './errors.ts';
import { loadKnown, outcomeOfTaken } from './record.ts';

export interface ReleasesOptions {
  readonly store: Store;
  /** Retries what passes, if anybody does. */
  readonly registry: Pusher & Tagger & Resolver;
  /** Releases of an app are in `<prefix>/<tenant>/<app>`. */
  readonly prefix: Repository;
  /** Tags that somebody else has moved; nothing depends on them. */
  readonly onTagsMoved?: (repository: string, tags: readonly string[]) => void;
}

/** Turns commits into releases. */
export class Releases {
  readonly #options: ReleasesOptions;

  constructor(options: ReleasesOptions) {
    this.#options = options;
  }

  /**
   * Reads, packages, pushes and records one commit of an app. What is wrong with the commit itself is recorded as its outcome; what may pass (a source or
   * registry that does not answer) rejects, and calling again goes on: pushing is by digest, recording once. undefined: the app is not there any more.
   */
  async handle(appId: number, commit: string, source: Source, signal: AbortSignal): Promise<Recorded | undefined> {
    const { read } = this.#options.store;
    const app = await appById(read, appId);
    const tenant = app && (await tenantById(read, app.tenantId));
    if (!tenant) return undefined;
    const before = await outcomeOfTaken(read, app, commit);
    if (before) return before;
    const attributes = { 'wheelhouse.tenant': tenant.name, 'wheelhouse.app': app.name, 'wheelhouse.commit': commit };
    return span('hub.release', { attributes }, async (active) => {
      const { seen, built } = await this.#build(app, tenant, commit, source, signal);
      const recorded = await this.#record(app, tenant, seen, built, active.traceparent);
      active.set({ 'wheelhouse.outcome': recorded.outcome });
      return recorded;
    });
  }

  async #build(
    app: App,
    tenant: Tenant,
    commit: string,
    source: Source,
    signal: AbortSignal,
  ): Promise<{ seen: Commit; built: Built | Error }> {
    const unread: Commit = { commit, author: '', message: '', committedAt: 0 };
    const snapshot = await span('sources.read', {}, () => source.read(commit, signal)).catch(failed(isOfCommit));
    if (snapshot instanceof Error) return { seen: unread, built: snapshot };
    const packaged = await span('packaging.build', {}, () => packageCommit(packagingOf(app, snapshot))).catch(failed(isWrong));
    if (packaged instanceof Error) return { seen: snapshot, built: packaged };
    const repository = this.#repositoryOf(app, tenant);
    const built = builtOf(packaged, repository);
    const { newest } = await loadKnown(this.#options.store.read, app, tenant, built);
    if (!isSame(built, newest)) await this.#push(repository, packaged.release, signal);
    return { seen: snapshot, built };
  }

  async #push(repository: Repository, release: Release, signal: AbortSignal): Promise<void> {
    const { registry, onTagsMoved } = this.#options;
    const { tagsMoved } = await span('packaging.push', { attributes: { 'wheelhouse.release': release.digest } }, () =>
      pushRelease(registry, repository, release, signal),
    );
    if (tagsMoved.length > 0) onTagsMoved?.(formatRepository(repository), tagsMoved);
  }

  #record(app: App, tenant: Tenant, seen: Commit, built: Built | Error, traceparent: string): Promise<Recorded> {
    return this.#options.store.decide(
      async (trx) => ({ now: await appById(trx, app.id), known: await loadKnown(trx, app, tenant, built) }),
      ({ now, known }, context) => {
        if (now?.generation !== app.generation)
          throw new ReleaseError('APP_CHANGED', `${known.subject} has changed while its commit was packaged`);
        return decideCommit(known, seen, built, traceparent, context);
      },
    );
  }

  #repositoryOf({ name }: App, tenant: Tenant): Repository {
    const { registry, path } = this.#options.prefix;
    return { registry, path: `${path}/${tenant.name}/${name}` };
  }
}

const isWrong = (error: unknown): error is Error => error instanceof PackagingError || error instanceof ArtifactError;

/** An error that belongs to the commit becomes its value; every other one goes on. */
const failed =
  (isExpected: (error: unknown) => error is Error) =>
  (error: unknown): Error => {
    if (isExpected(error)) return error;
    throw error;
  };

const packagingOf = ({ spec }: App, { commit, author, committedAt, files }: Snapshot): Parameters<typeof packageCommit>[0] => ({
  source: spec.source.git.url,
  commit,
  author,
  committedAt,
  files,
  targets: spec.targets,
});

function builtOf({ release, images }: Packaged, repository: Repository): Built {
  const layerBytes = new Map(release.manifests.map(({ descriptor, bytes }) => [descriptor.digest, parseManifest(bytes).layer.size]));
  return {
    digest: release.digest,
    alias: release.alias,
    repository: formatRepository(repository),
    images,
    variants: release.variants.map(({ environment, digest, layerHash }) => ({
      environment,
      digest,
      layer_hash: layerHash,
      layer_bytes: layerBytes.get(digest) ?? 0,
    })),
  };
}
