import { isMoneyLimit, SCOPE_CODE, spentOf } from '../core/errors.ts';
import type { Micros } from '../core/amount.ts';
import { enforces } from '../core/mode.ts';
import { counted, type Scope } from '../core/transfer.ts';
import { MAIN } from '../core/tree.ts';
import { killedBy } from './kill-switch.ts';
import type { Parts } from './parts.ts';
import { currentStanding } from './scopes.ts';
import type { Live } from './sessions.ts';

/** One prompt of a session that nobody sits at, and what came of it. */
export interface Round {
  digest: string | null;
  at: number;
  /** µ$: the cheapest paid call that it asked for; null: none, or none with a price. */
  cheapest: Micros | null;
  /** It asked for paid calls. */
  asked: boolean;
  /** One of them was refused for want of money, or by the kill switch. */
  refused: boolean;
}

/** Rounds of a session that are remembered; a wrapper may resume one session all night. */
const MAX_ROUNDS = 16;
/** So many rounds in a row that were refused are no chance. */
const IN_VAIN = 2;

/**
 * A loop outside the client (`while true; do claude -p …`) begins a session, or resumes one, for every round; it is seen
 * by no Stop. With the money gone each of its rounds would pay a model call to be refused. So before the model is asked
 * it is ended here, where nobody sits at it and the limit is one that the next round meets as well.
 *
 * A person's own `claude -p` that asks for nothing paid is no such round, and free work goes on without money. What
 * tells a round is that the same prompt has asked for paid calls before, or that the last ones here were all refused.
 */
export async function endedOutside(parts: Parts, live: Live, digest: string | null): Promise<string | null> {
  if (live.session.attended) return null;
  const earlier = roundsBeside(parts, live);
  const round: Round = { digest, at: parts.clock(), cheapest: null, asked: false, refused: false };
  live.prompts.push(round);
  if (live.prompts.length > MAX_ROUNDS) live.prompts.shift();
  const same = digest === null ? [] : earlier.filter((one) => one.asked && one.digest === digest);
  const last = earlier.slice(-IN_VAIN);
  const known = same.length > 0 ? same : last.length === IN_VAIN && last.every(({ refused }) => refused) ? last : [];
  const why = known.length === 0 ? null : await limitMet(parts, live, known);
  if (why === null) return null;
  // Asked and refused, as the round before it: the next one is known by this one, too.
  Object.assign(round, { asked: true, refused: true, cheapest: cheapestOf(known) });
  return why;
}

/** What a priced call of this session says of the round in progress. */
export function noteAsked(live: Live, singles: readonly Micros[]): void {
  const round = live.prompts.at(-1);
  if (round === undefined) return;
  round.asked = true;
  for (const amount of singles) if (amount > 0n && (round.cheapest === null || amount < round.cheapest)) round.cheapest = amount;
}

export function noteRefused(live: Live, code: string): void {
  const round = live.prompts.at(-1);
  if (round !== undefined && (isMoneyLimit(code) || code === 'KILL_SWITCH')) round.refused = true;
}

/** Of all sessions of the project that nobody sits at, oldest first. */
function roundsBeside(parts: Parts, { session }: Live): Round[] {
  const beside = parts.sessions.all().filter((one) => !one.session.attended && one.session.project === session.project);
  return beside.flatMap(({ prompts }) => prompts).sort((a, b) => a.at - b.at);
}

async function limitMet(parts: Parts, live: Live, known: readonly Round[]): Promise<string | null> {
  const inForce = parts.policies.of(live.session);
  const main = live.session.agents.get(MAIN);
  if (inForce === null || main === undefined || !enforces(inForce.policy.mode)) return null;
  const { scopes } = currentStanding(parts, live, main, inForce, parts.clock());
  const killed = killedBy(parts.directives, scopes);
  const rest = 'the same round before this one asked for paid calls, so the prompt was not sent to the model';
  if (killed !== null) return `pag0 KILL_SWITCH: paid calls are stopped for ${killed.label} by pag0's kill switch and ${rest}; end this loop, or let a person lift it in a terminal with \`pag0 resume ${killed.lift}\`.`;
  const spent = await spentOut(parts, scopes, cheapestOf(known));
  if (spent === null) return null;
  const { scope, text } = spent;
  return `pag0 ${SCOPE_CODE[scope.kind]}: money limit set by the user in pag0: ${scope.label} has spent ${text} and ${rest}; end this loop, or let a person raise the limit in a terminal with \`pag0 budget raise ${scope.kind} AMOUNT\`.`;
}

/** The broadest account of the session and above that cannot pay for the cheapest call of such a round. */
async function spentOut(parts: Parts, scopes: readonly Scope[], cheapest: Micros | null): Promise<{ scope: Scope; text: string } | null> {
  const limited = scopes.filter(({ kind, limit }) => kind !== 'agent' && limit !== null);
  const balances = await parts.ledger.balances(limited.map(({ key }) => key));
  const index = limited.findLastIndex(({ limit }, at) => limit! - counted(balances[at]!) < (cheapest ?? 1n));
  if (index < 0) return null;
  const scope = limited[index]!;
  return { scope, text: spentOf(counted(balances[index]!), scope.limit!) };
}

function cheapestOf(rounds: readonly Round[]): Micros | null {
  return rounds.reduce<Micros | null>((least, { cheapest }) => (cheapest !== null && (least === null || cheapest < least) ? cheapest : least), null);
}
