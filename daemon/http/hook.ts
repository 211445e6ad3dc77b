import type { IncomingMessage } from 'node:http';
import { hookEvent, KNOWN_EVENTS, type HookEvent } from '../contract/events.ts';
import { SECOND_HEADER } from '../contract/routes.ts';
import type { Hooks } from '../pipeline/hook.ts';
import type { Persons } from '../pipeline/person.ts';
import { hookAnswer } from './answer.ts';
import { readBody } from './body.ts';
import { problemAnswer, type PlainAnswer } from './plain.ts';

/** A Write may carry a whole file; beyond this the client's event is refused, and with it a call that could cost. */
const MAX_EVENT_BYTES = 16 * 1024 * 1024;

const NOTHING_TO_SAY: PlainAnswer = { status: 200, text: '{}' };

/**
 * `POST /hook`: the client's events. The session id lets it in; what a web page could send never gets this far. Who sends it is
 * looked up only where much depends on it: a process that the client started can post the same.
 */
export function hookRoute(hooks: Hooks, persons: Pick<Persons, 'sentByClient' | 'typedIn'>) {
  return async (incoming: IncomingMessage): Promise<PlainAnswer> => {
    const body = await readBody(incoming, MAX_EVENT_BYTES);
    if (!body.ok) return problemAnswer(body.status, 'BAD_REQUEST', body.problem);
    const event = parseEvent(body.text);
    if (event === null) return NOTHING_TO_SAY;
    if (typeof event === 'string') return problemAnswer(400, 'BAD_REQUEST', event);
    const remotePort = incoming.socket.remotePort ?? 0;
    const reply = await hooks.handle(event, { second: incoming.headers[SECOND_HEADER] !== undefined, isClient: () => persons.sentByClient(event.session_id, remotePort), isPerson: () => persons.typedIn(event.session_id, remotePort) });
    if (reply === null) return problemAnswer(403, 'SESSION_UNKNOWN', 'no such session is registered; a prompt or a new start registers it');
    return { status: 200, text: JSON.stringify(hookAnswer(event, reply)) };
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
