import type { Report } from '../../daemon/contract/views.ts';
import { formatDollars } from '../../daemon/core/amount.ts';
import type { PricedApi } from '../e2e/priced-api.ts';
import { priceOf } from './figures.ts';

export interface Agreement {
  agree: boolean;
  sentence: string;
}

/** Two books of the same trade: what the seller served, and what pag0 says went out. They must be the same to the request and the cent. */
export function compare(seller: PricedApi, report: Report): Agreement {
  const revenue = seller.requests.reduce((sum, { path }) => sum + priceOf(path), 0n);
  const requests = seller.count() === report.totalRequests;
  const money = revenue.toString() === report.totalCost;
  const places = report.byEndpoint.every((row) => row.requests === seller.count(row.endpoint.slice(row.endpoint.indexOf('/'))));
  const agree = requests && money && places;
  const counted = `The seller counts ${seller.count()} requests and ${formatDollars(revenue)}; the report says ${report.totalRequests} and ${formatDollars(BigInt(report.totalCost))}.`;
  return { agree, sentence: `${counted} ${agree ? 'They agree.' : 'They DO NOT agree.'}` };
}

const TOLD = ['researcher-1 AGENT_BUDGET_EXCEEDED 1', 'ralph-loop AGENT_BUDGET_EXCEEDED 20', 'executor-2 SESSION_BUDGET_EXCEEDED 1'];

/** The scenes say in words who was ended, and when; the report has to say the same. null: it does. */
export function contradiction(report: Report): string | null {
  const ended = report.stops.map((stop) => `${stop.agentId} ${stop.code} ${stop.attempts}`);
  return ended.join() === TOLD.join() ? null : `It was to end ${TOLD.join(', ')}; it ended ${ended.join(', ') || 'nobody'}.`;
}
