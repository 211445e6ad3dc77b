import type { Micros } from './amount.ts';
import type { LoopRules } from './policy.ts';

/**
 * A loop is recognised without knowing any plugin's name: the main thread works again after a Stop that no person's
 * prompt answered. Only another plugin's Stop hook does that.
 */
export interface Turn {
  /** The agent (kind `turn` or `loop`) that carries this turn's money. */
  agent: string;
  /** Ids of the prompts it answers: the person's, and the client's own when background work reports back into it. */
  prompts: Set<string>;
  /** The slash command that began it, without its plugin's prefix; null for an ordinary prompt. */
  command: string | null;
  /** The loop that was ended before, whose hook drives this prompt on; it gets no account of its own for that. */
  continues: string | null;
  /** A slash command's expansion has begun it, and the client, which names no prompts, has not submitted it yet. */
  expanded: boolean;
  /** A Stop was seen and nothing has happened since. */
  resting: boolean;
  /** Rounds completed, that is Stops seen. */
  iterations: number;
  /** What each round did, newest last; equal marks mean equal calls with equal answers. */
  marks: number[];
  /** The sum of the digests of the round in progress: parallel calls may finish in any order. */
  mark: number;
  /** Calls of the round in progress. */
  calls: number;
  /** Cheapest single call this turn paid for; the next round cannot cost less than its cheapest step. */
  cheapest: Micros | null;
  /** Amounts and times of the last minute, for the velocity breaker. */
  recent: { at: number; amount: Micros }[];
  /** Their sum. */
  rate: Micros;
  /** The velocity breaker is open until the rate falls below `resumeBelow`. */
  tooFast: boolean;
}

export function beginTurn(agent: string, command: string | null): Turn {
  return { agent, command, prompts: new Set(), continues: null, expanded: false, resting: false, iterations: 0, marks: [], mark: 0, calls: 0, cheapest: null, recent: [], rate: 0n, tooFast: false };
}

/** Nothing has come of it yet: what names it may still come. */
export function isUntouched(turn: Turn): boolean {
  return !turn.resting && turn.iterations === 0 && turn.calls === 0 && turn.cheapest === null;
}

const MINUTE = 60_000;
/** Marks beyond any sensible repeat limit need not be remembered. */
const MAX_MARKS = 1_000;

/** Records money that a call of this turn reserved; opens or closes the velocity breaker. */
export function spend(turn: Turn, amount: Micros, at: number, rules: LoopRules): void {
  if (amount <= 0n) return;
  if (turn.cheapest === null || amount < turn.cheapest) turn.cheapest = amount;
  // Only the breaker forgets what is older than its window; without one nothing may be remembered.
  if (rules.dollarsPerMinute === null) return;
  turn.recent.push({ at, amount });
  turn.rate += amount;
  updateBreaker(turn, at, rules);
}

/** µ$ within the last sixty seconds. */
export function perMinute(turn: Turn, at: number): Micros {
  const gone = turn.recent.findIndex((entry) => entry.at > at - MINUTE);
  for (const entry of turn.recent.splice(0, gone < 0 ? turn.recent.length : gone)) turn.rate -= entry.amount;
  return turn.rate;
}

/** Something the round did, as the digest of a call and its answer. */
export function work(turn: Turn, digest: number): void {
  turn.mark = (turn.mark + digest) % 2 ** 52;
  turn.calls += 1;
}

/**
 * Hysteresis: one limit to trip, a lower one to be free again, so that a loop at the edge is not stopped and started
 * with every call. Answers whether the breaker is open now.
 */
export function updateBreaker(turn: Turn, at: number, rules: LoopRules): boolean {
  if (rules.dollarsPerMinute === null) return false;
  const rate = perMinute(turn, at);
  if (rate > rules.dollarsPerMinute) turn.tooFast = true;
  else if (turn.tooFast && rate < (rules.resumeBelow ?? rules.dollarsPerMinute / 2n)) turn.tooFast = false;
  return turn.tooFast;
}

/** A Stop: one round is complete. A round without calls is known by what the agent said instead. */
export function completeRound(turn: Turn, messageDigest: number): void {
  turn.iterations += 1;
  turn.resting = true;
  turn.marks.push(turn.calls > 0 ? turn.mark : messageDigest);
  if (turn.marks.length > MAX_MARKS) turn.marks.shift();
  turn.mark = 0;
  turn.calls = 0;
}

/** How many of the newest rounds in a row were the same. */
export function repeats(turn: Turn): number {
  const last = turn.marks.at(-1);
  let count = 0;
  for (let index = turn.marks.length - 1; index >= 0 && turn.marks[index] === last; index -= 1) count += 1;
  return count;
}

/** What decides at a Stop, all of it already looked up. */
export interface StopFacts {
  turn: Turn;
  rules: LoopRules;
  /** Was it seen to be driven? An ordinary turn, and the first round of any, is left alone unless `rules.interactive`. */
  looping: boolean;
  at: number;
  /** A person's kill switch is on. */
  killed: boolean;
  /** 0 to 1 of the session's budget; and the share at which loops end. */
  sessionShare: number;
  killSwitchAt: number | null;
  /** The tightest room left among the loop's scopes, with the words for it; null where nothing is limited. */
  tightest: { left: Micros; label: string; code: string; spentOf: string } | null;
}

export interface LoopEnd {
  code: string;
  reason: string;
}

/** Why the loop must not begin another round, or null when it may. */
export function loopEnd(facts: StopFacts): LoopEnd | null {
  const { turn, rules, looping, tightest, killSwitchAt } = facts;
  if (!looping && !rules.interactive) return null;
  if (facts.killed) return { code: 'KILL_SWITCH', reason: 'the kill switch is on' };
  if (killSwitchAt !== null && facts.sessionShare >= killSwitchAt) {
    return { code: 'KILL_SWITCH', reason: `the session has used ${percent(facts.sessionShare)} of its budget, and loops end at ${percent(killSwitchAt)}` };
  }
  if (tightest !== null && turn.cheapest !== null && tightest.left < turn.cheapest) {
    return { code: tightest.code, reason: `${tightest.label} has spent ${tightest.spentOf}, too little is left for another round` };
  }
  if (rules.maxIterations !== null && turn.iterations >= rules.maxIterations) {
    return { code: 'LOOP_STOPPED', reason: `it reached ${rules.maxIterations} iterations` };
  }
  if (rules.repeatLimit !== null && repeats(turn) >= rules.repeatLimit) {
    return { code: 'LOOP_STOPPED', reason: `the last ${repeats(turn)} iterations made the same calls and learnt nothing new` };
  }
  if (turn.tooFast) return { code: 'LOOP_STOPPED', reason: 'it spends money too fast' };
  return null;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
