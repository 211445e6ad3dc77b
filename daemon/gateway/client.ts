import type { Socket } from 'node:net';
import { ByteSource } from '../http1/byte-source.ts';

/** Whoever speaks HTTP/1.1 to the gateway: to the proxy itself, or inside a tunnel that ends here. */
export class Client {
  readonly source: ByteSource;
  /** What is spoken on. */
  readonly socket: Socket;
  /** The connection below it; the same where there is no TLS. */
  readonly connection: Socket;

  constructor(socket: Socket, connection: Socket) {
    this.socket = socket;
    this.connection = connection;
    this.source = new ByteSource(socket);
  }

  get secure(): boolean {
    return this.socket !== this.connection;
  }

  /** Resolves when more may follow; never rejects, for whoever went away is noticed by other means. */
  async write(bytes: Buffer | string): Promise<void> {
    if (this.socket.destroyed || !this.socket.writable) return;
    if (typeof bytes === 'string' ? this.socket.write(bytes, 'latin1') : this.socket.write(bytes)) return;
    await drained(this.socket);
  }

  /** Nothing more will be said. What still comes is read, else the system answers it with a reset and the last words may never be seen. */
  end(): void {
    const { socket, source } = this;
    if (socket.destroyed) return;
    socket.end();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
    void (async () => {
      while ((await source.read()) !== null);
      if (socket.writableFinished) socket.destroy();
      else socket.once('finish', () => socket.destroy());
    })();
  }

  /** As a server does that is gone: an end would say that this was all. */
  reset(): void {
    this.connection.resetAndDestroy();
    this.socket.destroy();
  }
}

const LINGER_MS = 1_000;

export function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
    if (socket.destroyed) done();
  });
}
