import { Readable } from 'node:stream';
import type { AnswerCache, Fields, StoredAnswer, Upstream, WebAnswer, WebRequest } from '../ports.ts';
import { createDemands } from './demands.ts';
import type { PaidRequests } from './paid-request.ts';
import type { Parts } from './parts.ts';
import { createExchange, type Exchange, type Exchanged, type Spender } from './exchange.ts';
import { createWorld, type World } from './world.fixture.ts';

/** Stand-in for the cache: keeps every GET's 200 for ever. What may be kept is the real one's business. */
export function standInCache(): AnswerCache & { stored: Map<string, StoredAnswer>; breaks: boolean; keeps: boolean } {
  const stored = new Map<string, StoredAnswer>();
  const keyOf: AnswerCache['keyOf'] = (place, request) => `${place.scope} ${request.method} ${request.url}`;
  const self = {
    stored,
    breaks: false,
    keeps: true,
    mayKeep: (_: unknown, request: WebRequest) => request.method === 'GET',
    keyOf,
    async find(place: Parameters<AnswerCache['find']>[0], request: WebRequest) {
      if (self.breaks) throw Object.assign(new Error('the cache cannot be read'), { code: 'CACHE_UNAVAILABLE' });
      const answer = stored.get(keyOf(place, request));
      return answer === undefined ? ({ state: 'miss' } as const) : ({ state: 'fresh', answer } as const);
    },
    async keep(place: Parameters<AnswerCache['keep']>[0], request: WebRequest, answer: Parameters<AnswerCache['keep']>[2], paid: Parameters<AnswerCache['keep']>[3], now: number) {
      if (self.keeps) stored.set(keyOf(place, request), { id: 'x', ...answer, ...paid, storedAt: now, expiresAt: now + 1 });
      return self.keeps;
    },
    lasts: () => self.keeps,
    written: async () => {},
    renewed: async (_: unknown, __: unknown, stale: StoredAnswer) => stale,
    close: async () => {},
  };
  return self;
}

/** Stand-in for the network: answers when it is told to, and remembers what was asked. */
export function standInUpstream() {
  const asked: { request: WebRequest; signal: AbortSignal; answer(answer: WebAnswer): void; fail(error: Error): void }[] = [];
  const upstream: Upstream = {
    send: (request, signal) => new Promise((resolve, reject) => asked.push({ request, signal, answer: resolve, fail: reject })),
    close: async () => {},
  };
  return { upstream, asked };
}

/** Every demand is passed on. */
export const NO_WALLET: PaidRequests = { meet: async (_spender, _call, _request, unpaid) => ({ passed: unpaid }) };

export type Asking = Partial<Spender> & { method?: string; body?: Buffer | Readable; fields?: Fields; signal?: AbortSignal };

export interface ExchangeWorld {
  world: World;
  exchange: Exchange;
  cache: ReturnType<typeof standInCache>;
  asked: ReturnType<typeof standInUpstream>['asked'];
  /** What the book could not be told. */
  lost: unknown[];
  ask(url: string, more?: Asking): Promise<Exchanged>;
  /** What it answers; a refusal is thrown. */
  get(url: string, more?: Asking): Promise<WebAnswer>;
  spent(): Promise<{ posted: bigint; reserved: bigint; held: bigint }>;
}

export type MakePaidRequests = (of: { parts: Parts; upstream: Upstream; nextId(): string; failed(error: unknown): void }) => PaidRequests;

export function createExchangeWorld(config: object = {}, paidRequests: MakePaidRequests = () => NO_WALLET): ExchangeWorld {
  const world = createWorld(config);
  const cache = standInCache();
  const { upstream, asked } = standInUpstream();
  let ids = 0;
  const lost: unknown[] = [];
  const nextId = (): string => String((ids += 1));
  const failed = (error: unknown): void => void lost.push(error);
  const exchange = createExchange({ parts: world.parts, cache, upstream, demands: createDemands(), paidRequests: paidRequests({ parts: world.parts, upstream, nextId, failed }), nextId, failed });
  const ask: ExchangeWorld['ask'] = (url, { method = 'GET', body = undefined, fields = {}, signal = new AbortController().signal, ...spender } = {}) => {
    const agent = world.parts.sessions.agentOf(world.live, undefined, undefined);
    return exchange.send({ live: world.live, agent, tool: 'Bash', toolUseId: null, alerts: null, approvedUpTo: 1_000_000_000n, ...spender }, { method, url, fields, body: body ?? null }, signal);
  };
  return {
    world,
    exchange,
    cache,
    asked,
    lost,
    ask,
    async get(url, more) {
      const exchanged = await ask(url, more);
      if ('refusal' in exchanged) throw Object.assign(new Error(exchanged.refusal.sentence), exchanged.refusal);
      return exchanged.answer;
    },
    async spent() {
      return (await world.parts.ledger.balances(['session:s1']))[0]!;
    },
  };
}

export const ok = (text: string, fields: Fields = {}): WebAnswer => ({ status: 200, fields, body: Readable.from([Buffer.from(text)]) });

export async function textOf(answer: WebAnswer): Promise<string> {
  if (Buffer.isBuffer(answer.body)) return answer.body.toString();
  const chunks: Buffer[] = [];
  for await (const chunk of answer.body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

export const turns = async (count = 20): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
