import { cacheWorld } from '../cache/world.fixture.ts';
import type { PageConverter } from '../ports.ts';
import { createDemands } from './demands.ts';
import { createExchange } from './exchange.ts';
import { NO_WALLET, standInUpstream, turns } from './exchange.fixture.ts';
import type { Reply } from './reply.ts';
import type { PaidRequests } from './paid-request.ts';
import { createRecall } from './recall.ts';
import { createToolReads } from './tool-reads.ts';
import { createWebFetches } from './web-fetch.ts';
import { createWorld, type World } from './world.fixture.ts';

export interface RecallWorld extends World {
  /** What went out to servers. */
  asked: ReturnType<typeof standInUpstream>['asked'];
  /** A call up to the moment when it waits for somebody. */
  start(tool: string, input: object, more?: object): Promise<Started>;
  spent(): Promise<{ posted: bigint; reserved: bigint; held: bigint }>;
}

export interface Started {
  reply: Promise<Reply>;
  /** The client's word that it ran, or that it failed. */
  ran(response: unknown): Promise<Reply | null>;
  failed(error: string): Promise<Reply | null>;
}

/** The pipeline with the real cache; the network is a stand-in, and so is what makes Markdown of a page. */
export function createRecallWorld(config: object = {}, paidRequests: PaidRequests = NO_WALLET): RecallWorld {
  const world = createWorld(config);
  const { cache, clock } = cacheWorld();
  clock.now = world.now;
  const { upstream, asked } = standInUpstream();
  const pages: PageConverter = { markdown: async (html) => (html.includes('endless') ? null : html.replace(/<[^>]+>/g, '')), close: async () => {} };
  let ids = 0;
  const demands = createDemands();
  const exchange = createExchange({ parts: world.parts, cache, upstream, demands, paidRequests, nextId: () => String((ids += 1)), failed: () => {} });
  world.parts.recall = createRecall(createWebFetches({ parts: world.parts, cache, exchange, demands, pages }), createToolReads(world.parts, cache));
  return Object.assign(world, {
    asked,
    async start(tool: string, input: object, more: object = {}) {
      const call = { tool_name: tool, tool_input: input, tool_use_id: `toolu_${(ids += 1)}`, ...more };
      const reply = world.send({ hook_event_name: 'PreToolUse', ...call }) as Promise<Reply>;
      await turns();
      return {
        reply,
        ran: (response: unknown) => world.send({ hook_event_name: 'PostToolUse', ...call, tool_response: response }),
        failed: (error: string) => world.send({ hook_event_name: 'PostToolUseFailure', ...call, error }),
      };
    },
    spent: async () => (await world.parts.ledger.balances(['session:s1']))[0]!,
  });
}

/** What stands in the call's place; null when it runs. */
export async function servedText({ reply }: Started): Promise<string | null> {
  const { verdict } = await reply;
  return verdict?.verdict === 'serve' ? verdict.text : null;
}
