import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { widthOf } from '../contract/printable.ts';
import { budgetText } from './budget-text.ts';
import { budgetView } from './budget.ts';
import { createGrove, type Grove } from './grove.fixture.ts';
import { bar, percent } from './page.ts';
import { reportText } from './report-text.ts';
import { reportOf } from './report.ts';
import { sessionsText, sessionsView } from './sessions.ts';

const ID = '1a2b3c4d-0000-4000-8000-000000000000';

/** An evening's work: a researcher at its limit, an executor with a nested client, a loop that was ended. */
async function evening(): Promise<Grove> {
  const grove = createGrove({ agents: { 'researcher*': { agentBudget: '$1.50' }, 'ralph-loop': { agentBudget: '$3' } } });
  const live = grove.session(ID);
  const { sessions } = grove.parts;
  grove.agent(live, 'r1', 'researcher');
  grove.agent(live, 'e1', 'oh-my:executor');
  await grove.pay(live, 'r1', 1_500_000n, { requests: 6 });
  await grove.note(live, 'r1', 'refused', { tool: 'Bash', endpoint: 'api.tavily.com/search', code: 'AGENT_BUDGET_EXCEEDED' });
  live.session.agents.get('r1')!.stopped = {
    code: 'AGENT_BUDGET_EXCEEDED',
    reason: 'researcher-1 has spent $1.50 of $1.50',
    attempts: 1,
    at: grove.now,
  };
  await grove.pay(live, 'e1', 200_000n, { tool: 'mcp__exa__search', endpoint: 'mcp__exa__search' });
  const nested = grove.nested('5e6f7a8b-1', live, 'e1');
  await grove.pay(nested, 'main', 50_000n, { ending: 'open' });
  await grove.note(nested, 'main', 'free');
  const turn = sessions.beginTurn(live, 'p1', 'ralph-loop:ralph-loop'.slice(11));
  await grove.pay(live, turn.agent, 600_000n, { requests: 4 });
  const loop = sessions.recogniseLoop(live, turn);
  loop.iterations = 4;
  grove.now += 75 * 60_000;
  loop.stopped = { code: 'LOOP_STOPPED', reason: 'it reached 4 iterations', attempts: 4, at: grove.now };
  loop.endedAt = grove.now;
  sessions.beginTurn(live, 'p2', null);
  await grove.pay(live, 'turn-p2', 1_250n, { ending: 'hold' });
  return grove;
}

