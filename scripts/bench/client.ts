import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMessagesApi } from '../e2e/messages-api.ts';
import { marker } from '../e2e/script.ts';
import { runSession } from '../e2e/session.ts';
import { PLUGIN } from '../e2e/stage.ts';
import { createWorkspace } from '../e2e/workspace.ts';
import { median, row, show } from './stats.ts';

/**
 * What hooks add to a tool call of the real client: the same session of many Bash calls without hooks, with http hooks
 * that answer `{}`, with pag0, and with a Node command hook. In turns, so that the machine's mood hits all alike.
 */
const CALLS = 40;

export async function benchClient(rounds: number): Promise<void> {
  const model = await startMessagesApi({ work: Array.from({ length: CALLS }, (_, index) => [{ name: 'Bash', input: { command: `echo step ${index}` } }]) });
  const workspace = await createWorkspace();
  const empty = await emptyServer();
  const http = { type: 'http', url: `http://127.0.0.1:${empty.port}/hook`, timeout: 5 };
  const node = { type: 'command', command: 'node -e 0', timeout: 5 };
  const plugins: [string, string[]][] = [
    ['without hooks', []],
    ['http hooks that answer {}', [await pluginWith(http)]],
    ['pag0', [PLUGIN]],
    ['Node command hooks', [await pluginWith(node)]],
  ];
  const times = new Map<string, number[]>(plugins.map(([name]) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, pluginDirs] of plugins) {
      const session = await runSession({ workspace, apiUrl: model.url, prompt: marker('work'), skipPermissions: true, pluginDirs, timeoutMs: 120_000 });
      if (session.toolCalls.length !== CALLS || session.toolCalls.some((call) => call.isError)) throw new Error(`${name}: the session did not do its work`);
      // The client's own count of the turn leaves out its start and the SessionStart hook.
      if (round > 0) times.get(name)!.push(durationOf(session.result) / CALLS);
    }
  }
  console.log(`\nThe real client, ${CALLS} Bash calls with a Pre and a Post hook each (median of ${rounds} rounds)`);
  row('', 'ms a call', 'added', 'of http {}');
  const bare = median(times.get('without hooks')!);
  const base = median(times.get('http hooks that answer {}')!);
  for (const [name, all] of times) row(name, show(median(all)), show(median(all) - bare), `${show(median(all) / base, 2)} x`);
  for (const [, [folder]] of plugins) if (folder !== undefined && folder !== PLUGIN) await rm(folder, { recursive: true });
  await endDaemon(workspace.home);
  empty.server.close();
  await model.close();
  await workspace.dispose();
}

/** The client's own count of the turn, in ms. */
function durationOf(result: object | undefined): number {
  return Number((result as { duration_ms?: unknown } | undefined)?.duration_ms);
}

async function pluginWith(hook: object): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pag0-bench-plugin-'));
  await mkdir(join(folder, '.claude-plugin'));
  await mkdir(join(folder, 'hooks'));
  await writeFile(join(folder, '.claude-plugin', 'plugin.json'), JSON.stringify({ name: 'bench', version: '1.0.0', description: 'A hook to compare with.' }));
  const entry = [{ matcher: 'Bash', hooks: [hook] }];
  await writeFile(join(folder, 'hooks', 'hooks.json'), JSON.stringify({ hooks: { PreToolUse: entry, PostToolUse: entry } }));
  return folder;
}

function emptyServer(): Promise<{ server: Server; port: number }> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.setHeader('content-type', 'application/json').end('{}'));
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve({ server, port: (server.address() as { port: number }).port })));
}

async function endDaemon(home: string): Promise<void> {
  const record = JSON.parse(await readFile(join(home, '.pag0', 'daemon.json'), 'utf8')) as { pid: number };
  process.kill(record.pid, 'SIGTERM');
}
