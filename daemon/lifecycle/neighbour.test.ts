import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { launchOf, neighbourOf } from './neighbour.ts';

/** A process that connects, and one below it that does, as a client and what its Bash starts. */
const CONNECT = `const { connect } = require('node:net'); connect(Number(process.env.TO), '127.0.0.1');`;
const BELOW = `const { spawn } = require('node:child_process'); spawn(process.execPath, ['-e', ${JSON.stringify(CONNECT)}], { stdio: 'ignore' }); setInterval(() => {}, 1000);`;

let server: Server;
let port = 0;
const connections: Socket[] = [];
const children: ChildProcess[] = [];

beforeEach(async () => {
  server = createServer((socket) => connections.push(socket.on('error', () => {})));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});

afterEach(async () => {
  for (const socket of connections.splice(0)) socket.destroy();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await new Promise((resolve) => server.close(resolve));
});

async function start(script: string, more: string[] = []): Promise<{ pid: number; remotePort: number }> {
  const child = spawn(process.execPath, ['-e', script, ...more], { env: { TO: String(port), MARK: 'mine' }, stdio: 'ignore' });
  children.push(child);
  const socket = await new Promise<Socket>((resolve) => server.once('connection', resolve));
  return { pid: child.pid!, remotePort: socket.remotePort! };
}

const onLinux = it.skipIf(process.platform !== 'linux');

describe('who is behind a connection', () => {
  onLinux('is the client above it, and did not come through the relay', async () => {
    const { pid, remotePort } = await start(BELOW);
    expect(await neighbourOf(remotePort, port, new Set([pid]))).toEqual({ client: pid, relayed: false });
  });

  onLinux('is the nearest of several clients', async () => {
    const { pid, remotePort } = await start(BELOW);
    expect(await neighbourOf(remotePort, port, new Set([process.pid, pid]))).toEqual({ client: pid, relayed: false });
  });

  onLinux('is nobody when no client is there, none is above it, it is the client itself, or the connection is gone', async () => {
    const { pid, remotePort } = await start(CONNECT);
    const other = await start(CONNECT);
    expect(await neighbourOf(remotePort, port, new Set())).toBeNull();
    expect(await neighbourOf(remotePort, port, new Set([other.pid]))).toBeNull();
    // What the client itself asks for is the hooks' business.
    expect(await neighbourOf(remotePort, port, new Set([pid]))).toBeNull();
    expect(await neighbourOf(1, port, new Set([pid]))).toBeNull();
  });

  onLinux('was started with these words, in this environment', async () => {
    const { pid } = await start(CONNECT, ['--', '--settings', '{"a": 1}']);
    expect(launchOf(pid)).toMatchObject({ env: { MARK: 'mine' }, argv: expect.arrayContaining(['--settings', '{"a": 1}']) as string[] });
    expect(launchOf(2 ** 30)).toBeNull();
  });
});
