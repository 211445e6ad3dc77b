import { createServer, type Server } from 'node:http';
import { readFileSync } from 'node:fs';
import { ROUTES } from '../../daemon/contract/routes.ts';
import { FAR, startDaemon, type BenchDaemon } from './daemon.ts';
import { ID, load, type Load, type LoadResult } from './load.ts';
import { median, row, show } from './stats.ts';

/**
 * One small JSON document by plain HTTP, in turns within one run: asked of the server itself, asked through the gateway
 * as a blind forward, looked at and fetched (a miss: another URL each time), and from the cache (a hit).
 */
export async function benchGateway(options: { connections: number; seconds: number; rounds: number }): Promise<void> {
  const seller = await listen();
  const authority = `127.0.0.1:${portOf(seller)}`;
  const daemon = await startDaemon({ ...FAR, prices: [{ endpoint: `${authority}/*`, price: '$0.0001' }] });
  try {
    await daemon.register('bench');
    const pass = await ticketFor(daemon, `http://${authority}/doc`);
    const common = { method: 'GET' as const, connections: options.connections, seconds: options.seconds };
    const kinds: [string, Load][] = [
      ['asked of the server itself', { ...common, port: portOf(seller), path: '/doc' }],
      ['through the gateway, not looked at', { ...common, port: daemon.port, path: `http://${authority}/doc` }],
      ['through the gateway, a priced miss', { ...common, port: daemon.port, path: `http://${authority}/doc?n=${ID}`, fields: pass }],
      ['through the gateway, a hit', { ...common, port: daemon.port, path: `http://${authority}/doc`, fields: pass }],
    ];
    const results = new Map<string, LoadResult[]>(kinds.map(([name]) => [name, []]));
    for (let round = 0; round < options.rounds; round += 1) {
      for (const [name, ask] of kinds) {
        const result = await load(ask, DOCUMENT);
        if (result.matched !== result.requests) throw new Error(`${name}: ${result.requests - result.matched} of ${result.requests} answers were not what they should be`);
        if (round > 0) results.get(name)!.push(result);
      }
    }
    console.log(`\nA document with ${options.connections} ${options.connections === 1 ? 'caller' : 'callers'} in flight (median of ${options.rounds - 1} rounds)`);
    row('', 'a second', 'p50 ms', 'p99 ms', 'of the direct');
    const base = median(results.get(kinds[0]![0])!.map((result) => result.perSecond));
    for (const [name] of kinds) {
      const all = results.get(name)!;
      const perSecond = median(all.map((result) => result.perSecond));
      row(name, show(perSecond, 0), show(median(all.map((result) => result.p50)), 2), show(median(all.map((result) => result.p99)), 2), `${show(perSecond / base, 2)} x`);
    }
    row('memory of the daemon after it', `${show(daemon.rssMb(), 0)} MB`);
  } finally {
    await daemon.stop();
    seller.closeAllConnections();
    seller.close();
  }
}

const DOCUMENT = JSON.stringify({ text: 'a short document, as an API gives it' });

function listen(): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': DOCUMENT.length });
      response.end(DOCUMENT);
    }).listen(0, '127.0.0.1', () => resolve(server));
  });
}

function portOf(server: Server): number {
  return (server.address() as { port: number }).port;
}

/** As an agent's curl gets it: in the file that the hook wrote into its command. */
async function ticketFor(daemon: BenchDaemon, url: string): Promise<Record<string, string>> {
  const event = { session_id: 'bench', hook_event_name: 'PreToolUse', tool_name: 'Bash', tool_use_id: 'toolu_bench', tool_input: { command: `curl -s ${url}` } };
  const answer = await fetch(`http://127.0.0.1:${daemon.port}${ROUTES.hook}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(event) });
  const text = await answer.text();
  const file = /-K '([^']+)'/.exec((JSON.parse(text) as { hookSpecificOutput?: { updatedInput?: { command?: string } } }).hookSpecificOutput?.updatedInput?.command ?? '')?.[1];
  if (file === undefined) throw new Error(`no ticket was given: ${text}`);
  const secret = /proxy-user\s*=?\s*"([^"]+)"/.exec(readFileSync(file, 'utf8'))?.[1];
  if (secret === undefined) throw new Error('the ticket cannot be read');
  return { 'proxy-authorization': `Basic ${Buffer.from(secret).toString('base64')}` };
}