describe('the budget as text', () => {
  it('shows a bar for every scope and the tree below', async () => {
    const grove = await evening();
    expect(budgetText(await budgetView(grove.parts, grove.parts.sessions.get(ID)!))).toBe(
      `
pag0 budget, session 1a2b3c4d, /work/app

  session  ████░░░░░░  $2.35125 of $5.00    47 %
                       of it $0.05 in flight and $0.00125 unconfirmed
  today    █░░░░░░░░░  $2.35125 of $20.00   12 %
                       of it $0.05 in flight and $0.00125 unconfirmed

  main                                 $2.35125               working
    researcher-1           ██████████  $1.50 of $1.50  100 %  stopped
      AGENT_BUDGET_EXCEEDED after 1 attempt: researcher-1 has spent $1.50 of
      $1.50
    executor-1                         $0.25                  working
      executor-1/claude-1              $0.05                  working
    ralph-loop             ██░░░░░░░░  $0.60 of $3.00   20 %  stopped
      4 iterations
      LOOP_STOPPED after 4 attempts: it reached 4 iterations`.trimStart(),
    );
  });

  it('is clear when nothing was spent', async () => {
    const grove = createGrove();
    const live = grove.session(ID);
    expect(budgetText(await budgetView(grove.parts, live))).toBe(
      `
pag0 budget, session 1a2b3c4d, /work/app

  session  ░░░░░░░░░░  $0.00 of $5.00     0 %
  today    ░░░░░░░░░░  $0.00 of $20.00    0 %

Nothing has been spent in this session yet.`.trimStart(),
    );
  });

  it('says in words that the kill switch is on, and what is wrong with the configuration', async () => {
    const grove = createGrove();
    const live = grove.session(ID);
    await grove.parts.directives.give({ kind: 'kill', scope: 'all', limit: null, by: 'person', at: grove.now });
    const view = await budgetView({ ...grove.parts, policies: { ...grove.parts.policies, problems: () => [{ says: 'config.json: policy.sessionBudget: no', stays: 'it stays' }] } }, live);
    const text = budgetText(view);
    expect(text).toContain('\n\nPaid calls are stopped for everything; /pag0-resume all lifts that.');
    expect(text).toContain('Configuration: config.json: policy.sessionBudget: no; it stays');
  });

  it('ends with the payments that wait for a person, those of nested sessions among them', async () => {
    const grove = createGrove();
    const live = grove.session(ID);
    grove.nested('n1', live, 'main');
    grove.session('elsewhere');
    for (const session of ['n1', 'elsewhere']) grove.parts.approvals.ask({ session, request: 'r', network: 'eip155:84532', asset: '0xa', payTo: `0x${'b'.repeat(40)}`, amount: 300_000n }, { agent: 'main', label: 'a.com/x', code: 'PAYEE_CHANGED', why: 'asks $0.30 for somebody else' });
    const view = await budgetView(grove.parts, live);
    expect(view.approvals).toMatchObject([{ id: 'ask1', session: 'n1', agentId: 'main/claude-1', amount: '300000' }]);
    expect(budgetText(view)).toMatch(/\n\nPayments asked about, which \/pag0-approve answers:\n {2}ask1: a\.com\/x asks \$0\.30 for somebody else \(\$0\.30 to\n {2}0xb+, asked by main\/claude-1, 15 minutes\n {2}left\)$/);
  });

  it('draws no bar without a limit', async () => {
    const grove = createGrove({ policy: { projectBudget: '$50' } });
    const text = budgetText(await budgetView(grove.parts, grove.session(ID, { run: 'night' })));
    expect(text).toContain('\n  run                  $0.00, no limit\n');
    expect(text).toContain('\n  project  ░░░░░░░░░░  $0.00 of $50.00    0 %\n');
  });

  it('keeps a hundred agents on a screen, dearest first, and counts the rest', async () => {
    const grove = createGrove();
    const live = grove.session(ID);
    for (let index = 1; index <= 100; index += 1) {
      grove.agent(live, `w${index}`, 'worker');
      await grove.pay(live, `w${index}`, BigInt(index) * 100n);
    }
    const lines = budgetText(await budgetView(grove.parts, live)).split('\n');
    expect(lines.length).toBeLessThan(50);
    expect(lines.at(-1)).toBe('  … and 61 agents that spent less');
    expect(lines.some((line) => line.includes('worker-100 '))).toBe(true);
    expect(lines.some((line) => line.includes('worker-61 '))).toBe(false);
  });
});

describe('the report as text', () => {
  it('shows the totals, the tables and why something was stopped', async () => {
    const grove = await evening();
    const report = await reportOf(grove.parts, { scope: 'session', session: grove.parts.sessions.get(ID)!.session });
    expect(reportText(report, 'Asia/Seoul')).toBe(
      `
pag0 report, session 1a2b3c4d
21 Nov 2026, 21:00 to 21 Nov 2026, 22:15

  total     $2.30 in 13 requests (1 free)
  besides   $0.05 in flight, $0.00125 unconfirmed
  kinds     $2.30 billed, $0.00 settled, $0.00 estimated
  refused   1: AGENT_BUDGET_EXCEEDED 1
  cache     0 % hits, $0.00 saved

by agent
  agent                 cost  in all  requests  refused  budget
  researcher-1         $1.50   $1.50         6        1   100 %
  ralph-loop           $0.60   $0.60         4             20 %
  executor-1           $0.20   $0.20         1
  main                 $0.00   $2.30         1
  executor-1/claude-1  $0.00   $0.00         1

by tool
  tool               cost  requests  refused
  Bash              $2.10        11        1
  mcp__exa__search  $0.20         1
  WebFetch          $0.00         1

by endpoint
  endpoint                 cost  requests  refused
  api.tavily.com/search   $2.10        11        1
  mcp__exa__search        $0.20         1
  docs.example.com/guide  $0.00         1

stopped
  researcher-1  AGENT_BUDGET_EXCEEDED after 1 attempt, 21 Nov 2026, 21:00
    researcher-1 has spent $1.50 of $1.50
  ralph-loop  LOOP_STOPPED after 4 attempts, 21 Nov 2026, 22:15
    it reached 4 iterations`.trimStart(),
    );
  });

  it('is clear when there was nothing to count', async () => {
    const grove = createGrove();
    const report = await reportOf(grove.parts, { scope: 'today' });
    expect(reportText(report, 'UTC')).toBe('pag0 report, today\n21 Nov 2026, 00:00 to 21 Nov 2026, 12:00\n\nNo calls were made that pag0 could see.');
  });

  it('adds agents of one name up over many sessions, and shows the sessions', async () => {
    const grove = createGrove();
    for (const id of ['aaaaaaaa-1', 'bbbbbbbb-1']) {
      const live = grove.session(id, { cwd: `/work/${id}` });
      grove.agent(live, 'r1', 'researcher');
      await grove.pay(live, 'r1', 100_000n);
    }
    const text = reportText(await reportOf(grove.parts, { scope: 'all' }), 'UTC');
    expect(text).toContain('\n  researcher-1  $0.20         2\n');
    expect(text).toContain('\n  aaaaaaaa  /work/aaaaaaaa-1  $0.10         1\n');
  });
});

