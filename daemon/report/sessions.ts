import { ZERO } from '../core/transfer.ts';
import { MAIN, type Session } from '../core/tree.ts';
import { printable, widthOf } from '../contract/printable.ts';
import type { SessionRow, SessionsView } from '../contract/views.ts';
import type { Parts } from '../pipeline/parts.ts';
import { sessionScope } from '../pipeline/scopes.ts';
import { readForest } from './forest.ts';
import { cell, cellRight, dollars, folder, moment, shortId, WIDTH } from './page.ts';
import { scopesOf, spending } from './standing.ts';

/** The sessions that spoke last, with what each and everything below it has spent. */
export async function sessionsView(parts: Parts, limit: number): Promise<SessionsView> {
  const forest = readForest(parts);
  const sessions = forest.newest.slice(0, limit).map(forest.session).filter((one) => one !== undefined);
  const balances = await parts.ledger.balances(sessions.map((one) => sessionScope(one.id)));
  const limitOf = (one: Session): bigint | null => scopesOf(parts, forest, one, MAIN).find((scope) => scope.key === sessionScope(one.id))?.limit ?? null;
  return {
    sessions: sessions.map((one, index): SessionRow => ({
      id: one.id,
      cwd: one.cwd,
      project: one.project,
      run: one.run,
      parent: one.parent === null ? null : { session: one.parent.session, agent: forest.shownId(forest.session(one.parent.session), one.parent.agent) },
      attended: one.attended,
      startedAt: one.startedAt,
      endedAt: one.endedAt,
      agents: forest.shown(one).length,
      ...spending(balances[index] ?? ZERO, limitOf(one)),
    })),
  };
}

export function sessionsText(view: SessionsView, timeZone: string): string {
  if (view.sessions.length === 0) return 'pag0 has seen no session yet.';
  const money = view.sessions.map((one) => `${dollars((BigInt(one.spent) + BigInt(one.reserved) + BigInt(one.held)).toString())}${one.limit === null ? '' : ` of ${dollars(one.limit)}`}`);
  const moneyWidth = Math.max(5, ...money.map((text) => text.length));
  const line = (id: string, started: string, state: string, agents: string, spent: string, where: string): string => {
    const facts = `  ${cell(id, 8)}  ${cell(started, 18)}  ${cell(state, 6)}  ${cellRight(agents, 6)}  ${cellRight(spent, moneyWidth)}  `;
    return printable(`${facts}${folder(where, Math.max(1, WIDTH - widthOf(facts)))}`, WIDTH);
  };
  return [
    line('session', 'started', 'state', 'agents', 'spent', 'folder'),
    ...view.sessions.map((one, index) => line(shortId(one.id), moment(one.startedAt, timeZone), one.endedAt === null ? 'open' : 'ended', String(one.agents), money[index]!, one.cwd)),
  ].join('\n');
}
