import { readFileSync } from 'node:fs';
import { ROUTES } from '../../daemon/contract/routes.ts';
import type { BenchDaemon } from './daemon.ts';

/** A session and the ticket of a call in it, as an agent's curl gets it: in the file that the hook wrote into its command. */
export async function ticketFor(daemon: BenchDaemon, url: string): Promise<Record<string, string>> {
  await daemon.register('bench');
  const event = { session_id: 'bench', hook_event_name: 'PreToolUse', tool_name: 'Bash', tool_use_id: 'toolu_bench', tool_input: { command: `curl -s ${url}` } };
  const answer = await fetch(`http://127.0.0.1:${daemon.port}${ROUTES.hook}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(event) });
  const text = await answer.text();
  const file = /-K '([^']+)'/.exec((JSON.parse(text) as { hookSpecificOutput?: { updatedInput?: { command?: string } } }).hookSpecificOutput?.updatedInput?.command ?? '')?.[1];
  if (file === undefined) throw new Error(`no ticket was given: ${text}`);
  const secret = /proxy-user\s*=?\s*"([^"]+)"/.exec(readFileSync(file, 'utf8'))?.[1];
  if (secret === undefined) throw new Error('the ticket cannot be read');
  return { 'proxy-authorization': `Basic ${Buffer.from(secret).toString('base64')}` };
}
