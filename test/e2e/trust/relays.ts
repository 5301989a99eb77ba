import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between a client and a server on loopback, understands nothing, and stops answers on the way. */
export class Relay implements AsyncDisposable {
  readonly port: number;
  /** Of the server's, which the client never got. */
  withheldBytes = 0;
  readonly #listener: Server;
  readonly #sockets = new Set<Socket>();

  /** `mayPass` is asked for every piece of an answer. */
  static async open(target: number, mayPass: () => boolean): Promise<Relay> {
    const listener = createServer();
    await once(listener.listen(0, '127.0.0.1'), 'listening');
    return new Relay(listener, target, mayPass);
  }

  private constructor(listener: Server, target: number, mayPass: () => boolean) {
    this.#listener = listener;
    this.port = (listener.address() as { port: number }).port;
    listener.on('connection', (near) => {
      const far = connect({ host: '127.0.0.1', port: target });
      this.#own(near, far);
      this.#own(far, near);
      near.on('data', (bytes) => far.write(bytes));
      far.on('data', (bytes) => {
        if (mayPass()) near.write(bytes);
        else this.withheldBytes += bytes.byteLength;
      });
    });
  }

  #own(socket: Socket, other: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => other.destroy());
    socket.on('close', () => {
      other.destroy();
      this.#sockets.delete(socket);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#listener.close();
    await once(this.#listener, 'close');
  }
}
