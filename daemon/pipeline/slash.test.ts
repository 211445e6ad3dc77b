import { describe, expect, it } from 'vitest';
import { Pag0Error } from '../core/errors.ts';
import { createGrove } from '../report/grove.fixture.ts';
import { createOrders, forPerson } from './orders.ts';
import { answerSlash, carryOut } from './slash.ts';

function setUp() {
  const grove = createGrove({ agents: { 'researcher*': { agentBudget: '$1.50' } } });
  const live = grove.session('s1');
  grove.agent(live, 'r1', 'researcher');
  const orders = createOrders(grove.parts);
  const say = (command: string, args = '', person = true) => answerSlash(grove.parts, live, command, args, forPerson(orders, () => Promise.resolve(person)));
  return { grove, live, orders, say };
}

describe('slash commands', () => {
  it('are ours by their short and their full name, and nobody else’s', async () => {
    const { say } = setUp();
    expect(await say('pag0-budget')).toContain('pag0 budget, session s1');
    expect(await say('pag0:pag0-report')).toContain('pag0 report, session s1');
    for (const foreign of ['budget', 'pag0', 'other:pag0-budget', 'ralph-loop:ralph-loop', 'pag0:budget']) expect(await say(foreign)).toBeNull();
  });

  it('report each scope, by word and by flag', async () => {
    const { say, grove } = setUp();
    grove.session('s2-elsewhere', { run: 'night' });
    for (const [args, head] of [['--session', 'session s1'], ['--session s2-elsewhere', 'session s2-elsew'], ['session s2-else', 'session s2-elsew'], ['run night', 'run night'], ['--run night', 'run night'], ['--run', 'run s1'], ['--project', 'project /work/app/.git'], ['--today', 'today'], ['--all', 'everything'], ['day', 'today'], ['', 'session s1'], ['session', 'session s1'], ['run', 'run s1'], ['project', 'project /work/app/.git'], ['today', 'today'], ['all', 'everything']]) {
      expect(await say('pag0-report', args)).toContain(`pag0 report, ${head}`);
    }
  });

  it('raise and lower what is named, the session when nothing is', async () => {
    const { say, grove } = setUp();
    expect(await say('pag0-budget', 'raise $10')).toContain('$10.00');
    expect(grove.parts.directives.limit('session:s1')).toBe(10_000_000n);
    await say('pag0-budget', 'raise   agent researcher-1  "$2"');
    expect(grove.parts.directives.limit('agent:s1/r1')).toBe(2_000_000n);
    await say('pag0-budget', 'lower researcher-1 $1.25');
    expect(grove.parts.directives.limit('agent:s1/r1')).toBe(1_250_000n);
    await say('pag0-budget', 'lower today 4000000');
    expect(grove.parts.directives.limit('day:2026-11-21')).toBe(4_000_000n);
    await say('pag0-budget', 'lower run $3');
    expect(grove.parts.directives.limit('run:s1')).toBe(3_000_000n);
  });

  it('reach an agent of a nested session by the name that the tree shows', async () => {
    const { say, grove, live } = setUp();
    const nested = grove.nested('n1', live, 'r1');
    grove.agent(nested, 'x1', 'executor');
    await say('pag0-budget', 'lower agent researcher-1/claude-1/executor-1 $0.50');
    expect(grove.parts.directives.limit('agent:n1/x1')).toBe(500_000n);
    await say('pag0-kill', 'agent researcher-1/claude-1');
    expect(grove.parts.directives.killed(['agent:n1/main'])).toBe(true);
    expect(grove.parts.directives.killed(['agent:s1/main'])).toBe(false);
  });

  it('stop and resume a session, a run, a project, an agent and everything', async () => {
    const { say, grove } = setUp();
    const { directives } = grove.parts;
    grove.session('s2-elsewhere', { run: 'night', project: '/other/.git' });
    for (const [args, scope] of [['', 'session:s1'], ['session', 'session:s1'], ['session s2-elsewhere', 'session:s2-elsewhere'], ['--session s2-elsewhere', 'session:s2-elsewhere'], ['run', 'run:s1'], ['run night', 'run:night'], ['project', 'project:/work/app/.git'], ['researcher-1', 'agent:s1/r1'], ['agent researcher-1', 'agent:s1/r1'], ['all', 'anything']] as const) {
      await say('pag0-kill', args);
      expect(directives.killed([scope])).toBe(true);
      await say('pag0-resume', args);
      expect(directives.killed([scope])).toBe(false);
    }
  });

  it('raise nothing unless a person typed it, but lower and stop', async () => {
    const { say, grove } = setUp();
    expect(await say('pag0-budget', 'raise $10', false)).toMatch(/^pag0 PERSON_REQUIRED: /);
    expect(await say('pag0-resume', '', false)).toMatch(/^pag0 PERSON_REQUIRED: /);
    expect(grove.parts.directives.limit('session:s1')).toBeUndefined();
    await say('pag0-budget', 'lower $1', false);
    await say('pag0-kill', '', false);
    expect(grove.parts.directives.limit('session:s1')).toBe(1_000_000n);
    expect(grove.parts.directives.killed(['session:s1'])).toBe(true);
  });

  const mistakes: [command: string, args: string, says: RegExp][] = [
    ['pag0-budget', 'increase $5', /write \/pag0-budget, .* or \/pag0-budget raise\|lower/],
    ['pag0-budget', '--sesion x', /unknown option '--sesion'/],
    ['pag0-budget', '--session', /option '--session' needs a value/],
    ['pag0-budget', '--session nope', /NOT_FOUND: pag0 does not know the session "nope"/],
    ['pag0-budget', 'raise', /raise needs an amount/],
    ['pag0-budget', 'raise session', /raise needs an amount; did you mean `raise session '\$10'`\?/],
    ['pag0-budget', 'raise all $5', /"all" names nobody; write session, run, project, today or agent NAME/],
    ['pag0-budget', 'raise agent $5', /"agent" names nobody/],
    ['pag0-budget', 'raise 8', /did you mean '\$8'\?/],
    ['pag0-budget', 'raise two words $5', /"two words" names nobody/],
    ['pag0-budget', 'raise $5.0000001', /more than six decimals/],
    ['pag0-budget', 'raise -$5', /is not an amount/],
    ['pag0-budget', 'raise $1e9', /is not an amount/],
    ['pag0-budget', 'raise 10', /did you mean '\$10'\?/],
    ['pag0-budget', 'raise $5', /the limit is \$5\.00 already, so \$5\.00 does not raise it/],
    ['pag0-budget', 'raise run $5', /no limit that could be raised/],
    ['pag0-budget', 'lower $50', /the limit is \$5\.00, so \$50\.00 does not lower it/],
    ['pag0-budget', 'raise agent nobody $5', /NOT_FOUND: .*nobody/],
    ['pag0-report', 'week', /write session \[ID\], run \[ID\], project, today or all/],
    ['pag0-report', 'today please', /write session \[ID\]/],
    ['pag0-report', '--today --all', /choose one of --today and --all/],
    ['pag0-report', 'today --all', /choose one of --all and today/],
    ['pag0-report', 'run nope', /NOT_FOUND: pag0 does not know the run "nope"; `pag0 sessions` lists/],
    ['pag0-report', '--run nope', /NOT_FOUND: pag0 does not know the run "nope"; `pag0 sessions` lists/],
    ['pag0-report', 'session nope', /NOT_FOUND: pag0 does not know the session "nope"; `pag0 sessions` lists/],
    ['pag0-kill', 'today', /"today" names nobody; write session \[ID\], run \[ID\], project, agent NAME or all/],
    ['pag0-kill', 'run nope', /NOT_FOUND: pag0 does not know the run "nope"/],
    ['pag0-kill', 'session nope', /NOT_FOUND: pag0 does not know the session "nope"/],
    ['pag0-kill', 'nobody', /NOT_FOUND: .*nobody/],
  ];
  it.each(mistakes)('/%s %s is answered with what is allowed', async (command, args, says) => {
    const { say, grove } = setUp();
    const before = grove.parts.directives.version();
    const answer = await say(command, args);
    expect(answer).toMatch(/^pag0 [A-Z_]+: /);
    expect(answer).toMatch(says);
    expect(answer).not.toContain('\n');
    expect(grove.parts.directives.version()).toBe(before);
  });

  it('say of a kill what goes on, and which words lift it', async () => {
    const { say, grove } = setUp();
    grove.session('s2-elsewhere', { run: 'night' });
    grove.session('s3-elsewhere', { run: 'night', project: '/other/.git' });
    expect(await say('pag0-kill')).toBe(
      'Paid calls are stopped for session s1 and all that it started. Free work goes on, and so do 1 other session of its project and later ones, which `kill project` stops. `pag0 resume session s1` in a terminal or /pag0-resume session s1 in a session lifts that.',
    );
    expect(await say('pag0-kill', 'run night')).toMatch(/^Paid calls are stopped for run night\. That is 2 sessions at work and every later one of this run; free work and other runs go on\. .*\/pag0-resume run night/);
    expect(await say('pag0-kill', 'project')).toMatch(/for project \/work\/app\/\.git\. That is 2 sessions at work and every later one in it; free work and other projects go on\. .*\/pag0-resume project/);
    expect(await say('pag0-kill', 'all')).toMatch(/for everything\. That is 3 sessions at work and every later one; free work goes on\. .*`pag0 resume all`.*\/pag0-resume all/);
    expect(await say('pag0-kill', 'researcher-1')).toMatch(/for researcher-1 and all that it started\. Free work and the rest of the session go on\. .*\/pag0-resume agent researcher-1/);
  });

  it('say when what was killed has ended already, and what runs on beside it', async () => {
    const { say, grove, live } = setUp();
    live.session.endedAt = grove.now;
    expect(await say('pag0-kill')).toMatch(/It has ended, so nothing of it runs any more: 0 sessions at work in its project and those that start later go on, and `kill project` stops them\./);
  });

  it('say of a resume what is still stopped, the broadest first', async () => {
    const { say } = setUp();
    for (const args of ['', 'project', 'all']) await say('pag0-kill', args);
    expect(await say('pag0-resume', 'agent researcher-1')).toMatch(/They are still stopped for everything\. `pag0 resume all`/);
    // "all" lifts everything that was ever stopped.
    expect(await say('pag0-resume', 'all')).toBe('Paid calls may go on for everything, within its limits.');
    await say('pag0-kill', 'project');
    expect(await say('pag0-resume')).toMatch(/They are still stopped for this project\. `pag0 resume project`/);
  });

  it('say it when the ledger cannot be read, so that the model is not asked instead', async () => {
    const { grove, live, orders } = setUp();
    const broken = { ...grove.parts, ledger: { ...grove.parts.ledger, balances: () => Promise.reject(new Pag0Error('LEDGER_UNAVAILABLE', 'the disk is full')) } };
    expect(await answerSlash(broken, live, 'pag0-budget', '', orders)).toBe('pag0 LEDGER_UNAVAILABLE: the disk is full');
  });
});

describe('orders from a terminal', () => {
  it('need no session to stop everything, and one for the rest', async () => {
    const { grove, orders } = setUp();
    expect(await carryOut(grove.parts, null, { verb: 'kill', target: { kind: 'all' } }, orders)).toMatchObject({ ok: true });
    expect(await carryOut(grove.parts, null, { verb: 'raise', target: { kind: 'session' }, amount: 9_000_000n }, orders)).toMatchObject({ ok: false, code: 'NOT_FOUND' });
  });
});
