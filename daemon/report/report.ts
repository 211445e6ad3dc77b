import { counted } from '../core/transfer.ts';
import { ratio } from '../core/amount.ts';
import { MAIN, roleOf, type Session } from '../core/tree.ts';
import type { AgentRow, Counts, Place, Report, ReportStop } from '../contract/views.ts';
import type { Parts } from '../pipeline/parts.ts';
import { agentScope } from '../pipeline/scopes.ts';
import type { JournalSum, MoneyKind, OpenReservation, Origin } from '../ports.ts';
import { dayBounds } from './day-bounds.ts';
import { readForest, type Forest } from './forest.ts';
import { scopesOf, stopsOf, stopView } from './standing.ts';
import { countsOf, emptyTally, tallyBy, type Tally } from './tally.ts';

/** A session with everything that its agents started; a run; a project; the day; or all there is. */
export type ReportFilter = { scope: 'session'; session: Session } | { scope: 'run'; run: string } | { scope: 'project'; project: string } | { scope: 'today' } | { scope: 'all' };

interface Span {
  since: number;
  until: number;
}

/** What the book says of a session, a run, a project, today or everything. It only reads. */
export async function reportOf(parts: Parts, filter: ReportFilter, forest: Forest = readForest(parts)): Promise<Report> {
  const now = parts.clock();
  const span = filter.scope === 'today' ? dayBounds(now, parts.dayOf) : { since: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY };
  const [sums, open] = await Promise.all([sumsFor(parts, forest, filter, span), openFor(parts, forest, filter, span)]);
  const sessions = sessionsIn(forest, filter, sums, open);
  const whole = tallyBy(sums, () => '').get('') ?? emptyTally();
  return {
    scope: filter.scope,
    session: filter.scope === 'session' ? filter.session.id : null,
    run: filter.scope === 'run' ? filter.run : null,
    project: filter.scope === 'project' ? filter.project : null,
    ...timeOf(filter, span, sessions, now),
    totalCost: whole.cost.toString(),
    totalRequests: whole.requests,
    free: whole.free,
    cacheHitRate: whole.requests === 0 ? 0 : whole.hits / whole.requests,
    cacheSavings: whole.saved.toString(),
    held: whole.held.toString(),
    reserved: (open.reduce((sum, one) => sum + one.amount, 0n) - whole.held).toString(),
    kinds: kindsOf(sums),
    refused: { total: whole.refused, byCode: byCode(sums, 'refused') },
    mode: filter.scope === 'session' ? (parts.policies.of(filter.session)?.policy.mode ?? 'enforce') : parts.policies.mode(),
    shadow: { refused: whole.shadowed, byCode: byCode(sums, 'shadow'), ...unpaidOf(sums) },
    byAgent: await agentRows(parts, forest, sums, sessions, span),
    byTool: table(tallyBy(sums, (sum) => sum.tool), (tool) => ({ tool })),
    byEndpoint: table(tallyBy(sums, (sum) => sum.endpoint), (endpoint) => ({ endpoint })),
    bySession: table(tallyBy(sums, (sum) => sum.session), (session) => ({ session, cwd: forest.session(session)?.cwd ?? null, startedAt: forest.session(session)?.startedAt ?? null })),
    stops: stopsIn(forest, sessions, span),
  };
}

/** Three kinds of money, side by side: a settled payment, a bill by price table and an estimate are not one number. */
function kindsOf(sums: readonly JournalSum[]): Report['kinds'] {
  const spent = (kind: MoneyKind): string => sums.reduce((sum, one) => (one.what === 'posted' && one.kind === kind ? sum + one.amount : sum), 0n).toString();
  return { settled: spent('settled'), billed: spent('billed'), estimated: spent('estimated') };
}

async function sumsFor(parts: Parts, forest: Forest, filter: ReportFilter, span: Span): Promise<JournalSum[]> {
  const { ledger } = parts;
  switch (filter.scope) {
    case 'session':
      return (await Promise.all(forest.family(filter.session).map((one) => ledger.sums({ session: one.id })))).flat();
    case 'run':
      return ledger.sums({ run: filter.run });
    case 'project':
      return ledger.sums({ project: filter.project });
    case 'today':
      return ledger.sums(span);
    case 'all':
      return ledger.sums({ all: true });
  }
}

