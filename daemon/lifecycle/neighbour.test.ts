import { spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { launchOf, neighbourOf, relayOf } from './neighbour.ts';

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

  onLinux('is the client itself only for who asks about that, and then still nobody else', async () => {
    const { pid, remotePort } = await start(CONNECT);
    const other = await start(CONNECT);
    expect(await neighbourOf(remotePort, port, new Set([pid]), true)).toEqual({ client: pid, relayed: false });
    expect(await neighbourOf(remotePort, port, new Set([other.pid]), true)).toBeNull();
  });

  /** The kernel calls a process as its file is called. */
  const socat = (): string => {
    const folder = mkdtempSync(join(tmpdir(), 'pag0-relay-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    copyFileSync('/bin/bash', join(folder, 'socat'));
    return join(folder, 'socat');
  };
  const RELAY = `exec 3<>/dev/tcp/127.0.0.1/$TO; read -r _ < <(sleep 60)`;

  onLinux('is the relay of its sandbox: nothing but socat between it and the client, however many there are', async () => {
    const relay = socat();
    const client = `const { spawn } = require('node:child_process'); spawn(process.argv[1], ['-c', process.argv[2]], { stdio: 'ignore' }); setInterval(() => {}, 1000);`;
    const direct = await start(client, [relay, RELAY]);
    expect(await relayOf(direct.remotePort, port, new Set([direct.pid]))).toBe(direct.pid);
    expect(await relayOf(direct.remotePort, port, new Set([2 ** 30]))).toBeNull();
    const forked = await start(client, [relay, `(${RELAY}); true`]);
    expect(await relayOf(forked.remotePort, port, new Set([forked.pid]))).toBe(forked.pid);
    // Anybody's own socat, in a command.
    const own = await start(client, ['/bin/bash', `${relay} -c '${RELAY}'; true`]);
    expect(await relayOf(own.remotePort, port, new Set([own.pid]))).toBeNull();
    const other = await start(BELOW);
    expect(await relayOf(other.remotePort, port, new Set([other.pid]))).toBeNull();
  });

  onLinux('is gone when nobody holds its end any more', async () => {
    const { pid, remotePort } = await start(CONNECT);
    expect(await relayOf(remotePort, port, new Set([pid]))).toBeNull();
    children[0]!.kill('SIGKILL');
    await new Promise((resolve) => children[0]!.once('exit', resolve));
    expect(await relayOf(remotePort, port, new Set([pid]))).toBe('gone');
    expect(await relayOf(1, port, new Set([pid]))).toBe('gone');
  });

  onLinux('was started with these words, in this environment', async () => {
    const { pid } = await start(CONNECT, ['--', '--settings', '{"a": 1}']);
    expect(launchOf(pid)).toMatchObject({ env: { MARK: 'mine' }, argv: expect.arrayContaining(['--settings', '{"a": 1}']) as string[] });
    expect(launchOf(2 ** 30)).toBeNull();
  });
});
