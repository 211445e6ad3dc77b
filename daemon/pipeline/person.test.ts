import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { NO_SANDBOX, type Sandbox } from '../core/sandbox.ts';
import { createPersons, type Persons } from './person.ts';
import { createWorld, register } from './world.fixture.ts';

/** What is said of a connection that this process makes, to itself. */
async function said(of: (persons: Persons, remotePort: number) => Promise<boolean>, more: Parameters<typeof register>[2], sandbox: Sandbox, mode: string | null = 'default'): Promise<boolean> {
  const { parts } = createWorld();
  parts.sandboxOf = () => sandbox;
  register(parts, 's9', more).permissionMode = mode;
  return new Promise((resolve) => {
    const server = createServer((incoming, outgoing) => {
      const persons = createPersons(parts, (server.address() as AddressInfo).port);
      void of(persons, incoming.socket.remotePort!).then((yes) => (outgoing.end(), server.close(), resolve(yes)));
    });
    server.listen(0, '127.0.0.1', () => request({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }).end());
  });
}

const client = (persons: Persons, remotePort: number) => persons.sentByClient('s9', remotePort);
const person = (persons: Persons, remotePort: number) => persons.typedIn('s9', remotePort);
const ITSELF = { clientPid: process.pid };

describe.skipIf(process.platform !== 'linux')('the client of a session', () => {
  it('is told by the process that holds the connection, also where nobody sits at it', async () => {
    expect(await said(client, ITSELF, NO_SANDBOX)).toBe(true);
    expect(await said(client, { ...ITSELF, attended: false }, NO_SANDBOX)).toBe(true);
    expect(await said(person, ITSELF, NO_SANDBOX)).toBe(true);
    expect(await said(person, { ...ITSELF, attended: false }, NO_SANDBOX)).toBe(false);
    expect(await said(client, { clientPid: process.ppid }, NO_SANDBOX)).toBe(false);
    expect(await said(client, { clientPid: null }, NO_SANDBOX)).toBe(false);
  });

  it('is not believed where its own proxy lets its sandbox out to the daemon', async () => {
    const sandbox: Sandbox = { ...NO_SANDBOX, exit: 'pag0', allowed: ['api.example.com'] };
    expect(await said(person, ITSELF, sandbox)).toBe(true);
    for (const exit of ['pag0', 'other'] as const) {
      for (const allowed of [['localhost'], ['127.0.0.1'], ['*']]) expect(await said(client, ITSELF, { ...sandbox, exit, allowed })).toBe(false);
      expect(await said(client, ITSELF, { ...sandbox, exit, allowed: [] }, 'bypassPermissions')).toBe(false);
    }
    expect(await said(client, ITSELF, { ...sandbox, allowed: ['localhost'], denied: ['localhost', '127.0.0.1'] })).toBe(true);
  });
});