describe('the list of sessions', () => {
  it('shows the latest first, with what each has spent', async () => {
    const grove = createGrove();
    await grove.pay(grove.session('aaaaaaaa-1'), 'main', 250_000n);
    grove.now += 60_000;
    grove.session('bbbbbbbb-1', { cwd: `/a/very/long/way/${'down/'.repeat(12)}app` }).session.endedAt = grove.now;
    expect(sessionsText(await sessionsView(grove.parts, 20), 'UTC')).toBe(
      `
  session   started             state   agents           spent  folder
  bbbbbbbb  21 Nov 2026, 12:01  ended        1  $0.00 of $5.00  …n/down/down/app
  aaaaaaaa  21 Nov 2026, 12:00  open         1  $0.25 of $5.00  /work/app`.slice(1),
    );
  });
});

describe('other people’s text', () => {
  const hostile = fc.string({ unit: 'binary', minLength: 1, maxLength: 120 });

  it('never gets a control character or a line longer than the screen onto it', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, hostile, hostile, fc.bigInt({ min: 0n, max: 10n ** 15n }), async (name, endpoint, reason, amount) => {
        const grove = createGrove({ policy: { sessionBudget: '$1000000000', dailyBudget: '$1000000000' } });
        const live = grove.session(name, { cwd: `/work/${endpoint}`, run: reason, project: `/x${name}` });
        grove.agent(live, 'a1', 'x');
        const agent = live.session.agents.get('a1')!;
        agent.name = name;
        agent.stopped = { code: 'LOOP_STOPPED', reason, attempts: 1, at: grove.now };
        await grove.pay(live, 'a1', amount, { endpoint, tool: name });
        await grove.note(live, 'a1', 'refused', { endpoint, tool: name, code: 'KILL_SWITCH' });
        const { session } = live;
        const reports = await Promise.all([{ scope: 'session', session } as const, { scope: 'run', run: session.run } as const, { scope: 'project', project: session.project } as const].map((filter) => reportOf(grove.parts, filter)));
        const pages = [budgetText(await budgetView(grove.parts, live)), ...reports.map((report) => reportText(report, 'UTC')), sessionsText(await sessionsView(grove.parts, 5), 'UTC')];
        for (const line of pages.join('\n').split('\n')) {
          expect(line).not.toMatch(/\p{C}/u);
          expect(widthOf(line)).toBeLessThanOrEqual(80);
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('a bar', () => {
  it('is full, and says 100 %, only when nothing is left', () => {
    expect([0, 0.04, 0.1, 0.7, 0.96, 0.999_999, 1, 1.2].map(bar)).toEqual(['░░░░░░░░░░', '░░░░░░░░░░', '█░░░░░░░░░', '███████░░░', '█████████░', '█████████░', '██████████', '██████████']);
    expect([0, 0.175, 0.7, 0.999_999, 1, 1.2].map(percent)).toEqual(['0 %', '18 %', '70 %', '99 %', '100 %', '120 %']);
  });
});
