import { TLSSocket, type SecureContext } from 'node:tls';
import type { Authority } from './authority.ts';
import { Client } from './client.ts';
import type { GatewayLog } from './serve.ts';

/** The first byte of every TLS connection: a handshake record (RFC 8446, section 5.1). */
const HANDSHAKE = 0x16;

/** RFC 7301. `curl -0` offers the older one alone. */
const SPOKEN = ['http/1.1', 'http/1.0'];

export interface InterceptParts {
  headMs: number;
  log: GatewayLog;
  contextFor(host: string): Promise<SecureContext>;
}

/**
 * A client that was told its tunnel stands. TLS is ended here; a client that speaks plain HTTP in a tunnel is understood, too.
 * null: it went away, or said nothing.
 */
export async function intercept(parts: InterceptParts, outer: Client, authority: Authority): Promise<{ client: Client; authority: Authority } | null> {
  const { connection, source } = outer;
  const timer = setTimeout(() => connection.destroy(), parts.headMs);
  const first = await source.read();
  clearTimeout(timer);
  if (first === null) {
    connection.destroy();
    return null;
  }
  source.unread(first);
  if (first[0] !== HANDSHAKE) return { client: outer, authority: { ...authority, secure: false } };
  const secureContext = await parts.contextFor(authority.host);
  if (connection.destroyed) return null;
  source.release();
  const socket = new TLSSocket(connection, { isServer: true, ALPNProtocols: SPOKEN, secureContext });
  socket.on('error', (error: Error & { code?: string }) => {
    // A program that does not know our CA ends here: the log is where its owner finds out.
    if (error.code?.startsWith('ERR_SSL_') === true) parts.log.info('a client ended TLS', { host: authority.host, code: error.code });
    socket.destroy();
  });
  socket.once('close', () => connection.destroy());
  return { client: new Client(socket, connection), authority: { ...authority, secure: true } };
}

/** The tunnel's host decides; a client that says another one to TLS is hiding where it goes (RFC 6066, section 3). Addresses are not named. */
export function namesItsHost({ socket }: Client, { host }: Authority): boolean {
  const named = (socket as TLSSocket & { servername?: string | false }).servername;
  return typeof named !== 'string' || named === '' || named.toLowerCase() === host;
}
