import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { problem } from '../daemon/contract/problem.ts';
import { createPlayground, until, type Playground } from '../daemon/lifecycle/playground.fixture.ts';
import { refuseCostly } from './away.ts';

const open: Playground[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.dispose();
});

async function playground(options: Parameters<typeof createPlayground>[0] = {}): Promise<Playground> {
  const made = await createPlayground(options);
  open.push(made);
  return made;
}

interface Run {
  code: number | null;
  output: { hookSpecificOutput?: Record<string, string>; continue?: boolean; systemMessage?: string } & Record<string, unknown>;
  stderr: string;
  ms: number;
}

const event = (tool: string, input: object) => ({ session_id: 's1', cwd: '/', hook_event_name: 'PreToolUse', tool_name: tool, tool_use_id: 'toolu_1', tool_input: input });
const bash = (command: string) => event('Bash', { command, description: 'uses curl https://api.example.com' });

/** As the client runs it. */
function closed({ plugin, env }: Playground, payload: object): Promise<Run> {
  return new Promise((resolve, reject) => {
    const began = Date.now();
    const child = spawn('sh', [join(plugin, 'hooks', 'closed.sh')], { env, stdio: ['pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output: stdout === '' ? {} : (JSON.parse(stdout) as Run['output']), stderr, ms: Date.now() - began }));
    child.stdin.on('error', () => {}).end(JSON.stringify(payload));
  });
}

const COSTLY = [
  'curl https://api.example.com/x',
  '/usr/bin/curl -s api.example.com',
  'timeout 3 curl https://api.example.com/x',
  'bash -c "curl https://api.example.com"',
  "sh -c 'cd /; wget https://api.example.com'",
  'echo a\ncurl https://api.example.com',
  'echo "$(curl https://api.example.com)"',
  'a=1;curl https://api.example.com',
  'http POST api.example.com a=b',
  'https api.example.com',
  'xh api.example.com',
  'for u in a.com b.com; do curl "$u"; done',
  'curl "$URL"',
  'curl -K options',
  'curl http://localhost:3000/health https://api.example.com',
  'if true; then curl https://api.example.com',
  'curl 8.8.8.8',
  'git status && curl https://api.example.com',
];

const FREE = [
  'git commit -m "fix http client"',
  'git commit -m "curl https://api.example.com is gone"',
  'cd http && ls',
  'which curl',
  'command -v wget',
  'curl --version',
  'curl http://localhost:3000/health',
  'curl -s http://127.0.0.1:8080/',
  'curl http://[::1]:3000/',
  'wget -qO- http://192.168.1.4/status',
  'curl http://10.0.0.7/x; curl http://nas.local/y',
  'grep -rn "curl https://api.example.com" docs',
  'echo "curl https://api.example.com"',
  'cat <<EOF\ncurl https://api.example.com\nEOF',
  'man curl',
  'apt-get install -y curl wget',
  'npm run http-server',
  'pip install httpx',
  'ls curl.txt my-curl',
  'git log --grep=curl',
  'x=$(date); for f in *; do wc "$f"; done',
  '',
];

/** A daemon that ends as soon as it starts. */
const BROKEN = { edit: (files: Map<string, string>) => void files.set('daemon.mjs', 'process.exit(1);\n') };

describe('while no daemon runs', () => {
  it('the next call that names a network client starts it, and gets the verdict that it would have got', { timeout: 60_000 }, async () => {
    const here = await playground();
    const { code, output, stderr } = await closed(here, bash('curl https://api.example.com/x'));
    expect({ code, output, stderr }).toEqual({ code: 0, output: { from: 'the daemon' }, stderr: '' });
    expect(await here.hello()).toMatchObject({ state: 'ready' });
    expect(readFileSync(join(here.home.dir, 'sessions.jsonl'), 'utf8')).toContain('"session_id":"s1"');
    // The client's own hook may have come too early for a daemon that has just begun; for one that has not, a shell says enough.
    expect(await closed(here, bash('curl https://api.example.com/x'))).toMatchObject({ code: 0, output: { from: 'the daemon' }, stderr: '' });
    await new Promise((resolve) => setTimeout(resolve, 6_500));
    expect(await closed(here, bash('curl https://api.example.com/x'))).toMatchObject({ code: 0, output: {}, stderr: '' });
  });

  it('twenty calls at once start one', async () => {
    const here = await playground();
    const runs = await Promise.all(Array.from({ length: 20 }, () => closed(here, bash('curl https://api.example.com/x'))));
    expect(runs.map(({ output }) => output)).toEqual(Array(20).fill({ from: 'the daemon' }));
    expect(here.starts()).toBe(1);
  }, 60_000);

  it('one that was killed is started again, whoever has its number now', async () => {
    const here = await playground();
    await here.hook('session-start');
    const { pid } = (await here.hello())!;
    process.kill(pid, 'SIGKILL');
    await until(async () => (await here.hello()) === null);
    const record = JSON.parse(readFileSync(here.home.daemonFile, 'utf8')) as { pid: number; born?: string };
    writeFileSync(here.home.daemonFile, `${JSON.stringify({ ...record, pid: process.pid })}\n`);
    expect(await closed(here, bash('curl https://api.example.com/x'))).toMatchObject({ output: process.platform === 'linux' ? { from: 'the daemon' } : {} });
  });

  it.each(['WebFetch', 'WebSearch', 'mcp__server__tool'])('a call of %s, which the client refuses then, starts it too, and is told to be made once more', async (tool) => {
    const here = await playground();
    const { output } = await closed(here, event(tool, { url: 'https://api.example.com/', prompt: 'x' }));
    expect(output.hookSpecificOutput).toEqual({ hookEventName: 'PreToolUse', additionalContext: expect.stringContaining('make it once more') as string });
    expect(await here.hello()).toMatchObject({ state: 'ready' });
  });

  it('what cannot be read starts it and decides nothing', async () => {
    const here = await playground();
    expect((await here.hook('away', [])).output).toEqual({});
    expect(await here.hello()).toMatchObject({ state: 'ready' });
  });
});

describe('while no daemon can be had', () => {
  const verdictOf = (call: Parameters<typeof refuseCostly>[0]): string => (refuseCostly(call, problem('DAEMON_DIED', 'it ended.'))['hookSpecificOutput'] as { permissionDecision?: string } | undefined)?.permissionDecision ?? 'runs';

  it.each(COSTLY)('refuses what could cost: %s', (command) => {
    expect(verdictOf({ tool: 'Bash', input: { command } })).toBe('deny');
  });

  it.each(FREE)('lets everything else run: %s', (command) => {
    expect(verdictOf({ tool: 'Bash', input: { command } })).toBe('runs');
  });

  it('says why, in one sentence for the agent and the person', async () => {
    const here = await playground(BROKEN);
    const [costly, free, tool] = await Promise.all([closed(here, bash(COSTLY[0]!)), closed(here, bash(FREE[0]!)), closed(here, event('mcp__server__tool', {}))]);
    const reason = expect.stringMatching(/^pag0 DAEMON_AWAY: api\.example\.com\/x was not run, because .*daemon\.log.* Go on without it; /) as string;
    expect(costly).toMatchObject({ code: 0, stderr: '', output: { hookSpecificOutput: { permissionDecision: 'deny', permissionDecisionReason: reason }, systemMessage: reason } });
    expect(free).toMatchObject({ code: 0, stderr: '', output: {} });
    expect(tool.output.hookSpecificOutput).toMatchObject({ permissionDecision: 'deny', permissionDecisionReason: expect.stringContaining('mcp__server__tool was not run') as string });
  });

  it('says which process does not answer when one hangs, and lets what is free run', { timeout: 60_000 }, async () => {
    const here = await playground();
    await here.hook('session-start');
    const { pid } = (await here.hello())!;
    process.kill(pid, 'SIGSTOP');
    const [costly, free] = await Promise.all([closed(here, bash('curl https://api.example.com/x')), closed(here, bash('curl http://localhost:3000/health'))]);
    process.kill(pid, 'SIGCONT');
    expect(costly.output.hookSpecificOutput).toMatchObject({ permissionDecision: 'deny', permissionDecisionReason: expect.stringContaining(`process ${pid}`) as string });
    expect(free.output).toEqual({});
    expect(Math.max(costly.ms, free.ms)).toBeLessThan(15_000);
  });

  it('ends the session where somebody else holds the port, who was asked by the http hook', async () => {
    const here = await playground();
    const stranger = createServer((_, response) => response.end('{}'));
    await new Promise<void>((resolve) => stranger.listen(here.port, '127.0.0.1', resolve));
    const { output } = await closed(here, bash('curl http://localhost:3000/health'));
    stranger.close().closeAllConnections();
    expect(output).toMatchObject({ continue: false, hookSpecificOutput: { permissionDecision: 'deny' } });
  });
});

describe('alive.sh', () => {
  it('believes the number of a process only together with when it began', async () => {
    const here = await playground();
    const alive = (): Promise<number | null> => new Promise((resolve) => spawn('sh', [join(here.plugin, 'hooks', 'alive.sh')], { env: here.env }).on('close', resolve));
    await here.hook('session-start');
    const record = JSON.parse(readFileSync(here.home.daemonFile, 'utf8')) as { pid: number; born?: string };
    expect(await alive()).toBe(0);
    writeFileSync(here.home.daemonFile, JSON.stringify({ pid: record.pid, port: here.port }));
    expect(await alive()).toBe(0);
    if (record.born !== undefined) {
      writeFileSync(here.home.daemonFile, JSON.stringify({ ...record, born: `${record.born}1` }));
      expect(await alive()).toBe(1);
      writeFileSync(here.home.daemonFile, JSON.stringify(record));
      process.kill(record.pid, 'SIGSTOP');
      expect(await alive()).toBe(1);
      process.kill(record.pid, 'SIGCONT');
    }
    rmSync(here.home.daemonFile);
    expect(await alive()).toBe(1);
    for (const text of ['', '{}', 'rubbish', '{"pid":}']) {
      writeFileSync(here.home.daemonFile, text);
      expect(await alive()).toBe(1);
    }
  });
});
