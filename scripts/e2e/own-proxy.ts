import { createServer, request, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

/** A company's forward proxy, at an address that no list of exceptions names: it asks for a password, passes on what it may, and counts. */
export interface OwnProxy {
  /** With its credentials. */
  readonly url: string;
  /** `CONNECT host:port` or `GET http://…`, in order, of those that showed the credentials. */
  readonly seen: readonly string[];
  /** The fields of all of them, as they came. */
  readonly fields: readonly (readonly string[])[];
  /** Those that did not. */
  refused(): number;
  close(): Promise<void>;
}

const HOST = '127.0.0.3';
const CREDENTIALS = 'person:p@ss';

/** `denies`: a host and port that it opens no tunnel to. */
export async function startOwnProxy(denies?: string): Promise<OwnProxy> {
  const seen: string[] = [];
  const fields: string[][] = [];
  let refused = 0;
  const sockets = new Set<Socket>();
  const mayPass = (incoming: IncomingMessage): boolean => {
    const shown = (incoming.headers['proxy-authorization'] ?? '').replace(/^Basic /, '');
    if (Buffer.from(shown, 'base64').toString() !== CREDENTIALS) return refused++, false;
    seen.push(`${incoming.method} ${incoming.url}`);
    fields.push(incoming.rawHeaders);
    return true;
  };
  const server = createServer((incoming, outgoing) => {
    if (!mayPass(incoming)) return void outgoing.writeHead(407, { 'proxy-authenticate': 'Basic realm="corp"' }).end();
    const { 'proxy-authorization': _, 'proxy-connection': __, ...headers } = incoming.headers;
    const onward = request(incoming.url!, { method: incoming.method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.writeHead(502).end());
    incoming.pipe(onward);
  });
  server.on('connect', (incoming: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => {});
    if (!mayPass(incoming)) return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="corp"\r\nContent-Length: 0\r\n\r\n');
    if (incoming.url === denies) return void socket.end('HTTP/1.1 403 Denied By Corp\r\nX-Corp: yes\r\nContent-Length: 6\r\n\r\nno way');
    const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(incoming.url!)!;
    const far = connect(Number(port), host!, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      far.write(head);
      far.pipe(socket).pipe(far);
    });
    sockets.add(far.on('error', () => socket.destroy()));
  });
  server.on('connection', (socket: Socket) => void sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${CREDENTIALS.replace('@', '%40')}@${HOST}:${port}`,
    seen,
    fields,
    refused: () => refused,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
