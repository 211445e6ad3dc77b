import { createDemands } from '../pipeline/demands.ts';
import { createExchange } from '../pipeline/exchange.ts';
import { NO_WALLET } from '../pipeline/exchange.fixture.ts';
import { createWorld } from '../pipeline/world.fixture.ts';
import type { Fields, Upstream, WebRequest } from '../ports.ts';
import { cacheWorld } from './world.fixture.ts';

/** Whether the server heard of a request, and what of it: `failed` is an exchange without an answer, `not sent` an answer of our own. */
export type Outcome = 'cached' | 'asked' | 'validated' | 'failed' | 'not sent';

/** One request of a case, and what is to come of it. */
export interface Step {
  /** Seconds that pass before. */
  after?: number;
  method?: string;
  /** Added to the case's address. */
  path?: string;
  fields?: Fields;
  /** What the server says if it is asked; where `validated` is expected and the request has conditions, its 304. */
  says?: { status?: number; fields?: Fields } | 'nothing';
  then: Outcome;
  status?: number;
  /** Fields of the answer; `null` for one that must not be there. */
  has?: Record<string, string | null>;
  /** Fields as the server saw them. */
  sends?: Record<string, string | null>;
}

export interface Seen {
  then: Outcome;
  status: number;
  fields: Fields;
  body: string;
  sent: Fields;
}

const CALLER = { tool: 'Bash', toolUseId: null, alerts: null, approvedUpTo: 0n };
const OUTCOMES: Record<string, Outcome> = { hit: 'cached', revalidated: 'validated' };

/**
 * Plays a case against the real cache, by the gateway's own exchange, with the rules of an empty configuration. Each
 * full answer of the server bears its number, in `x-answer` and in its body.
 */
export async function play(steps: readonly Step[]): Promise<Seen[]> {
  const { cache, clock, pass } = cacheWorld();
  const world = createWorld();
  let step = steps[0]!;
  let sent: Fields | null = null;
  let answers = 0;
  let ids = 0;
  const upstream: Upstream = {
    async send({ fields }) {
      sent = fields;
      const { says = {}, then } = step;
      if (says === 'nothing') throw Object.assign(new Error('the connection was closed'), { sent: true });
      if (then === 'validated' && (fields['if-none-match'] ?? fields['if-modified-since']) !== undefined) return { status: 304, fields: says.fields ?? {}, body: Buffer.alloc(0) };
      answers += 1;
      return { status: says.status ?? 200, fields: { ...says.fields, 'x-answer': String(answers) }, body: Buffer.from(`answer ${answers}`) };
    },
    close: async () => {},
  };
  const exchange = createExchange({ parts: world.parts, cache, upstream, demands: createDemands(), paidRequests: NO_WALLET, nextId: () => String((ids += 1)), failed: () => {} });
  const payer = { ...CALLER, live: world.live, agent: world.parts.sessions.agentOf(world.live, undefined, undefined) };

  async function seen({ after = 0, method = 'GET', path = '', fields = {} }: Step): Promise<Seen> {
    pass(after);
    world.now = clock.now;
    sent = null;
    const request: WebRequest = { method, url: `https://api.example/case${path}`, fields, body: null };
    const exchanged = await exchange.send(payer, request, new AbortController().signal).catch(() => null);
    if (exchanged === null || 'refusal' in exchanged) return { then: 'failed', status: 0, fields: {}, body: '', sent: sent ?? {} };
    const { status, fields: answered, body } = exchanged.answer;
    return { then: OUTCOMES[String(answered['x-pag0-cache'])] ?? (sent === null ? 'not sent' : 'asked'), status, fields: answered, body: String(body), sent: sent ?? {} };
  }

  const all: Seen[] = [];
  for (step of steps) all.push(await seen(step));
  await cache.close();
  return all;
}