/** Few at any time, so they are picked here. */
async function openFor(parts: Parts, forest: Forest, filter: ReportFilter, span: Span): Promise<OpenReservation[]> {
  const sessions = filter.scope === 'session' ? forest.family(filter.session).map((one) => one.id) : await parts.ledger.openSessions();
  const open = (await Promise.all(sessions.map((session) => parts.ledger.open({ session })))).flat();
  const belongs = (origin: Origin): boolean => {
    if (filter.scope === 'run') return origin.run === filter.run;
    return filter.scope !== 'project' || origin.project === filter.project;
  };
  return open.filter((one) => belongs(one.origin) && one.at >= span.since && one.at < span.until);
}

function sessionsIn(forest: Forest, filter: ReportFilter, sums: readonly JournalSum[], open: readonly OpenReservation[]): Session[] {
  if (filter.scope === 'session') return forest.family(filter.session);
  const ids = new Set([...sums.map((sum) => sum.session), ...open.map((one) => one.origin.session)]);
  return [...ids].map(forest.session).filter((one) => one !== undefined);
}

function timeOf(filter: ReportFilter, span: Span, sessions: readonly Session[], now: number): { from: number | null; to: number } {
  if (filter.scope === 'today') return { from: span.since, to: now };
  if (sessions.length === 0) return { from: null, to: now };
  const from = sessions.reduce((first, one) => Math.min(first, one.startedAt), Number.POSITIVE_INFINITY);
  const ended = sessions.every((one) => one.endedAt !== null);
  return { from, to: ended ? sessions.reduce((last, one) => Math.max(last, one.endedAt!), 0) : now };
}

function byCode(sums: readonly JournalSum[], what: 'refused' | 'shadow'): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const sum of sums) {
    if (sum.what !== what || (what === 'shadow' && sum.code === null)) continue;
    const code = sum.code ?? 'UNKNOWN';
    counts[code] = (counts[code] ?? 0) + sum.requests;
  }
  return counts;
}

/** What sellers demanded in shadow and would have been paid. */
function unpaidOf(sums: readonly JournalSum[]): { payments: number; unpaid: string } {
  const payments = sums.filter(({ what, code }) => what === 'shadow' && code === null);
  return { payments: payments.reduce((sum, one) => sum + one.requests, 0), unpaid: payments.reduce((sum, one) => sum + one.amount, 0n).toString() };
}

/** Most expensive first; where that says nothing, the busiest. */
function table<T extends object>(tallies: ReadonlyMap<string, Tally>, labelled: (key: string) => T): (T & Counts)[] {
  return [...tallies].sort(([a, x], [b, y]) => byWeight(x, y) || (a < b ? -1 : 1)).map(([key, tally]) => ({ ...labelled(key), ...countsOf(tally) }));
}

function byWeight(a: Tally, b: Tally): number {
  if (a.cost !== b.cost) return a.cost > b.cost ? -1 : 1;
  return b.requests - a.requests || b.refused - a.refused;
}

