import type { Clock } from '../../shared/clock/mod.ts';
import { backoffMs, type Random } from '../../shared/kernel/mod.ts';
import type { KindInfo, KubeClient, KubeObject } from './port.ts';

export type Followed =
  /** Everything there is now: what is not in it does not exist. */
  | { readonly type: 'LISTED'; readonly objects: readonly KubeObject[]; readonly resourceVersion: string }
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: KubeObject }
  /** The list failed and will be tried again; what is known stays known, and grows old. */
  | { readonly type: 'FAILED'; readonly error: unknown };

export interface FollowParts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
}

const retry = { firstMs: 500, maxMs: 60_000 };

/** Lists, watches, and lists again whenever the watch has to be begun anew, for ever; ends quietly with the signal. */
export async function* follow(
  { client, clock, random }: FollowParts,
  kind: KindInfo,
  select: { namespace?: string; labelSelector?: string; fieldSelector?: string },
  signal: AbortSignal,
): AsyncGenerator<Followed, void, undefined> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      const { items, resourceVersion } = await client.list(kind, select, signal);
      yield { type: 'LISTED', objects: items, resourceVersion };
      for await (const event of client.watch(kind, { ...select, resourceVersion }, signal)) {
        if (event.type === 'RESYNC') break;
        failures = 0;
        if (event.type !== 'BOOKMARK') yield event;
      }
    } catch (error) {
      if (signal.aborted) return;
      yield { type: 'FAILED', error };
    }
    // A watch that breaks right after each list must not turn into a storm of lists.
    failures += 1;
    await clock.sleep(backoffMs(retry, failures, random), signal).catch(() => undefined);
  }
}
