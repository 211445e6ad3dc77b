import type { Socket } from 'node:net';
import { BodyScanner } from '../http1/body-scanner.ts';
import { answerFraming } from '../http1/framing.ts';
import { endOfHead, readAnswerHead, type RequestHead } from '../http1/head.ts';
import { drained, type Client } from './client.ts';
import type { Authority } from './authority.ts';
import { join } from './tunnel.ts';

/** Longer than any head: what comes is something else. */
const MAX_HEAD = 512 * 1024;
const NOTHING = Buffer.alloc(0);

/**
 * A line to a server that nobody looks at. Its bytes go to the client as they are; they are only watched, to know when the last
 * answer has ended and the client may be led elsewhere. What cannot be understood is passed on all the same, and then the line
 * is the client's until its end.
 */
export class Relay {
  readonly to: Authority;
  readonly #client: Client;
  readonly #far: Socket;
  /** Methods of requests that have no answer yet, in their order. */
  readonly #owed: string[] = [];
  #unread: Buffer = NOTHING;
  #searched = 0;
  #scanner: BodyScanner | null = null;
  #blind = false;
  #detached = false;
  #switched = false;
  #waiting: (() => void)[] = [];

  constructor(client: Client, far: Socket, to: Authority) {
    this.to = to;
    this.#client = client;
    this.#far = far;
    client.socket.setNoDelay(true);
    client.socket.once('close', () => far.destroy());
    client.socket.on('error', () => (this.#detached ? undefined : far.resetAndDestroy()));
    far.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onError).on('close', this.#onClose);
  }

  readonly #onData = (piece: Buffer): void => {
    const { socket } = this.#client;
    if (!socket.write(piece)) {
      this.#far.pause();
      void drained(socket).then(() => this.#far.resume());
    }
    this.#watch(piece);
  };

  readonly #onEnd = (): void => {
    this.#client.socket.end();
    this.#settled();
  };

  readonly #onError = (): void => {
    // What it said to its end is all the client would have seen.
    if (!this.#far.readableEnded) this.#client.reset();
  };

  readonly #onClose = (): void => {
    if (!this.#far.readableEnded) this.#client.socket.destroy();
    this.#settled();
  };

  /** It can take another request. */
  get usable(): boolean {
    return !this.#far.destroyed && !this.#far.readableEnded && this.#far.writable;
  }

  async begin({ method }: RequestHead, head: Buffer): Promise<void> {
    this.#owed.push(method);
    await this.write(head);
  }

  async write(bytes: Buffer): Promise<void> {
    if (this.#far.destroyed || !this.#far.writable) return;
    if (!this.#far.write(bytes)) await drained(this.#far);
  }

  /** Until every answer has come, or the line has ended. */
  async idle(): Promise<void> {
    while (this.#owed.length > 0 && !this.#switched && !this.#far.closed && !this.#far.readableEnded) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** After a request that asked for another protocol: whether the server went over to it. Then both sides are joined, and this is over. */
  async switched(idleMs: number): Promise<boolean> {
    await this.idle();
    if (!this.#switched) return false;
    this.#leave();
    this.#client.source.release();
    join(this.#client.socket, this.#far, idleMs);
    return true;
  }

  /** The client has said all it will: so is the server told, and its answer is passed on to the end. */
  end(): void {
    this.#far.end();
  }

  /** The client goes elsewhere. */
  close(): void {
    this.#leave();
    this.#far.on('error', () => {}).destroy();
  }

  #leave(): void {
    this.#detached = true;
    this.#far.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onError).off('close', this.#onClose);
  }

  #settled(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #watch(piece: Buffer): void {
    let rest = piece;
    try {
      while (rest.length > 0 && !this.#blind) {
        if (this.#scanner !== null) {
          const { end } = this.#scanner.scan(rest);
          if (end === null) return;
          rest = rest.subarray(end);
          this.#answered();
          continue;
        }
        if (this.#owed.length === 0) break;
        const bytes = this.#unread.length === 0 ? rest : Buffer.concat([this.#unread, rest]);
        const end = endOfHead(bytes, this.#searched);
        if (end < 0) {
          this.#searched = Math.max(0, bytes.length - 2);
          this.#unread = bytes;
          this.#blind = bytes.length > MAX_HEAD;
          return;
        }
        this.#unread = NOTHING;
        this.#searched = 0;
        rest = bytes.subarray(end);
        const head = readAnswerHead(bytes.subarray(0, end));
        if (head === null) break;
        if (head.status === 101) {
          this.#switched = true;
          return this.#settled();
        }
        if (head.status < 200) continue;
        const framing = answerFraming(head, this.#owed[0]!);
        if ('problem' in framing) break;
        this.#scanner = new BodyScanner(framing, false);
        if (this.#scanner.done) this.#answered();
      }
      if (rest.length > 0) this.#blind = true;
    } catch {
      this.#blind = true;
    }
  }

  #answered(): void {
    this.#scanner = null;
    this.#owed.shift();
    if (this.#owed.length === 0) this.#settled();
  }
}
