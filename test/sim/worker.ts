// One thread of several: is given seeds, one at a time, and answers with what became of each.
import { parentPort } from 'node:worker_threads';
import { explain } from '#shared/kernel/mod.ts';
import { runSeed, type Outcome } from './run.ts';

parentPort?.on('message', (seed: number | undefined) => {
  if (seed === undefined) return;
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is of windows, this a thread
  const send = (outcome: Outcome): void => parentPort?.postMessage(outcome);
  void runSeed(seed).then(send, (error: unknown) => {
    throw new Error(`seed ${seed} cannot be run: ${explain(error)}`, { cause: error });
  });
});
