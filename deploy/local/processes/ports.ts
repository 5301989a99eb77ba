import { connect, createServer } from 'node:net';
import type { Readiness } from './start.ts';

// The system hands out ports in no order, and could give the same one again before its first user has bound it.
const given = new Set<number>();
const attemptsMax = 20;

/** A TCP port of 127.0.0.1 that nobody listens on now. Somebody else may still be faster: start the listener soon, and try again if it was. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const port = await new Promise<number>((resolve, reject) => {
      const server = createServer().once('error', reject);
      server.listen({ host: '127.0.0.1', port: 0 }, () => {
        const address = server.address();
        server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
      });
    });
    if (given.has(port)) continue;
    given.add(port);
    return port;
  }
  throw new Error(`the system gave no new port in ${attemptsMax} attempts`);
}

/** Whether somebody accepts connections on that port of 127.0.0.1. */
export function portAnswers(port: number, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, signal });
    const done = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', done(true)).once('error', done(false));
  });
}

/** Ready when the port accepts connections. */
export const answersOn = (port: number): Readiness => ({
  what: `answer on 127.0.0.1:${port}`,
  ask: (signal) => portAnswers(port, signal),
});
