import type { Report } from '../../daemon/contract/views.ts';
import { formatDollars } from '../../daemon/core/amount.ts';
import type { PricedApi } from '../e2e/priced-api.ts';
import { priceOf } from './figures.ts';
import type { Market } from './market.ts';

export interface Agreement {
  agree: boolean;
  sentence: string;
}

/** Two books of the same trade: what the seller served, and what pag0 says went out. They must be the same to the request and the cent. */
export function compare(seller: PricedApi, { byEndpoint, kinds }: Report): Agreement {
  const revenue = seller.requests.reduce((sum, { path }) => sum + priceOf(path), 0n);
  const rows = byEndpoint.filter(({ endpoint }) => endpoint.startsWith(`127.0.0.1:${seller.port}/`));
  const requests = rows.reduce((sum, row) => sum + row.requests, 0);
  const places = rows.every((row) => row.requests === seller.count(row.endpoint.slice(row.endpoint.indexOf('/'))));
  const agree = requests === seller.count() && revenue.toString() === kinds.billed && places;
  const counted = `The seller counts ${seller.count()} requests and ${formatDollars(revenue)}; the report says ${requests} and ${formatDollars(BigInt(kinds.billed))} billed.`;
  return { agree, sentence: `${counted} ${verdict(agree)}` };
}

/** The same with the chain, which nobody can talk into anything: `had` is what the wallet held before. */
export async function compareChain(market: Market, had: bigint, { kinds }: Report): Promise<Agreement> {
  const [transfers, has] = [await market.transfers(), await market.balance()];
  const one = transfers.length === 1 ? transfers[0]! : null;
  const agree = one !== null && one.to === market.payee && one.value === market.price && had - has === market.price && kinds.settled === market.price.toString();
  const moved = one === null ? `${transfers.length} transfers` : `one transfer (${one.transaction.slice(0, 10)}…) of ${formatDollars(one.value)}`;
  const told = `The chain says that the wallet had ${formatDollars(had)} and has ${formatDollars(has)}, by ${moved}; the report says ${formatDollars(BigInt(kinds.settled))} settled.`;
  return { agree, sentence: `${told} ${verdict(agree)}` };
}

function verdict(agree: boolean): string {
  return agree ? 'They agree.' : 'They DO NOT agree.';
}

const TOLD = ['researcher-1 AGENT_BUDGET_EXCEEDED 1', 'ralph-loop AGENT_BUDGET_EXCEEDED 20', 'executor-2 SESSION_BUDGET_EXCEEDED 1'];

/** The scenes say in words who was ended, and when; the report has to say the same. null: it does. */
export function contradiction(report: Report): string | null {
  const ended = report.stops.map((stop) => `${stop.agentId} ${stop.code} ${stop.attempts}`);
  return ended.join() === TOLD.join() ? null : `It was to end ${TOLD.join(', ')}; it ended ${ended.join(', ') || 'nobody'}.`;
}
