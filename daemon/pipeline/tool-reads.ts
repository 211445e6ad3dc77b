import { refusal } from '../core/errors.ts';
import type { Policy } from '../core/policy.ts';
import { isDeclaredRead, toolUrl } from '../core/reuse.ts';
import type { Agent } from '../core/tree.ts';
import type { AnswerCache, CachePlace, StoredAnswer, WebRequest } from '../ports.ts';
import { createFlights, type Landing } from './flights.ts';
import type { Parts, ToolCall } from './parts.ts';
import { placeOf } from './place.ts';
import { ago, RUNS, served, type Recalled } from './served.ts';
import type { Live } from './sessions.ts';
import { noteCalls, originOf, type Weighed } from './weigh.ts';

/**
 * Tool calls that the user's rules declare to be reads: the same arguments get the same result, whoever asks. The client
 * makes the call itself; what comes of it is learnt from its end.
 */
export interface ToolReads {
  /** `mayLead`: it may run now; else only what is known already is given. */
  before(live: Live, agent: Agent, call: ToolCall, weighed: Weighed, mayLead: boolean): Promise<Recalled>;
  /** It ran: its result, null when that is no text or an error; and what was paid. */
  after(live: Live, agent: Agent, call: ToolCall, result: string | null, price: bigint): Promise<void>;
  /** It never ran, or nobody knows. */
  end(live: Live, toolUseId: string, landing: 'failed' | 'unknown'): void;
  /** Nothing of this agent, or of the whole session, is in flight any more. */
  abandon(live: Live, agent?: string): void;
}

/** Shorter than the client waits for a hook. */
const WAIT_MS = 50_000;

/** No event tells that a person interrupted a subagent's call. After this long nobody waits for one any more. */
const LOST_AFTER_MS = 5 * 60_000;

/** The call that runs now, while others may wait for its result. */
interface Leading {
  session: string;
  agent: string;
  since: number;
  place: CachePlace;
  request: WebRequest;
  priced: boolean;
  land: (landing: Landing<StoredAnswer>) => void;
}

export function createToolReads(parts: Parts, cache: AnswerCache): ToolReads {
  const flights = createFlights<StoredAnswer>(WAIT_MS);
  const leading = new Map<string, Leading>();

  async function before(live: Live, agent: Agent, call: ToolCall, weighed: Weighed, mayLead: boolean): Promise<Recalled> {
    const { amount } = weighed;
    const place = placeOfTools(parts, live, weighed.policy);
    const request = requestOf(call);
    if (!cache.mayKeep(place, request)) return RUNS;
    giveUp((led) => parts.clock() - led.since >= LOST_AFTER_MS);
    const hit = (answer: StoredAnswer): Recalled => {
      noteCalls(parts, live, agent, weighed.quotes, { what: 'hit', saved: answer.price });
      const line = `this is the tool's result and not an error. ${call.tool} was asked the same ${ago(parts.clock() - answer.storedAt)}, and its result comes from the cache, so it cost nothing.`;
      return served(line, answer.body.toString('utf8'), 'ask the tool for less at once');
    };
    const found = await cache.find(place, request, parts.clock());
    if (found.state === 'fresh') return hit(found.answer);
    if (!mayLead) return RUNS;
    return flights.join<Recalled>(cache.keyOf(place, request), {
      async lead(land) {
        const again = await cache.find(place, request, parts.clock());
        if (again.state === 'fresh') {
          land({ landed: 'shared', value: again.answer });
          return hit(again.answer);
        }
        leading.set(keyOf(live, call.id), { session: live.session.id, agent: agent.id, since: parts.clock(), place, request, priced: amount > 0n, land });
        return RUNS;
      },
      async follow(landing) {
        if (landing === 'waited' || landing.landed === 'unknown') {
          if (amount === 0n) return RUNS;
          const why = landing === 'waited' ? `has had no answer for ${WAIT_MS / 1_000} seconds` : 'had no answer, and what it cost is not known';
          return { outcome: 'refused', refusal: refusal('UPSTREAM_FAILED', `another agent asked ${call.tool} the same and ${why}, so it was not asked again; go on without it`, { scope: 'request', price: amount.toString() }) };
        }
        return landing.landed === 'shared' ? hit(landing.value) : RUNS;
      },
    });
  }

  async function after(live: Live, agent: Agent, call: ToolCall, result: string | null, price: bigint): Promise<void> {
    const led = leading.get(keyOf(live, call.id));
    leading.delete(keyOf(live, call.id));
    // An error may have been billed, and asking again would be billed again.
    if (result === null) return led?.land(led.priced ? { landed: 'unknown' } : { landed: 'alone' });
    // A call that a person was asked about has nobody waiting for it, and is kept all the same.
    const kind = led ?? readOf(live, call);
    if (kind === null) return;
    const { place, request } = kind;
    const now = parts.clock();
    const answer = { status: 200, fields: { 'content-type': 'text/plain; charset=utf-8' }, body: Buffer.from(result) };
    const by = originOf(live, agent);
    const kept = await cache.keep(place, request, answer, { price, by }, now).catch(() => false);
    led?.land(kept ? { landed: 'shared', value: { id: '', ...answer, price, by, storedAt: now, expiresAt: now } } : { landed: 'alone' });
  }

  function readOf(live: Live, call: ToolCall): { place: CachePlace; request: WebRequest } | null {
    const policy = parts.policies.of(live.session)?.policy;
    if (policy === undefined || !isToolRead(policy, call)) return null;
    return { place: placeOfTools(parts, live, policy), request: requestOf(call) };
  }

  function end(live: Live, toolUseId: string, landing: 'failed' | 'unknown'): void {
    const key = keyOf(live, toolUseId);
    leading.get(key)?.land({ landed: landing });
    leading.delete(key);
  }

  function abandon(live: Live, agent?: string): void {
    giveUp((led) => led.session === live.session.id && (agent === undefined || led.agent === agent));
  }

  function giveUp(isLost: (led: Leading) => boolean): void {
    for (const [key, led] of leading) {
      if (!isLost(led)) continue;
      leading.delete(key);
      led.land(led.priced ? { landed: 'unknown' } : { landed: 'failed' });
    }
  }

  return { before, after, end, abandon };
}

/** Whether the user's rules declare it a read. */
export function isToolRead(policy: Policy, { tool }: ToolCall): boolean {
  return isDeclaredRead(policy.cache, { method: 'CALL', url: toolUrl(tool) });
}

/** A server of the same name may be another one in another project, with another key: no further than the project. */
function placeOfTools(parts: Parts, live: Live, policy: Policy): CachePlace {
  const rules = policy.cache.scope === 'user' ? { ...policy.cache, scope: 'project' as const } : policy.cache;
  return placeOf(parts, live, { ...policy, cache: rules });
}

function requestOf({ tool, input }: ToolCall): WebRequest {
  return { method: 'CALL', url: toolUrl(tool), fields: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(input)) };
}

function keyOf(live: Live, toolUseId: string): string {
  return `${live.session.id}/${toolUseId}`;
}
