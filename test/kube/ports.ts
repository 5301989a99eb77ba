import { createServer } from 'node:net';
import { KubeError } from './errors.ts';

// Below the range from which systems hand out ports for outgoing connections and for "any free port": one that is recorded
// today is then rarely somebody else's tomorrow, nor taken between the question and its use.
const RANGE = { from: 20_000, to: 32_000 };
const ATTEMPTS_MAX = 200;

/** A port of 127.0.0.1 for each owner: the recorded one where it is free, else another. Throws START_FAILED when there is none. */
export async function choosePorts<Owner extends string>(
  owners: readonly Owner[],
  recorded: Readonly<Record<string, unknown>>,
  free: (port: number) => Promise<boolean> = isFree,
): Promise<Record<Owner, number>> {
  const chosen = {} as Record<Owner, number>;
  const taken = new Set<number>();
  for (const owner of owners) {
    const before = recorded[owner];
    const port = typeof before === 'number' && !taken.has(before) && (await free(before)) ? before : await findFree(taken, free);
    taken.add(port);
    chosen[owner] = port;
  }
  return chosen;
}

async function findFree(taken: ReadonlySet<number>, free: (port: number) => Promise<boolean>): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const port = RANGE.from + Math.floor(Math.random() * (RANGE.to - RANGE.from));
    if (!taken.has(port) && (await free(port))) return port;
  }
  throw new KubeError('START_FAILED', `found no free port on 127.0.0.1 between ${RANGE.from} and ${RANGE.to} in ${ATTEMPTS_MAX} attempts`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
