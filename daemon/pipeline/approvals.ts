import type { Code } from '../core/errors.ts';
import type { Clock } from '../ports.ts';
import type { Live } from './sessions.ts';

/** One payment as a seller quoted it. An approval fits nothing else. */
export interface Quoted {
  /** Whose agent asked. */
  session: string;
  /** Digest of the request. */
  request: string;
  network: string;
  /** Lower-case. */
  asset: string;
  /** Lower-case. */
  payTo: string;
  /** µ$ */
  amount: bigint;
}

export interface Approval extends Quoted {
  /** What a person types. */
  id: string;
  /** The agent that asked, by its id in the session. */
  agent: string;
  /** What is bought: `api.tavily.com/search`. */
  label: string;
  code: Code;
  /** Stands behind the label: "costs $0.30, above what needs a person's yes". */
  why: string;
  /** ms since the epoch; then it has to be asked for anew. */
  expiresAt: number;
  approved: boolean;
}

/**
 * Payments that wait for a person's yes. An approval is for one quote, counts once and expires; a restart forgets it, and
 * then the agent is told to ask again.
 */
export interface Approvals {
  /** The same quote again is the same question. */
  ask(quoted: Quoted, about: Pick<Approval, 'agent' | 'label' | 'code' | 'why'>): Approval;
  /** Oldest first. */
  list(): Approval[];
  /** null: nothing waits under this id. Whoever calls it has established that a person speaks. */
  answer(id: string, yes: boolean): Approval | null;
  /** Uses it up. `asked`: ids that the client put to its person before this very call ran. */
  take(quoted: Quoted, asked?: readonly string[]): Approval | null;
  /** It was not used after all. */
  giveBack(approval: Approval): void;
}

const LASTS_MS = 15 * 60_000;
/** A session that asks for one thing after the other pushes out its own oldest questions. */
const MAX_WAITING = 200;

export function createApprovals(clock: Clock, newId: () => string): Approvals {
  const byQuote = new Map<string, Approval>();

  function current(): Approval[] {
    const now = clock();
    for (const [key, { expiresAt }] of byQuote) if (expiresAt <= now) byQuote.delete(key);
    return [...byQuote.values()];
  }

  function oldest(session: string): Approval {
    const waiting = [...byQuote.values()];
    return waiting.find((one) => one.session === session) ?? waiting[0]!;
  }

  return {
    ask(quoted, about) {
      const key = keyOf(quoted);
      const known = current().find((one) => keyOf(one) === key);
      if (known !== undefined) return known;
      if (byQuote.size >= MAX_WAITING) byQuote.delete(keyOf(oldest(quoted.session)));
      const { session, request, network, asset, payTo, amount } = quoted;
      const approval: Approval = { session, request, network, asset, payTo, amount, ...about, id: newId(), expiresAt: clock() + LASTS_MS, approved: false };
      byQuote.set(key, approval);
      return approval;
    },
    list: current,
    answer(id, yes) {
      const found = current().find((one) => one.id === id);
      if (found === undefined) return null;
      if (yes) Object.assign(found, { approved: true, expiresAt: clock() + LASTS_MS });
      else byQuote.delete(keyOf(found));
      return found;
    },
    take(quoted, asked = []) {
      current();
      const found = byQuote.get(keyOf(quoted));
      if (found === undefined || !(found.approved || asked.includes(found.id))) return null;
      byQuote.delete(keyOf(quoted));
      return found;
    },
    giveBack(approval) {
      byQuote.set(keyOf(approval), approval);
    },
  };
}

function keyOf({ session, request, network, asset, payTo, amount }: Quoted): string {
  return JSON.stringify([session, request, network, asset, payTo, amount.toString()]);
}

/**
 * Whether the client itself asks a person before it runs a call that a hook wants asked about. Only modes of which that is
 * certain: where permissions are bypassed newer clients let such a call run unasked, `auto` asks a classifier, `dontAsk`
 * nobody, and `plan` may stand in for either.
 */
export function clientAsks({ session }: Pick<Live, 'session'>, permissionMode: string | null): boolean {
  return session.attended && session.parent === null && permissionMode !== null && ASKING_MODES.has(permissionMode);
}

const ASKING_MODES: ReadonlySet<string> = new Set(['default', 'acceptEdits']);
