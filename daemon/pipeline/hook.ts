import { refusal } from '../core/errors.ts';
import { classify } from '../core/classify.ts';
import type { EventOf, HookEvent } from '../contract/events.ts';
import { MAIN } from '../core/tree.ts';
import { createCallEvents } from './call-events.ts';
import { settleLeftovers } from './leftovers.ts';
import { forPerson, type Orders } from './orders.ts';
import type { Parts } from './parts.ts';
import type { Reply, Sender } from './reply.ts';
import type { Live } from './sessions.ts';
import { answerSlash } from './slash.ts';
import { stopMain, stopSubagent } from './stop.ts';
import { demandIn } from './web-fetch.ts';
import { nameTurn } from './turns.ts';

export interface Hooks {
  /** null: nobody registered this session. */
  handle(event: HookEvent, sender: Sender): Promise<Reply | null>;
}

/** The client's word for running everything without asking its person. */
const UNASKED = 'bypassPermissions';

/** The client writes a subagent's meta file after SubagentStart was answered, by this hook and by every other plugin's. */
const META_DELAYS_MS = [100, 500, 2_000];

export function createHooks(parts: Parts, orders: Orders): Hooks {
  const calls = createCallEvents(parts);

  function handle(event: HookEvent, sender: Sender): Promise<Reply | null> {
    const live = parts.sessions.get(event.session_id);
    if (live === undefined) return Promise.resolve(stranger(event));
    live.lastSeen = parts.clock();
    if (event.transcript_path !== undefined) live.session.transcript ??= event.transcript_path;
    const { permission_mode: mode } = event;
    if (mode === UNASKED && live.permissionMode !== UNASKED) return unasked(live, sender).then(() => route(live, event, sender));
    live.permissionMode = mode ?? live.permissionMode;
    return route(live, event, sender);
  }

  /** It opens a sandbox that names no domains, so nobody but the client is believed that its person has chosen it. */
  async function unasked(live: Live, sender: Sender): Promise<void> {
    live.permissionMode = (await sender.isClient()) ? UNASKED : null;
  }

  async function route(live: Live, event: HookEvent, sender: Sender): Promise<Reply> {
    switch (event.hook_event_name) {
      case 'PreToolUse':
        return withNotices(live, event, await calls.before(live, event, sender));
      case 'PostToolUse':
        return withNotices(live, event, await calls.after(live, event, sender, event.tool_response, demandIn(event.tool_name, event.tool_response)));
      case 'PostToolUseFailure':
        return withNotices(live, event, await calls.after(live, event, sender, null, event.error ?? 'failed'));
      case 'SubagentStart':
        return started(live, event);
      case 'SubagentStop':
        return ended(live, event);
      case 'Stop':
        return withNotices(live, event, await stopped(live, event));
      case 'UserPromptExpansion':
        return expanded(live, event, sender);
      case 'SessionEnd':
        await endSession(parts, live);
        return {};
    }
  }

  /** A session that nobody registered has no budget: what would need one is refused, with the repair. */
  function stranger(event: HookEvent): Reply | null {
    if (event.hook_event_name !== 'PreToolUse') return null;
    const calls = classify(event.tool_name, event.tool_input ?? {}, parts.readShell);
    if (calls.every((call) => call.endpoint?.local === true)) return null;
    const text = 'this session is not known to pag0, so the call was not sent; ask the person to send another prompt or to start the session again';
    return { verdict: { verdict: 'refuse', refusal: refusal('SESSION_UNKNOWN', text, { scope: 'session' }) } };
  }

  function started(live: Live, event: EventOf<'SubagentStart'>): Reply {
    const { agent_id: id, agent_type: type } = event;
    if (id === undefined) return {};
    const known = live.session.agents.get(id);
    // A finished agent that is sent a message works again under its old id.
    if (known !== undefined) known.endedAt = null;
    else lookForBirth(live, id, type);
    return {};
  }

  /** So that an agent shows in the tree before its first call. Without the file its place is not known, and it waits for that call. */
  function lookForBirth(live: Live, id: string, type: string | undefined, attempt = 0): void {
    const delay = META_DELAYS_MS[attempt];
    if (delay === undefined) return;
    setTimeout(() => {
      if (parts.sessions.hasMeta(live, id)) parts.sessions.agentOf(live, id, type);
      else lookForBirth(live, id, type, attempt + 1);
    }, delay).unref();
  }

  async function ended(live: Live, event: EventOf<'SubagentStop'>): Promise<Reply> {
    if (event.agent_id === undefined) return {};
    const agent = parts.sessions.agentOf(live, event.agent_id, event.agent_type);
    const why = await stopSubagent(parts, live, agent, { driven: event.stop_hook_active === true, lastMessage: event.last_assistant_message ?? '' });
    if (why === null) return {};
    live.notices.push(why);
    return { stop: why };
  }

  async function stopped(live: Live, event: EventOf<'Stop'>): Promise<Reply> {
    const why = await stopMain(parts, live, { driven: event.stop_hook_active === true, lastMessage: event.last_assistant_message ?? '', crons: event.session_crons ?? [] });
    return why === null ? {} : { stop: why, message: why };
  }

  async function expanded(live: Live, event: EventOf<'UserPromptExpansion'>, sender: Sender): Promise<Reply> {
    const answer = await answerSlash(parts, live, event.command_name, event.command_args ?? '', forPerson(orders, sender.isPerson));
    if (answer !== null) return { block: answer };
    nameTurn(parts, live, event.prompt_id, event.command_name);
    return {};
  }

  /** Only events of the main thread reach the person's screen. */
  function withNotices(live: Live, event: { agent_id?: string | undefined }, reply: Reply): Reply {
    if (event.agent_id !== undefined || live.notices.length === 0) return reply;
    const waiting = live.notices.splice(0).filter((notice) => notice !== reply.message);
    const message = [...(reply.message === undefined ? [] : [reply.message]), ...waiting].join('\n');
    return message === '' ? reply : { ...reply, message };
  }

  return { handle };
}

/** The client is gone, or has moved on to another session: nothing of this one is in flight any more. */
export async function endSession(parts: Parts, live: Live): Promise<void> {
  await settleLeftovers(parts, live);
  live.running.clear();
  live.background.clear();
  live.calling.clear();
  live.spawning.clear();
  const now = parts.clock();
  live.session.endedAt = now;
  for (const agent of live.session.agents.values()) {
    if (agent.endedAt !== null || agent.id === MAIN) continue;
    agent.endedAt = now;
    parts.sessions.save(live, agent);
  }
  parts.sessions.save(live);
}
