import type { Clock } from '../clock/mod.ts';
import { backoffMs, type Random } from '../kernel/mod.ts';
import { BusError } from './errors.ts';
import type { BusConnection } from './ports.ts';

const retry = { firstMs: 200, maxMs: 15_000 };

/** Reads now and after every reconnect, until it succeeds: the one place that retries a read. Never two reads at a time; ends with the signal. */
export function follow(
  link: Pick<BusConnection, 'events'>,
  read: () => Promise<void>,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  signal: AbortSignal,
): void {
  let wanted = false;
  let reading = false;

  const run = async (): Promise<void> => {
    for (let attempt = 1; wanted && !signal.aborted;) {
      wanted = false;
      try {
        await read();
        attempt = 1;
      } catch (error) {
        if (signal.aborted || (error instanceof BusError && error.code === 'CLOSED')) return;
        wanted = true;
        // An aborted sleep ends the loop by its condition.
        await clock.sleep(backoffMs(retry, attempt++, random), signal).catch(() => {});
      }
    }
  };
  const wake = (): void => {
    wanted = true;
    if (reading) return;
    reading = true;
    void run().finally(() => (reading = false));
  };
  const stop = link.events((event) => (event.kind === 'connected' ? wake() : undefined));
  signal.addEventListener('abort', stop, { once: true });
  wake();
}

const readsMax = 5;

/**
 * What was read, read again while pushes come in meanwhile: an answer from before a push, handed on after it, would look like an old document that somebody
 * replays. At most five times: whoever pushes without end hides nothing.
 */
export async function notOvertaken<T>(read: () => Promise<T>, pushed: () => number): Promise<T> {
  for (let reads = 1; ; reads++) {
    const before = pushed();
    const found = await read();
    if (pushed() === before || reads === readsMax) return found;
  }
}
