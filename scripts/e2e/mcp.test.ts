import { execFile } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { marker } from './script.ts';
import { PLUGIN, type Stage } from './stage.ts';
import { staged } from './staged.ts';

/**
 * The real client and a server on each transport: with pag0 between them both hear what they would
 * without it.
 */
const { stage, closing } = staged();
const ECHO = fileURLToPath(new URL('./mcp-echo.mjs', import.meta.url));
const CLI = join(PLUGIN, 'dist', 'cli.mjs');
const run = promisify(execFile);
const { answersTo } = (await import(ECHO)) as {
  answersTo(line: string, say: (message: object) => void): void;
};

interface Recorded {
  heard: string[];
  url: string;
  close(): Promise<void>;
}

/** What tells one request from another over HTTP, beside its body. */
function headOf({ method, url, headers }: IncomingMessage): string {
  const kept = [
    'accept',
    'authorization',
    'content-type',
    'last-event-id',
    'mcp-protocol-version',
    'mcp-session-id',
    'user-agent',
  ];
  return [
    method,
    url,
    ...kept.flatMap((name) =>
      headers[name] === undefined ? [] : [`${name}: ${String(headers[name])}`],
    ),
  ].join(' | ');
}

async function listening(
  handle: (
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    body: string,
    heard: string[],
  ) => void,
  path: string,
  s: Stage,
): Promise<Recorded> {
  const heard: string[] = [];
  const server = createServer((incoming, outgoing) => {
    void text(incoming).then((body) => {
      heard.push(`${headOf(incoming)} | ${body}`);
      appendFileSync(heardBy(s), body);
      handle(incoming, outgoing, body, heard);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): Promise<void> =>
    new Promise((resolve) => (server.closeAllConnections(), server.close(() => resolve())));
  return closing({
    heard,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    close,
  });
}

const sse = (message: object): string =>
  `event: message\r\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\r\n\r\n`;

const streamable = (s: Stage): Promise<Recorded> =>
  listening(
    (incoming, outgoing, body) => {
      if (incoming.method === 'GET')
        return void outgoing
          .writeHead(200, { 'content-type': 'text/event-stream' })
          .write(': open\n\n');
      if (incoming.method !== 'POST') return void outgoing.writeHead(200).end();
      const isAsked = body.includes('"method"') && body.includes('"id"');
      if (!isAsked) return void outgoing.writeHead(202, { 'mcp-session-id': 'session-1' }).end();
      outgoing.writeHead(200, {
        'content-type': 'text/event-stream',
        'mcp-session-id': 'session-1',
      });
      answersTo(body, (message) => outgoing.write(sse(message)));
      outgoing.end();
    },
    '/mcp',
    s,
  );

const older = (s: Stage): Promise<Recorded> => {
  let stream: ServerResponse | null = null;
  return listening(
    (incoming, outgoing, body) => {
      if (incoming.method === 'GET') {
        stream = outgoing;
        return void outgoing
          .writeHead(200, { 'content-type': 'text/event-stream' })
          .write('event: endpoint\ndata: /messages?sessionId=one\n\n');
      }
      if (incoming.url === '/sse') return void outgoing.writeHead(405).end();
      outgoing.writeHead(202).end('Accepted');
      answersTo(body, (message) => stream?.write(sse(message)));
    },
    '/sse',
    s,
  );
};

const through = (url: string): string => url.replace('http://', 'http://127.0.0.1:4402/mcp/http/');

/** One session with one call; answers what the model read of it. */
async function calls(s: Stage, server: object, plugins: readonly string[]): Promise<string> {
  const config = join(s.workspace.home, 'mcp.json');
  await writeFile(config, JSON.stringify({ mcpServers: { echo: server } }));
  const session = await s.session(marker('lead'), {
    args: ['--mcp-config', config],
    pluginDirs: plugins,
  });
  const call = session.toolCalls.find(({ name }) => name === 'mcp__echo__search');
  expect(session.result?.result).toBe('Done.');
  return String(call?.result);
}

/** Each session has a folder of its own. */
const here =
  (s: Stage) =>
  (line: string): string =>
    line.replaceAll(s.workspace.cwd, '/project');

/** The client begins before its servers stand, and has their tools a moment later. */
const WAIT = {
  name: 'Bash',
  input: {
    command:
      'for i in $(seq 90); do grep -qs tools/list "$HOME/heard.txt" && break; sleep 0.5; done; sleep 2',
  },
};
const heardBy = (s: Stage): string => join(s.workspace.home, 'heard.txt');
const opened = () =>
  stage('$0', () => ({
    lead: [[WAIT], [{ name: 'mcp__echo__search', input: { query: 'größe 서울' } }], 'Done.'],
  }));

describe('an MCP server', () => {
  it.each<[string, (s: Stage) => Promise<Recorded>, string]>([
    ['over HTTP', streamable, 'http'],
    ['over HTTP with SSE', older, 'sse'],
  ])(
    '%s hears from the client what it would without pag0, and answers the same',
    async (_, start, type) => {
      const found: { read: string; heard: string[] }[] = [];
      for (const isLed of [false, true]) {
        const s = await opened();
        const server = await start(s);
        const read = await calls(
          s,
          {
            type,
            url: isLed ? through(server.url) : server.url,
            headers: { authorization: 'Bearer t' },
          },
          isLed ? [PLUGIN] : [],
        );
        // Three lists are asked for at once.
        found.push({ read, heard: server.heard.map(here(s)).sort() });
      }
      expect(found[0]!.read).toContain('found größe 서울');
      expect(found[1]).toEqual(found[0]);
      expect(found[0]!.heard.some((line) => line.includes('"server-2"'))).toBe(true);
    },
  );

  it('on stdio hears from the client what it would without pag0, and answers the same', async () => {
    const found: { read: string; heard: string[] }[] = [];
    for (const isWrapped of [false, true]) {
      const s = await opened();
      const file = heardBy(s);
      const own = [ECHO, file];
      const read = await calls(
        s,
        {
          command: process.execPath,
          args: isWrapped ? [CLI, 'mcp', 'wrap', '--', process.execPath, ...own] : own,
        },
        isWrapped ? [PLUGIN] : [],
      );
      found.push({ read, heard: (await readFile(file, 'utf8')).split('\n').map(here(s)) });
    }
    expect(found[0]!.read).toContain('found größe 서울');
    expect(found[1]).toEqual(found[0]);
  });

  it('on stdio that is deaf is gone when its client has gone, and so is what it started', async () => {
    const s = await opened();
    const file = join(s.workspace.home, 'pids.txt');
    const deaf = `import { answersTo } from ${JSON.stringify(ECHO)};
      import { spawn } from 'node:child_process';
      import { appendFileSync, writeFileSync } from 'node:fs';
      import { createInterface } from 'node:readline';
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
      setInterval(() => {}, 1000);
      const child = spawn('sh', ['-c', 'trap "" INT TERM HUP; while :; do sleep 0.1; done'], { stdio: 'ignore' });
      writeFileSync(${JSON.stringify(file)}, process.pid + ' ' + child.pid);
      createInterface({ input: process.stdin }).on('line', (line) => { appendFileSync(process.env.HOME + '/heard.txt', line); answersTo(line, (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n')); });`;
    const program = join(s.workspace.home, 'deaf.mjs');
    await writeFile(program, deaf);
    await calls(
      s,
      { command: process.execPath, args: [CLI, 'mcp', 'wrap', '--', process.execPath, program] },
      [PLUGIN],
    );
    const pids = (await readFile(file, 'utf8')).split(' ').map(Number);
    const isThere = (pid: number): boolean => {
      try {
        process.kill(pid, 0);
        return true;
      } catch {
        return false;
      }
    };
    for (let waits = 0; pids.some(isThere) && waits < 50; waits += 1)
      await new Promise((resolve) => setTimeout(resolve, 100));
    expect(pids.filter(isThere)).toEqual([]);
  });

  it('that is none is 404 to a client that looks for its metadata', async () => {
    const s = await stage('$0', () => ({ lead: ['Done.'] }));
    await s.session(marker('lead'));
    for (const path of [
      '/.well-known/oauth-protected-resource',
      '/.well-known/oauth-authorization-server',
      '/register',
    ]) {
      const { stdout } = await run('curl', [
        '-s',
        '-w',
        ' %{http_code}',
        `http://127.0.0.1:4402${path}`,
      ]);
      expect(stdout).toBe(
        '{"error":{"code":"NOT_FOUND","message":"pag0 has nothing at this path."}} 404',
      );
    }
  });
});
