import { createServer } from 'node:net';
import { KubeError } from './errors.ts';

// Below the range from which systems hand out ports for outgoing connections and for "any free port": one that is recorded here
// today is then rarely somebody else's tomorrow, nor taken between the question and its use.
const RANGE = { from: 20_000, to: 32_000 };
const ATTEMPTS_MAX = 200;

/** The ports of a fleet by owner: the recorded one where it is still free, else another. */
export async function claimPorts(owners: readonly string[], recorded: Readonly<Record<string, number>>): Promise<Record<string, number>> {
  const claimed: Record<string, number> = {};
  const taken = new Set<number>();
  for (const owner of owners) {
    const before = recorded[owner];
    const port = before !== undefined && !taken.has(before) && (await isFree(before)) ? before : await findFree(taken);
    taken.add(port);
    claimed[owner] = port;
  }
  return claimed;
}

async function findFree(taken: ReadonlySet<number>): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const port = RANGE.from + Math.floor(Math.random() * (RANGE.to - RANGE.from));
    if (!taken.has(port) && (await isFree(port))) return port;
  }
  throw new KubeError('START_FAILED', `no free port found on 127.0.0.1 between ${RANGE.from} and ${RANGE.to}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
