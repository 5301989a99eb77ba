import type { Clock } from '#shared/clock/mod.ts';
import type { Random } from '#shared/kernel/mod.ts';
import { everyApp, type App } from '#hub/apps/mod.ts';
import { isManifestPath } from '#hub/packaging/mod.ts';
import { GitSource, SourcePoller, type SourceCredentials } from '#hub/sources/mod.ts';
import type { Store } from '#hub/store/mod.ts';
import type { Recorded } from './decide.ts';
import type { Releases } from './service.ts';

export interface PollOptions {
  readonly store: Store;
  readonly releases: Releases;
  readonly clock: Clock;
  readonly random: Random;
  /** How often each source is asked. */
  readonly intervalMs: number;
  readonly credentials?: SourceCredentials;
  readonly onRecorded?: (app: App, commit: string, recorded: Recorded) => void;
  readonly onError?: (app: App, error: unknown) => void;
}

/** Polls the source of every declared app and turns what is new into releases. `start()` it; `refresh()` after something was declared. */
export function pollSources({
  store,
  releases,
  clock,
  random,
  intervalMs,
  credentials,
  onRecorded,
  onError,
}: PollOptions): SourcePoller<App> {
  return new SourcePoller<App>({
    apps: () => everyApp(store.read),
    open: ({ spec }) => new GitSource(spec.source.git, { clock, wants: isManifestPath, ...(credentials ? { credentials } : {}) }),
    onCommit: async (app, commit, source, signal) => {
      const recorded = await releases.handle(app.id, commit, source, signal);
      if (recorded) onRecorded?.(app, commit, recorded);
    },
    ...(onError ? { onError } : {}),
    clock,
    random,
    intervalMs,
  });
}
