import { FAR, startDaemon } from './daemon.ts';
import { ID, load, type LoadResult } from './load.ts';
import { median, row, show } from './stats.ts';

/**
 * Decisions against an empty Hono route of the same daemon, in turns within one run: the machine's mood hits both alike.
 * The last kind waits for its durable reservation.
 */
const KINDS = [
  ['empty route (GET /health)', null, '{"service":"pag0"}'],
  ['git status: not our business', 'git status', '{}'],
  ['free request, counted', 'curl -s https://docs.python.org/3/', '{}'],
  ['priced request, durable reservation', "curl -s -X POST https://api.tavily.com/search -H 'content-type: application/json' -d '{\"query\":\"best practices\"}'", '{}'],
] as const;

export async function benchDecisions(options: { connections: number; seconds: number; rounds: number }): Promise<void> {
  const daemon = await startDaemon({ ...FAR, prices: [{ endpoint: 'api.tavily.com/*', price: '$0.02' }] });
  try {
    await daemon.register('bench');
    const results = new Map<string, LoadResult[]>(KINDS.map(([name]) => [name, []]));
    for (let round = 0; round < options.rounds; round += 1) {
      for (const [name, command, expected] of KINDS) {
        const request = command === null ? { method: 'GET' as const, path: '/health' } : { method: 'POST' as const, path: '/hook', body: event(command) };
        const result = await load({ port: daemon.port, connections: options.connections, seconds: options.seconds, ...request }, expected);
        if (result.failed > 0 || result.matched !== result.requests) throw new Error(`${name}: ${result.requests - result.matched} answers were not what they should be`);
        // The first round warms up.
        if (round > 0) results.get(name)!.push(result);
      }
    }
    console.log(`\nDecisions with ${options.connections} callers in flight (median of ${options.rounds - 1} rounds)`);
    row('', 'a second', 'p50 ms', 'p99 ms', 'of the empty');
    const base = median(results.get(KINDS[0][0])!.map((result) => result.perSecond));
    for (const [name] of KINDS) {
      const all = results.get(name)!;
      const perSecond = median(all.map((result) => result.perSecond));
      row(name, show(perSecond, 0), show(median(all.map((result) => result.p50)), 2), show(median(all.map((result) => result.p99)), 2), `${show(perSecond / base, 2)} x`);
    }
    row('memory of the daemon after it', `${show(daemon.rssMb(), 0)} MB`);
  } finally {
    await daemon.stop();
  }
}

function event(command: string): string {
  return JSON.stringify({
    session_id: 'bench',
    transcript_path: '/nonexistent/transcript.jsonl',
    cwd: '/tmp',
    prompt_id: 'p1',
    permission_mode: 'default',
    hook_event_name: 'PreToolUse',
    tool_name: 'Bash',
    tool_input: { command, description: 'as an agent would say' },
    tool_use_id: `toolu_${ID}`,
  });
}
