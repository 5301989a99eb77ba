// One thread of several: is given seeds, one at a time, and answers with what became of each.
import { parentPort } from 'node:worker_threads';
import { runSeed } from './run.ts';

parentPort?.on('message', (seed: number | undefined) => {
  if (seed === undefined) return;
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is of windows, this a thread
  void runSeed(seed).then((outcome) => parentPort?.postMessage(outcome));
});
