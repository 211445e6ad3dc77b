import { compare, inFlight, type Kind } from './compare.ts';
import { FAR, startDaemon } from './daemon.ts';
import { ID } from './load.ts';
import { row, show } from './stats.ts';

const DESCRIPTION = 'as an agent would say';

/**
 * Decisions against an empty Hono route of the same daemon, in turns within one run: the machine's mood hits both alike.
 * A curl is read, and charged at the gateway when it comes. A search is charged at the hook: it waits for its durable reservation.
 */
const KINDS = [
  ['empty route (GET /health)', null, '{"service":"pag0"}'],
  ['git status: not our business', { tool_name: 'Bash', tool_input: { command: 'git status', description: DESCRIPTION } }, '{}'],
  ['a curl, read and let run', { tool_name: 'Bash', tool_input: { command: 'curl -s https://docs.python.org/3/', description: DESCRIPTION } }, '{}'],
  ['priced search, durable reservation', { tool_name: 'WebSearch', tool_input: { query: 'best practices' } }, '{}'],
] as const;

export async function benchDecisions(options: { connections: number; seconds: number; rounds: number }): Promise<void> {
  const daemon = await startDaemon({ ...FAR, prices: [{ tool: 'WebSearch', price: '$0.02' }] });
  const { connections, seconds, rounds } = options;
  try {
    await daemon.register('bench');
    const kinds = KINDS.map(([name, call, expected]): Kind => {
      const request = call === null ? { method: 'GET' as const, path: '/health' } : { method: 'POST' as const, path: '/hook', body: event(call) };
      return [name, { port: daemon.port, connections, seconds, expected, ...request }];
    });
    await compare(`Decisions with ${inFlight(connections)}`, 'of the empty', kinds, rounds);
    row('memory of the daemon after it', `${show(daemon.rssMb(), 0)} MB`);
  } finally {
    await daemon.stop();
  }
}

function event(call: object): string {
  return JSON.stringify({
    session_id: 'bench',
    transcript_path: '/nonexistent/transcript.jsonl',
    cwd: '/tmp',
    prompt_id: 'p1',
    permission_mode: 'default',
    hook_event_name: 'PreToolUse',
    ...call,
    tool_use_id: `toolu_${ID}`,
  });
}
