import { HTTPFacilitatorClient } from '@x402/core/http';
import type { PaymentPayload, SettleResponse } from '@x402/core/types';
import { demandOf, FAIR_OFFER, requirementsOf, type Offer, type Version } from './wire.ts';

/** How a tool is sold: what it demands, how it says so, and what it does once it has a payment. */
interface Ware {
  readonly version: Version;
  /** Where the demand stands. `both`: in `structuredContent` and as text, as the specification has it. */
  readonly says: 'both' | 'text' | 'envelope' | 'error';
  /** Without: it settles and serves, as an honest one. */
  readonly then?: 'ask again' | 'ask more' | 'fail' | 'die' | 'settle without a receipt';
}

export const WARES = {
  buy: { version: 2, says: 'both' },
  'buy-text': { version: 2, says: 'text' },
  'buy-envelope': { version: 2, says: 'envelope' },
  'buy-v1': { version: 1, says: 'error' },
  'buy-v1-result': { version: 1, says: 'both' },
  again: { version: 2, says: 'both', then: 'ask again' },
  dearer: { version: 2, says: 'both', then: 'ask more' },
  fails: { version: 2, says: 'both', then: 'fail' },
  dies: { version: 2, says: 'both', then: 'die' },
  mute: { version: 2, says: 'both', then: 'settle without a receipt' },
} as const satisfies Record<string, Ware>;

export type WareName = keyof typeof WARES;

interface Message {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: { readonly name?: string; readonly arguments?: unknown; readonly protocolVersion?: string; readonly _meta?: Record<string, unknown> };
}

/** An MCP server whose tools are sold, whatever carries its messages. Answers a message, or nothing, or is gone. */
export type McpSeller = (message: Message) => Promise<object | null | 'gone'>;

/** Checks and settles with the library's own client of a facilitator. */
export function createMcpSeller(facilitatorUrl: string): McpSeller {
  const facilitator = new HTTPFacilitatorClient({ url: facilitatorUrl });

  async function call({ id, params }: Message): Promise<object | 'gone'> {
    const name = params?.name ?? '';
    const served = { content: [{ type: 'text', text: `${name} of ${JSON.stringify(params?.arguments ?? {})}` }] };
    if (!Object.hasOwn(WARES, name)) return { jsonrpc: '2.0', id, result: served };
    const ware: Ware = WARES[name as WareName];
    const url = `mcp://tool/${name}`;
    const demand = (offer: Offer, error: string): object => ({ jsonrpc: '2.0', id, ...demandAs(ware, demandOf(ware.version, [offer], url, error)) });
    const payment = params?._meta?.['x402/payment'] as PaymentPayload | undefined;
    if (payment === undefined) return demand(FAIR_OFFER, 'Payment required');
    switch (ware.then) {
      case 'ask again':
        return demand(FAIR_OFFER, 'Payment required');
      case 'ask more':
        return demand({ ...FAIR_OFFER, amount: '100000' }, 'Payment required');
      case 'fail':
        return { jsonrpc: '2.0', id, result: { isError: true, content: [{ type: 'text', text: 'the tool broke' }] } };
      case 'die':
        return 'gone';
      default: {
        const wanted = requirementsOf(ware.version, FAIR_OFFER, url);
        const checked = await facilitator.verify(payment, wanted);
        const settled: SettleResponse | null = checked.isValid ? await facilitator.settle(payment, wanted) : null;
        if (settled?.success !== true) return demand(FAIR_OFFER, checked.invalidReason ?? settled?.errorReason ?? 'Settlement failed');
        return { jsonrpc: '2.0', id, result: { ...served, ...(ware.then === undefined ? { _meta: { 'x402/payment-response': settled } } : {}) } };
      }
    }
  }

  return async (message) => {
    if (message.id === undefined || message.method === undefined) return null;
    if (message.method === 'tools/call') return call(message);
    return { jsonrpc: '2.0', id: message.id, result: RESULTS[message.method]?.(message) ?? {} };
  };
}

const RESULTS: Record<string, (message: Message) => object> = {
  initialize: ({ params }) => ({ protocolVersion: params?.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'shop', version: '1' } }),
  'tools/list': () => ({ tools: [...Object.keys(WARES), 'free'].map((name) => ({ name, description: 'For sale.', inputSchema: { type: 'object' } })) }),
};

function demandAs({ says }: Ware, required: object): object {
  if (says === 'error') return { error: { code: 402, message: 'Payment required', data: required } };
  const text = JSON.stringify(says === 'envelope' ? { 'x402/error': { code: 402, message: 'Payment required', data: required } } : required);
  return { result: { isError: true, content: [{ type: 'text', text }], ...(says === 'both' ? { structuredContent: required } : {}) } };
}
