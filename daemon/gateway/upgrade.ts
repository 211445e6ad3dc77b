import { request as requestPlain, STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import { request as requestSecure } from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { originOf, type Destination } from './authority.ts';
import { requestFields, type Pseudonym } from './fields.ts';
import type { GatewayLimits } from './limits.ts';
import { endWithProblem } from './problem-answer.ts';
import { join } from './tunnel.ts';

export interface UpgradeParts {
  limits: GatewayLimits;
  pseudonym: Pseudonym;
  /** Which certificates are trusted; undefined: Node's own choice. */
  trust?: (() => SecureContext) | undefined;
  track(socket: Socket): void;
}

/**
 * A whole handshake (RFC 6455, section 4.1). Everything else that can be asked for with `Upgrade` may be ignored (RFC 9110,
 * section 7.8), and is: `h2c` above all, and a request that only says the word.
 */
export function isWebSocket({ method, headers }: IncomingMessage): boolean {
  const bodiless = headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
  const keyed = /^[A-Za-z0-9+/]{22}==$/.test(headers['sec-websocket-key'] ?? '') && headers['sec-websocket-version'] === '13';
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && keyed && bodiless;
}

/**
 * Node hands over the bare connection for any `Upgrade`. Where none is wanted, the request is put back without that field and
 * read again, as the ordinary request that it also is.
 */
export function readAgain(incoming: IncomingMessage, socket: Socket, head: Buffer, server: Server): void {
  const lines = [`${incoming.method} ${incoming.url} HTTP/${incoming.httpVersion}`];
  for (let at = 0; at + 1 < incoming.rawHeaders.length; at += 2) {
    const name = incoming.rawHeaders[at]!;
    if (/^(upgrade|http2-settings)$/i.test(name)) continue;
    const value = /^connection$/i.test(name) ? withoutUpgrade(incoming.rawHeaders[at + 1]!) : incoming.rawHeaders[at + 1]!;
    lines.push(`${name}: ${value}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', socket);
}

function withoutUpgrade(connection: string): string {
  const kept = connection.split(',').map((one) => one.trim()).filter((one) => !/^(upgrade|http2-settings)$/i.test(one));
  return kept.length === 0 ? 'keep-alive' : kept.join(', ');
}

/**
 * Asks the server for the WebSocket and joins the two connections once it agreed. Until then nothing but this one request
 * passes: a server that only answers would otherwise leave an open line past the governor. Its answer is passed back, for the
 * request was weighed before.
 */
export function passUpgrade(parts: UpgradeParts, incoming: IncomingMessage, client: Socket, head: Buffer, to: Destination): void {
  const { limits, pseudonym, trust, track } = parts;
  const { authority } = to;
  const fields = pseudonym.sign(requestFields(incoming.rawHeaders)) as Record<string, string | string[]>;
  const origin = new URL(originOf(authority));
  const asked = (authority.secure ? requestSecure : requestPlain)({
    host: authority.host,
    port: authority.port,
    path: to.path,
    method: 'GET',
    headers: { ...fields, host: origin.host, connection: 'Upgrade', upgrade: 'websocket' },
    agent: false,
    rejectUnauthorized: true,
    ...(trust === undefined ? {} : { secureContext: trust() }),
  });
  const timer = setTimeout(() => asked.destroy(new Error('no answer in time')), limits.connectMs);
  const gone = (): void => void asked.destroy();
  client.once('close', gone).on('error', () => client.destroy());
  asked.once('socket', track);
  asked.on('error', (error: Error & { code?: string }) => {
    clearTimeout(timer);
    const message = `The WebSocket to ${authority.host}:${authority.port} failed (${error.code ?? error.message}).`;
    endWithProblem(client, { status: 502, code: 'UPSTREAM_FAILED', message });
  });
  asked.once('upgrade', (answer, far: Socket, early: Buffer) => {
    clearTimeout(timer);
    client.off('close', gone);
    client.write(headText(answer));
    if (early.length > 0) client.write(early);
    if (head.length > 0) far.write(head);
    join(client, far, limits.tunnelIdleMs);
  });
  asked.once('response', (answer) => {
    clearTimeout(timer);
    answer.once('error', () => client.destroy());
    client.write(headText(answer, ['connection', 'transfer-encoding', 'keep-alive']));
    answer.pipe(client);
  });
  asked.end();
}

/** Without its own framing fields the answer ends with the connection (RFC 9112, section 6.3). */
function headText(answer: IncomingMessage, dropped: readonly string[] = []): string {
  const lines = [`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage || STATUS_CODES[answer.statusCode!]}`];
  for (let at = 0; at + 1 < answer.rawHeaders.length; at += 2) {
    if (!dropped.includes(answer.rawHeaders[at]!.toLowerCase())) lines.push(`${answer.rawHeaders[at]}: ${answer.rawHeaders[at + 1]}`);
  }
  if (dropped.length > 0) lines.push('connection: close');
  return `${lines.join('\r\n')}\r\n\r\n`;
}
