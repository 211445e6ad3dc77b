import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import { hookEvent, KNOWN_EVENTS, type HookEvent } from '../contract/events.ts';
import type { Hooks } from '../pipeline/hook.ts';
import { hookAnswer } from './answer.ts';
import { readBody } from './body.ts';
import { errorAnswer } from './error-answer.ts';

export type NodeContext = Context<{ Bindings: HttpBindings }>;

/** A Write may carry a whole file; beyond this the client's event is refused, and with it a call that could cost. */
const MAX_EVENT_BYTES = 16 * 1024 * 1024;

/** `POST /hook`: the client's events. The session id lets it in; what a web page could send never gets this far. */
export function hookRoute(hooks: Hooks, isPerson: (sessionId: string, remotePort: number) => Promise<boolean>) {
  return async (c: NodeContext): Promise<Response> => {
    const incoming = c.env.incoming;
    const body = await readBody(incoming, MAX_EVENT_BYTES);
    if (!body.ok) return errorAnswer(body.status, 'BAD_REQUEST', body.problem);
    const parsed = parseEvent(body.text);
    if (parsed === null) return c.json({});
    if (typeof parsed === 'string') return errorAnswer(400, 'BAD_REQUEST', parsed);
    const remotePort = incoming.socket.remotePort ?? 0;
    const reply = await hooks.handle(parsed, () => isPerson(parsed.session_id, remotePort));
    if (reply === null) return errorAnswer(403, 'SESSION_UNKNOWN', 'no such session is registered; a prompt or a new start registers it');
    return c.json(hookAnswer(parsed.hook_event_name, reply));
  };
}

/** null: an event this version does not know, which is fine. A text: what is wrong with it. */
function parseEvent(text: string): HookEvent | null | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'the body is not JSON';
  }
  const name = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)['hook_event_name'] : undefined;
  if (typeof name !== 'string') return 'hook_event_name is missing';
  if (!KNOWN_EVENTS.has(name)) return null;
  const parsed = hookEvent.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  return `${issue?.path.join('.') || 'the event'}: ${issue?.message ?? 'cannot be read'}`;
}
