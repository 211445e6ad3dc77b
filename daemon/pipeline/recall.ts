import type { Agent } from '../core/tree.ts';
import type { ToolCall } from './parts.ts';
import { RUNS, type Recalled } from './served.ts';
import type { Live } from './sessions.ts';
import type { ToolReads } from './tool-reads.ts';
import type { WebFetches } from './web-fetch.ts';
import type { Weighed } from './weigh.ts';

/** Tool calls that need not run, because their answer is here or can be had here. What Bash asks for the gateway answers. */
export interface Recall {
  before(live: Live, agent: Agent, call: ToolCall, weighed: Weighed): Promise<Recalled>;
  after(live: Live, agent: Agent, call: ToolCall, outcome: { response: unknown; text: string | null; price: bigint }): Promise<void>;
  /** What the agent is to be told beside the failure; null: nothing. */
  failed(live: Live, agent: Agent, call: ToolCall, error: string, approvals: readonly string[]): Promise<string | null>;
  /** It was not run after all, or nobody knows what became of it. */
  end(live: Live, toolUseId: string, landing: 'failed' | 'unknown'): void;
  abandon(live: Live, agent?: string): void;
}

export function createRecall(pages: WebFetches, tools: ToolReads): Recall {
  return {
    async before(live, agent, call, weighed) {
      // Where a person is to be asked, what is here already needs no asking.
      const mayAsk = !weighed.ask;
      try {
        if (call.tool === 'WebFetch') return await pages.before(live, agent, call, weighed, mayAsk);
        return call.tool === 'Bash' ? RUNS : await tools.before(live, agent, call, weighed, mayAsk);
      } catch (error) {
        // A broken cache is not a miss: what would cost does not happen; what is free goes its way.
        if (weighed.amount === 0n) return RUNS;
        throw error;
      }
    },
    async after(live, agent, call, { response, text, price }) {
      if (call.tool === 'WebFetch') await pages.after(live, agent, call, response, price);
      else await tools.after(live, agent, call, text, price);
    },
    async failed(live, agent, call, error, approvals) {
      if (call.tool === 'WebFetch') return pages.failed(live, agent, call, error, approvals);
      await tools.after(live, agent, call, null, 0n);
      return null;
    },
    end: tools.end,
    abandon: tools.abandon,
  };
}