async function agentRows(parts: Parts, forest: Forest, sums: readonly JournalSum[], sessions: readonly Session[], span: Span): Promise<AgentRow[]> {
  const placeOf = (sum: JournalSum): string => agentScope(sum.session, forest.shownId(forest.session(sum.session), sum.agent));
  const tallies = tallyBy(sums, placeOf);
  const seats = new Map(sums.map((sum) => [placeOf(sum), { session: sum.session, agent: forest.shownId(forest.session(sum.session), sum.agent) }]));
  // Who was stopped before it could spend anything belongs in the table as well, and who had everything done by others.
  for (const one of sessions) {
    for (const agent of forest.shown(one)) if (stoppedWithin(forest, one, agent.id, span).length > 0) seats.set(agentScope(one.id, agent.id), { session: one.id, agent: agent.id });
  }
  const within = new Set(sessions.map((one) => one.id));
  for (const seat of [...seats.values()]) for (const above of placesAbove(forest, seat)) if (within.has(above.session)) seats.set(agentScope(above.session, above.agent), above);
  const totals = totalsOf(forest, tallies, seats);
  const utilization = await utilizations(parts, forest, seats);
  const rows = [...seats].map(([key, seat]) => ({ key, seat, tally: tallies.get(key) ?? emptyTally() }));
  rows.sort((a, b) => byWeight(a.tally, b.tally) || (a.key < b.key ? -1 : 1));
  return rows.map(({ key, seat, tally }): AgentRow => {
    const session = forest.session(seat.session);
    const agent = session?.agents.get(seat.agent);
    const stopped = session === undefined ? undefined : stoppedWithin(forest, session, seat.agent, span).at(-1);
    return {
      agentId: forest.nameOf(session, seat.agent),
      id: seat.agent,
      session: seat.session,
      role: roleOf(agent?.name ?? seat.agent),
      type: agent?.type ?? seat.agent,
      kind: agent?.kind ?? (seat.agent === MAIN ? 'main' : 'subagent'),
      parent: session === undefined || agent === undefined ? null : forest.parentOf(session, agent),
      ...countsOf(tally),
      total: totals.get(key)!.toString(),
      budgetUtilization: utilization.get(key) ?? null,
      iterations: agent?.iterations ?? 0,
      stopped: stopped === undefined ? null : stopView(stopped),
    };
  });
}

type Seats = ReadonlyMap<string, Place>;

/** An agent's cost counts for itself and for everyone above it. */
function totalsOf(forest: Forest, tallies: ReadonlyMap<string, Tally>, seats: Seats): Map<string, bigint> {
  const totals = new Map<string, bigint>();
  for (const [key, seat] of seats) {
    const cost = tallies.get(key)?.cost ?? 0n;
    for (const at of [seat, ...placesAbove(forest, seat)]) {
      const here = agentScope(at.session, at.agent);
      totals.set(here, (totals.get(here) ?? 0n) + cost);
    }
  }
  return totals;
}

/** Up to the top of the outermost session. A ring in what was stored ends where it closes. */
function placesAbove(forest: Forest, place: Place): Place[] {
  const above: Place[] = [];
  const visited = new Set([agentScope(place.session, place.agent)]);
  for (let at = parentPlace(forest, place); at !== null && !visited.has(agentScope(at.session, at.agent)); at = parentPlace(forest, at)) {
    visited.add(agentScope(at.session, at.agent));
    above.push(at);
  }
  return above;
}

function parentPlace(forest: Forest, place: Place): Place | null {
  const session = forest.session(place.session);
  const agent = session?.agents.get(place.agent);
  return session === undefined || agent === undefined ? null : forest.parentOf(session, agent);
}

async function utilizations(parts: Parts, forest: Forest, seats: Seats): Promise<Map<string, number>> {
  const limited = [...seats].flatMap(([key, { session: id, agent }]) => {
    const session = forest.session(id);
    const own = session === undefined ? undefined : scopesOf(parts, forest, session, agent).find((scope) => scope.key === key);
    return own === undefined || own.limit === null ? [] : [{ key, limit: own.limit }];
  });
  const balances = await parts.ledger.balances(limited.map(({ key }) => key));
  return new Map(limited.map(({ key, limit }, index) => [key, ratio(counted(balances[index]!), limit)]));
}

function stopsIn(forest: Forest, sessions: readonly Session[], span: Span): ReportStop[] {
  const stops = sessions.flatMap((session) =>
    forest.shown(session).flatMap((agent) =>
      stoppedWithin(forest, session, agent.id, span).map((stopped): ReportStop => ({ agentId: forest.nameOf(session, agent.id), id: agent.id, session: session.id, ...stopView(stopped) })),
    ),
  );
  return stops.sort((a, b) => a.at - b.at);
}

function stoppedWithin(forest: Forest, session: Session, agent: string, span: Span) {
  return stopsOf(forest, session, agent).filter((stopped) => stopped.at >= span.since && stopped.at < span.until);
}
