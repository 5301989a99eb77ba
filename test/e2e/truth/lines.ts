import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Which way nothing passes: `out` is what the client says, `in` what it is told. */
export type Way = 'out' | 'in' | 'both';

interface Link {
  readonly near: Socket;
  readonly far: Socket;
  /** Of these nothing is read at the moment. */
  readonly held: Set<Socket>;
}

/**
 * A line between clients and a server that understands nothing and can go dead without closing: bytes wait on the way, as they do in a network that is cut,
 * and arrive when it is mended.
 */
export class Line implements AsyncDisposable {
  readonly port: number;
  readonly #listener: Server;
  readonly #links = new Set<Link>();
  readonly #cuts = new Map<number | 'everybody', Way>();

  /** `port` 0: any. */
  static async open(at: { readonly host: string; readonly port: number }, target: { readonly host: string; readonly port: number }) {
    const listener = createServer();
    await once(listener.listen(at.port, at.host), 'listening');
    return new Line(listener, target);
  }

  private constructor(listener: Server, target: { readonly host: string; readonly port: number }) {
    this.#listener = listener;
    this.port = (listener.address() as { port: number }).port;
    listener.on('connection', (near) => this.#join({ near, far: connect(target), held: new Set() }));
  }

  /** For one process, by its id, or for everybody. What connects later is cut as well. */
  cut(whose: number | 'everybody', way: Way): void {
    this.#cuts.set(whose, way);
    this.#obey();
  }

  mend(whose: number | 'everybody'): void {
    this.#cuts.delete(whose);
    this.#obey();
  }

  #join(link: Link): void {
    const { near, far } = link;
    this.#links.add(link);
    near.pipe(far);
    far.pipe(near);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        other.destroy();
        this.#links.delete(link);
      });
    }
    if (this.#cuts.size > 0) this.#obey();
  }

  #obey(): void {
    for (const link of this.#links) {
      const { near, far } = link;
      const ways = [...this.#cuts].flatMap(([whose, way]) => (whose === 'everybody' || isOf(whose, near) ? [way] : []));
      pass(link, near, far, !ways.includes('out') && !ways.includes('both'));
      pass(link, far, near, !ways.includes('in') && !ways.includes('both'));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const { near, far } of this.#links) {
      near.destroy();
      far.destroy();
    }
    await once(this.#listener, 'close');
  }
}

function pass({ held }: Link, from: Socket, to: Socket, may: boolean): void {
  if (may === !held.has(from)) return;
  if (may) {
    held.delete(from);
    from.pipe(to);
  } else {
    held.add(from);
    from.unpipe(to);
    from.pause();
  }
}

/** Whether the other end of a socket on this machine belongs to that process: all clients look alike from here. */
function isOf(pid: number, { remotePort, localPort }: Socket): boolean {
  const line = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((text) => text.trim().split(/\s+/))
    .find(([, from, to]) => portIn(from) === remotePort && portIn(to) === localPort);
  const inode = line?.[9];
  return inode !== undefined && socketsOf(pid).has(`socket:[${inode}]`);
}

const portIn = (address = ''): number => Number.parseInt(address.split(':')[1] ?? '', 16);

function socketsOf(pid: number): ReadonlySet<string> {
  try {
    return new Set(readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkOr(`/proc/${pid}/fd/${fd}`)));
  } catch {
    return new Set(); // it has ended
  }
}

function readlinkOr(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
