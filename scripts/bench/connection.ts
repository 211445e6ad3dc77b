import { connect, type Socket } from 'node:net';
import { connect as connectSecure, type SecureContext } from 'node:tls';
import { HOST } from './test-ca.ts';

/** How one gets to the server: straight, or through a tunnel of a proxy; in the clear, or with TLS to whoever is at its end. */
export interface Way {
  /** Of the server, or of the proxy. */
  port: number;
  tunnel?: { authority: string; fields: Readonly<Record<string, string>> };
  /** Whom to believe. */
  trust?: SecureContext;
}

/** A connection on which the first request can be written. */
export async function openConnection({ port, tunnel, trust }: Way): Promise<Socket> {
  const socket = await connected(connect(port, '127.0.0.1'), 'connect');
  socket.setNoDelay(true);
  if (tunnel !== undefined) await askForTunnel(socket, tunnel);
  return trust === undefined ? socket : connected(connectSecure({ socket, servername: HOST, secureContext: trust }), 'secureConnect');
}

function connected<S extends Socket>(socket: S, event: 'connect' | 'secureConnect'): Promise<S> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once(event, () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

function askForTunnel(socket: Socket, { authority, fields }: NonNullable<Way['tunnel']>): Promise<void> {
  const lines = [`CONNECT ${authority} HTTP/1.1`, `host: ${authority}`, ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`)];
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    // The far end says nothing before it is spoken to, so this is the proxy's answer and no more; it is short enough for one piece.
    socket.once('data', (answer) => {
      socket.off('error', reject);
      if (/^HTTP\/1\.[01] 200 /.test(answer.toString('latin1'))) resolve();
      else reject(new Error(`no tunnel to ${authority}: ${answer.toString('latin1')}`));
    });
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  });
}
