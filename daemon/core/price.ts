import type { Micros } from './amount.ts';
import type { Call } from './call.ts';
import { endpointMatches } from './endpoint-pattern.ts';
import { globMatches } from './glob.ts';
import type { TokenPrice } from './usage.ts';

/** One line of the price table. It names an endpoint glob or a tool glob, never both. */
export interface PriceRule {
  endpoint: string | null;
  tool: string | null;
  /** Upper-case; null means any. */
  method: string | null;
  /** What one request costs; with `tokens`, what is set aside until the answer tells. `x402`: the seller names it. */
  price: Micros | 'x402';
  tokens: TokenPrice | null;
}

/** What a call will cost by the price table. `rule` null: nothing prices it, so it is free. */
export interface Quote {
  call: Call;
  rule: PriceRule | null;
  /** For all the times the call runs. */
  amount: Micros;
}

/** The first rule of the table that fits the call, as people read a table from the top. */
export function quote(call: Call, prices: readonly PriceRule[]): Quote {
  const rule = prices.find((candidate) => applies(candidate, call)) ?? null;
  const each = rule === null || rule.price === 'x402' ? 0n : rule.price;
  return { call, rule, amount: each * BigInt(call.times) };
}

function applies(rule: PriceRule, call: Call): boolean {
  if (rule.method !== null && rule.method !== call.method) return false;
  if (rule.tool !== null) return globMatches(rule.tool, call.tool);
  return rule.endpoint !== null && call.endpoint !== null && endpointMatches(rule.endpoint, call.endpoint);
}

/**
 * Whether money can leave by this call. What a seller demands costs, though no rule names it. A destination that nobody can name might be a priced one; a local address is
 * the developer's own machine and is governed only when a price rule names it.
 */
export function canCost(quoted: Quote): boolean {
  if (quoted.rule !== null || quoted.amount > 0n) return true;
  return !quoted.call.known;
}
