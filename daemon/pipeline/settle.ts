import { formatDollars, ratio, type Micros } from '../core/amount.ts';
import { spentOf } from '../core/errors.ts';
import type { Quote } from '../core/price.ts';
import { counted, type Scope } from '../core/transfer.ts';
import { costOf, usageOf } from '../core/usage.ts';
import { reservationKey, type Pending } from './decide.ts';
import type { Parts } from './parts.ts';
import type { Live } from './sessions.ts';

/** What came of a call that ran, as the client's hook tells it. */
export interface Outcome {
  toolUseId: string;
  /** The text that may hold an API's answer: stdout of a command, an MCP result. */
  answer: string;
  /** The call failed, with this text; null when it went well. */
  error: string | null;
  /** The server asked to be paid first: it names the price, which counts when that is paid, and the table's does not. */
  demanded: boolean;
}

export interface Settled {
  /** µ$; 0 where it cost nothing, or where a restart forgot what it cost. */
  spent: Micros;
  /** Sentences for the person and the agent. */
  alerts: string[];
}

/**
 * The end of a priced call. It is spent unless it provably never left: an API that answers an error may bill it all the
 * same, and a budget that gives money back on a guess is no budget.
 */
export async function settle(parts: Parts, live: Live, outcome: Outcome, pending: Pending | undefined): Promise<Settled> {
  const key = reservationKey(live, outcome.toolUseId);
  const at = parts.clock();
  if (outcome.demanded || (outcome.error !== null && neverSent(outcome.error, pending?.sole ?? null))) {
    await parts.ledger.void(key, at, outcome.demanded ? 'the server asked to be paid first' : (outcome.error ?? '').slice(0, 200));
    return { spent: 0n, alerts: [] };
  }
  const actual = pending === undefined ? undefined : learntPrice(pending.quotes, outcome.answer);
  const posted = await parts.ledger.post(key, at, actual);
  if (!posted || pending === undefined) return { spent: 0n, alerts: [] };
  const spent = actual ?? pending.quotes.reduce((sum, quoted) => sum + quoted.amount, 0n);
  return { spent, alerts: await alerts(parts, live, pending.scopes) };
}

/** Exit codes with which a program says that it reached nobody. */
const NEVER_CONNECTED: Record<string, readonly number[]> = {
  // usage, bad URL, proxy and host look-up, connect, TLS handshake, certificate
  curl: [2, 3, 5, 6, 7, 35, 60],
  // usage, network failure, TLS verification
  wget: [2, 4, 5],
};

/** Nothing but the program's own word that no connection was made counts; a failure on the way may have been billed. */
function neverSent(error: string, sole: string | null): boolean {
  const code = Number(/^Exit code (\d+)\b/.exec(error)?.[1] ?? Number.NaN);
  return sole !== null && (NEVER_CONNECTED[sole]?.includes(code) ?? false);
}

/** What the answer says it cost, where a price rule says how to read it; the other requests of the call keep their price. */
function learntPrice(quotes: readonly Quote[], answer: string): Micros | undefined {
  const priced = quotes.filter((quoted) => quoted.rule?.tokens != null);
  // Two answers in one output cannot be told apart, so their prices as reserved count.
  if (priced.length !== 1 || priced[0]!.call.times !== 1) return undefined;
  const usage = usageOf(answer);
  if (usage === null) return undefined;
  const fixed = quotes.reduce((sum, quoted) => (quoted === priced[0] ? sum : sum + quoted.amount), 0n);
  return fixed + costOf(usage, priced[0]!.rule!.tokens!);
}

/** Once per scope: the person is told when a budget passes the threshold. */
export async function alerts(parts: Parts, live: Live, scopes: readonly Scope[]): Promise<string[]> {
  const threshold = parts.policies.of(live.session)?.policy.alertOnThreshold ?? 1;
  const limited = scopes.filter((scope) => scope.limit !== null && scope.limit > 0n);
  const balances = await parts.ledger.balances(limited.map((scope) => scope.key));
  const sentences: string[] = [];
  for (const [index, scope] of limited.entries()) {
    const spent = counted(balances[index]!);
    if (ratio(spent, scope.limit!) < threshold) continue;
    // A raised limit is a new limit, and may be reached anew.
    if (!(await parts.ledger.mark(`alert:${scope.key}:${scope.limit}`, parts.clock()))) continue;
    const left = scope.limit! - spent;
    sentences.push(`pag0: ${scope.label} has spent ${spentOf(spent, scope.limit!)} (${Math.round(ratio(spent, scope.limit!) * 100)} %), ${formatDollars(left < 0n ? 0n : left)} left.`);
  }
  return sentences;
}
