import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { processSystem, tableIn } from './processes.ts';

const linux = describe.skipIf(process.platform !== 'linux');

let server: Server;
let port = 0;
let arrived: (socket: Socket) => void = () => {};
const children: ChildProcess[] = [];

beforeAll(async () => {
  server = createServer((socket) => arrived(socket.on('error', () => {})));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterEach(() => {
  for (const child of children.splice(0)) {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

/** Runs a text as the client runs a Bash call: in a session of its own. Answers the port of the connection that it makes. */
async function runs(text: string): Promise<{ shell: number; remotePort: number }> {
  const came = new Promise<Socket>((resolve) => (arrived = resolve));
  const child = spawn('bash', ['-c', text.replaceAll('CONNECT', `exec 3<>/dev/tcp/127.0.0.1/${port}; sleep 5`)], { detached: true, stdio: 'ignore' });
  children.push(child);
  return { shell: child.pid!, remotePort: (await came).remotePort! };
}

linux('the system tells who holds a connection', () => {
  const system = () => processSystem(port)!;

  it('a shell itself, and whatever is above it', async () => {
    const { shell, remotePort } = await runs('CONNECT; true');
    const line = await system().behind(remotePort, { likely: [shell], client: process.pid });
    expect(line?.slice(0, 2).map(({ pid }) => pid)).toEqual([shell, process.pid]);
    expect(line?.[0]).toMatchObject({ parent: process.pid, group: shell, name: 'bash' });
    expect(Math.abs(Date.now() - line![0]!.startedAt!)).toBeLessThan(10_000);
  });

  it('a program below it, by the hint and without one', async () => {
    const { shell, remotePort } = await runs('bash -c "CONNECT; true"; true');
    for (const likely of [[shell], []]) {
      const line = await system().behind(remotePort, { likely, client: process.pid });
      expect(line?.slice(1, 3).map(({ pid }) => pid)).toEqual([shell, process.pid]);
    }
  });

  it('one whose shell has ended, by the session that the shell has led', async () => {
    const { shell, remotePort } = await runs('(sleep 0.3; CONNECT) &');
    expect(await system().process(shell)).toBeNull();
    const line = await system().behind(remotePort, { likely: [shell], client: process.pid });
    expect(line?.[0]?.group).toBe(shell);
    expect(line?.map(({ pid }) => pid)).not.toContain(shell);
  });

  it('and nobody who is not looked for', async () => {
    const { remotePort } = await runs('setsid bash -c "sleep 0.3; CONNECT" & true');
    expect(await system().behind(remotePort, { likely: [], client: 4_194_304 })).toBeNull();
    expect(await system().behind(1, { likely: [], client: process.pid })).toBeNull();
  });

  it('what is below a process, its words and its variables', async () => {
    const child = spawn('bash', ['-c', 'sleep 5; true', `it's`], { detached: true, stdio: 'ignore', env: { A: 'b=c' } });
    children.push(child);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await system().children(process.pid)).map(({ pid }) => pid)).toContain(child.pid);
    expect(await system().commandLine(child.pid!)).toBe("bash -c sleep 5; true it's");
    expect(await system().launch(child.pid!)).toMatchObject({ argv: ['bash', '-c', 'sleep 5; true', `it's`], env: { A: 'b=c' } });
    expect(await system().commandLine(4_194_304)).toBe('');
  });
});

it("ps tells the same on macOS: pid, parent, group, start and name, and what it cannot read is nobody", () => {
  const table = tableIn(['  501   400   501 Sat Nov 28 11:12:47 2026     /bin/zsh', '  502   501   501 Sat Nov  8 01:02:03 2026     /Applications/My App/curl', 'garbage', '']);
  expect([...table.values()]).toEqual([
    { pid: 501, parent: 400, group: 501, start: 'Sat Nov 28 11:12:47 2026', startedAt: null, name: 'zsh' },
    { pid: 502, parent: 501, group: 501, start: 'Sat Nov  8 01:02:03 2026', startedAt: null, name: 'curl' },
  ]);
});
