import { DatabaseSync } from '@photostructure/sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAIN } from '../core/tree.ts';
import type { AgentView, Counts } from '../contract/views.ts';
import type { Database } from '../ledger/database.ts';
import { memoryLedger } from '../ledger/memory.ts';
import { memoryRoster } from '../ledger/roster.ts';
import { sqliteBook } from '../ledger/sqlite.ts';
import type { Live } from '../pipeline/sessions.ts';
import { budgetView } from './budget.ts';
import { createGrove, type Grove } from './grove.fixture.ts';
import { reportOf, type ReportFilter } from './report.ts';

/** One thing that happens in a tree; numbers pick among what is there by then. */
const step = fc.record({
  what: fc.constantFrom('pay', 'pay', 'pay', 'hold', 'open', 'void', 'free', 'hit', 'refused', 'shadow', 'agent', 'turn', 'loop', 'nested', 'session'),
  session: fc.nat(9),
  agent: fc.nat(9),
  amount: fc.bigInt({ min: 0n, max: 400_000n }),
  tool: fc.constantFrom('Bash', 'WebFetch', 'mcp__exa__search'),
  endpoint: fc.constantFrom('api.tavily.com/search', 'api.exa.ai/search', 'mcp__exa__search'),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

type Book = NonNullable<Parameters<typeof createGrove>[1]>;

async function grow(steps: readonly Step[], book: Book): Promise<{ grove: Grove; root: Live }> {
  const config = { policy: { sessionBudget: '$1000', dailyBudget: '$1000' }, agents: { 'worker*': { agentBudget: '$500' } } };
  const grove = createGrove(config, book);
  const sessions = [grove.session('root')];
  for (const [index, { what, session, agent, amount, tool, endpoint }] of steps.entries()) {
    grove.now += 1_000;
    const live = sessions[session % sessions.length]!;
    const agents = [...live.session.agents.keys()];
    const who = agents[agent % agents.length]!;
    if (what === 'agent') grove.agent(live, `a${index}`, 'worker', who);
    else if (what === 'turn') grove.parts.sessions.beginTurn(live, `p${index}`, 'ralph-loop');
    else if (what === 'loop') {
      if (live.turn !== null) grove.parts.sessions.recogniseLoop(live, live.turn);
    } else if (what === 'nested') sessions.push(grove.nested(`nested-${index}`, live, who));
    else if (what === 'session') sessions.push(grove.session(`other-${index}`));
    else if (what === 'hit') await grove.note(live, who, what, { tool, endpoint, saved: amount });
    else if (what === 'free' || what === 'refused' || what === 'shadow') await grove.note(live, who, what, { tool, endpoint, code: 'SESSION_BUDGET_EXCEEDED' });
    else await grove.pay(live, who, amount, { tool, endpoint, ending: what === 'pay' ? 'post' : what });
  }
  return { grove, root: sessions[0]! };
}

function filters(root: Live): ReportFilter[] {
  const { session } = root;
  return [{ scope: 'session', session }, { scope: 'run', run: session.run }, { scope: 'project', project: session.project }, { scope: 'today' }, { scope: 'all' }];
}

const sum = (rows: readonly Counts[], of: 'cost' | 'held' | 'saved'): string => rows.reduce((total, row) => total + BigInt(row[of]), 0n).toString();
const countOf = (rows: readonly Counts[], of: 'requests' | 'free' | 'hits' | 'refused' | 'shadowed'): number => rows.reduce((total, row) => total + row[of], 0);

const BOOKS: [name: string, newBook: () => Book][] = [
  ['memory', () => ({ ledger: memoryLedger(), roster: memoryRoster() })],
  ['SQLite', () => sqliteBook(new DatabaseSync(':memory:') as unknown as Database)],
];

describe.each(BOOKS)('laws of the report, over %s', (_, newBook) => {
  it('adds up: by agent, by tool, by endpoint and by session each make the total, whatever happened', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { grove, root } = await grow(steps, newBook());
        for (const filter of filters(root)) {
          const report = await reportOf(grove.parts, filter);
          for (const rows of [report.byAgent, report.byTool, report.byEndpoint, report.bySession]) {
            expect(sum(rows, 'cost')).toBe(report.totalCost);
            expect(sum(rows, 'held')).toBe(report.held);
            expect(countOf(rows, 'requests')).toBe(report.totalRequests);
            expect(sum(rows, 'saved')).toBe(report.cacheSavings);
            expect(countOf(rows, 'hits')).toBe(Math.round(report.cacheHitRate * report.totalRequests));
            expect(countOf(rows, 'free')).toBe(report.free);
            expect(countOf(rows, 'refused')).toBe(report.refused.total);
            expect(countOf(rows, 'shadowed')).toBe(report.shadow.refused);
          }
          expect(Object.values(report.refused.byCode).reduce((a, b) => a + b, 0)).toBe(report.refused.total);
          expect(Object.values(report.shadow.byCode).reduce((a, b) => a + b, 0)).toBe(report.shadow.refused);
          expect(new Set(report.byAgent.map((row) => `${row.session}/${row.id}`)).size).toBe(report.byAgent.length);
          expect(report.byAgent.some((row) => row.id.startsWith('turn-') && row.kind !== 'loop')).toBe(false);
          expect(JSON.parse(JSON.stringify(report))).toEqual(report);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('agrees with the balances: a session is what was charged to it, and so is every agent with all below it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { grove, root } = await grow(steps, newBook());
        const report = await reportOf(grove.parts, { scope: 'session', session: root.session });
        const view = await budgetView(grove.parts, root);
        const [session] = view.scopes.filter((scope) => scope.scope === 'session');
        expect({ spent: report.totalCost, reserved: report.reserved, held: report.held }).toEqual({ spent: session!.spent, reserved: session!.reserved, held: session!.held });
        const rows = new Map(report.byAgent.map((row) => [`${row.session}/${row.id}`, row]));
        for (const agent of everyone(view.tree)) {
          const row = rows.get(`${agent.session}/${agent.id}`);
          expect({ own: row?.cost ?? '0', total: row?.total ?? '0' }).toEqual({ own: agent.own, total: agent.spent });
          if (row !== undefined) expect(row.agentId).toBe(agent.agentId);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('names every agent of a tree differently', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { grove, root } = await grow(steps, newBook());
        const names = everyone((await budgetView(grove.parts, root)).tree).map((agent) => agent.agentId);
        expect(new Set(names).size).toBe(names.length);
        expect(names[0]).toBe(MAIN);
      }),
      { numRuns: 60 },
    );
  });
});

function everyone(agent: AgentView): AgentView[] {
  return [agent, ...agent.children.flatMap(everyone)];
}
