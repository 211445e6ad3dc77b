import type { Micros } from './amount.ts';
import type { ScopeKind } from './errors.ts';

/**
 * The rules of the two-phase transfer: reserve, then exactly one of post (it was spent), void (it was not), or hold
 * (unknown: it stays counted until proof). Nothing is ever edited; a balance is the fold of what was appended.
 */
export interface Balance {
  /** Known to be spent. */
  posted: Micros;
  /** Reserved by calls in flight. */
  reserved: Micros;
  /** Outcome unknown; counted as if spent. */
  held: Micros;
}

export const ZERO: Balance = { posted: 0n, reserved: 0n, held: 0n };

/** What a limit looks at: everything that is or may be spent. */
export function counted(balance: Balance): Micros {
  return balance.posted + balance.reserved + balance.held;
}

/** One account a call is charged to. `limit` null: counted, not limited. */
export interface Scope {
  /** `session:<id>`, `agent:<session>/<agent>`, `day:2026-11-21` … */
  key: string;
  kind: ScopeKind;
  /** What a person calls it: `researcher-1`, `this session`. */
  label: string;
  limit: Micros | null;
}

export interface Exceeded {
  scope: Scope;
  limit: Micros;
  spent: Micros;
}

/**
 * The first scope that the amount would take past its limit, or null when every one has room. Scopes are asked in the
 * order given, narrowest first, so that the refusal names the limit nearest to the agent.
 */
export function firstExceeded(amount: Micros, scopes: readonly Scope[], balanceOf: (key: string) => Balance): Exceeded | null {
  for (const scope of scopes) {
    if (scope.limit === null) continue;
    const spent = counted(balanceOf(scope.key));
    if (spent + amount > scope.limit) return { scope, limit: scope.limit, spent };
  }
  return null;
}

export type Ending = 'post' | 'void' | 'hold';

/** How an ending moves a balance on which `reserved` had been set aside. `actual` is what was really spent (post only). */
export function settle(balance: Balance, reserved: Micros, ending: Ending, actual: Micros): Balance {
  const free = { ...balance, reserved: balance.reserved - reserved };
  if (ending === 'post') return { ...free, posted: free.posted + actual };
  if (ending === 'hold') return { ...free, held: free.held + reserved };
  return free;
}
