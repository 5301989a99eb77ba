import { Worker } from 'node:worker_threads';
import type { Outcome } from './run.ts';

/** Two slow cores are what there may be. */
const workersDefault = 2;

/** Runs the seeds, a few at a time, each in one of several threads; they come as they are done. Rejects when one cannot be run at all. */
export async function* runSeeds(seeds: readonly number[], workers = workersDefault): AsyncGenerator<Outcome> {
  const waiting = [...seeds];
  const done: Outcome[] = [];
  let news = Promise.withResolvers<void>();
  const threads = Array.from({ length: Math.min(workers, seeds.length) }, () => {
    const thread = new Worker(new URL('./worker.ts', import.meta.url));
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is of windows, this a thread
    const next = (): void => thread.postMessage(waiting.shift());
    thread.on('message', (outcome: Outcome) => {
      done.push(outcome);
      news.resolve();
      next();
    });
    thread.on('error', (error) => news.reject(error));
    next();
    return thread;
  });
  try {
    for (let left = seeds.length; left > 0;) {
      await news.promise;
      news = Promise.withResolvers();
      for (let outcome = done.shift(); outcome; outcome = done.shift(), left--) yield outcome;
    }
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}
