import { compare, inFlight, type Kind } from './compare.ts';
import { FAR, startDaemon } from './daemon.ts';
import { ID } from './load.ts';
import { row, show } from './stats.ts';

const DESCRIPTION = 'as an agent would say';
/** The end of an answer that changes the command. */
const REWRITTEN = `"description":"${DESCRIPTION}"}}}`;

/**
 * Decisions against an empty Hono route of the same daemon, in turns within one run: the machine's mood hits both alike.
 * A ticket is a file that is written; the last kind has a proxy of its own, so that it carries none, and waits for its
 * durable reservation.
 */
const KINDS = [
  ['empty route (GET /health)', null, '{"service":"pag0"}'],
  ['git status: not our business', 'git status', '{}'],
  ['free request, given a ticket', 'curl -s https://docs.python.org/3/', REWRITTEN],
  ['priced request, durable reservation', "curl -s -x http://127.0.0.1:9 -X POST https://api.tavily.com/search -H 'content-type: application/json' -d '{\"query\":\"best practices\"}'", '{}'],
] as const;

export async function benchDecisions(options: { connections: number; seconds: number; rounds: number }): Promise<void> {
  const daemon = await startDaemon({ ...FAR, prices: [{ endpoint: 'api.tavily.com/*', price: '$0.02' }] });
  const { connections, seconds, rounds } = options;
  try {
    await daemon.register('bench');
    const kinds = KINDS.map(([name, command, expected]): Kind => {
      const request = command === null ? { method: 'GET' as const, path: '/health' } : { method: 'POST' as const, path: '/hook', body: event(command) };
      return [name, { port: daemon.port, connections, seconds, expected, ...request }];
    });
    await compare(`Decisions with ${inFlight(connections)}`, 'of the empty', kinds, rounds);
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
    tool_input: { command, description: DESCRIPTION },
    tool_use_id: `toolu_${ID}`,
  });
}
