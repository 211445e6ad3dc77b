import { describe, expect, it } from 'vitest';
import { counted } from '../core/transfer.ts';
import { memoryLedger } from '../ledger/memory.ts';
import { createWorld, refusalOf } from './world.fixture.ts';

const TAVILY = { prices: [{ endpoint: 'api.tavily.com/search', price: '$0.02' }, { tool: 'mcp__exa__*', price: '$0.005' }, { tool: 'WebSearch', price: '$0.01' }] };
const bash = (command: string, id: string, more: object = {}) => ({ hook_event_name: 'PreToolUse', tool_name: 'Bash', tool_use_id: id, tool_input: { command }, ...more });
const spentBy = async (world: ReturnType<typeof createWorld>, scope: string) => counted((await world.parts.ledger.balances([scope]))[0]!);

describe('a decision', () => {
  it('charges every request of a command: loops, pipes and several URLs', async () => {
    const world = createWorld(TAVILY);
    await world.send(bash('for q in a b c; do curl -s "https://api.tavily.com/search?q=$q" | jq .; done; curl https://api.tavily.com/search', 't1'));
    expect(await spentBy(world, 'session:s1')).toBe(80_000n);
  });

  it('charges tools by name, and WebSearch', async () => {
    const world = createWorld(TAVILY);
    await world.send({ hook_event_name: 'PreToolUse', tool_name: 'mcp__exa__search', tool_use_id: 't1', tool_input: { query: 'x' } });
    await world.send({ hook_event_name: 'PreToolUse', tool_name: 'WebSearch', tool_use_id: 't2', tool_input: { query: 'x' } });
    expect(await spentBy(world, 'session:s1')).toBe(15_000n);
  });

  it('answers one call that comes twice with one decision and one charge', async () => {
    const world = createWorld(TAVILY);
    const event = bash('curl https://api.tavily.com/search', 't1');
    const replies = await Promise.all([world.send(event), world.send(event), world.send(event)]);
    expect(replies.map((reply) => reply?.verdict)).toEqual([{ verdict: 'pass' }, { verdict: 'pass' }, { verdict: 'pass' }]);
    expect(await spentBy(world, 'session:s1')).toBe(20_000n);
  });

  it('refuses another call under an id that is taken', async () => {
    const world = createWorld(TAVILY);
    await world.send(bash('curl https://api.tavily.com/search', 't1'));
    expect(refusalOf((await world.send(bash('curl https://api.tavily.com/search?second', 't1')))!)?.code).toBe('BAD_REQUEST');
  });

  it('leaves localhost alone unless a price names it', async () => {
    const world = createWorld({ policy: { strict: true, allowedEndpoints: [] } });
    expect((await world.send(bash('curl http://localhost:3000/api', 't1')))?.verdict).toEqual({ verdict: 'pass' });
    expect(await world.parts.ledger.sums({ all: true })).toEqual([]);
    world.setPolicy({ prices: [{ endpoint: '127.0.0.1:4801/*', price: '$0.10' }] });
    await world.send(bash('curl http://127.0.0.1:4801/x', 't2'));
    expect(await spentBy(world, 'session:s1')).toBe(100_000n);
  });

  it('counts free calls and lets them go where priced ones may not', async () => {
    const world = createWorld({ ...TAVILY, policy: { allowedEndpoints: ['api.exa.ai/*'] } });
    expect(refusalOf((await world.send(bash('curl https://docs.python.org/3/', 't1')))!)).toBeNull();
    expect(refusalOf((await world.send(bash('curl https://api.tavily.com/search', 't2')))!)?.code).toBe('ENDPOINT_NOT_ALLOWED');
    expect(await world.parts.ledger.sums({ all: true })).toContainEqual(expect.objectContaining({ what: 'free', endpoint: 'docs.python.org/3/', requests: 1 }));
  });

  it('refuses free calls, too, when the policy is strict', async () => {
    const world = createWorld({ policy: { allowedEndpoints: ['api.exa.ai/*'], strict: true } });
    expect(refusalOf((await world.send(bash('curl https://docs.python.org/3/', 't1')))!)?.code).toBe('ENDPOINT_NOT_ALLOWED');
  });

  it('holds an agent to its own endpoints, and a child to those of the agents above it', async () => {
    const world = createWorld({ ...TAVILY, agents: { researcher: { allowedEndpoints: ['api.exa.ai/*'] } } });
    const call = (id: string, agent: object) => world.send(bash('curl https://api.tavily.com/search', id, agent));
    expect(refusalOf((await call('t1', { agent_id: 'r1', agent_type: 'researcher' }))!)?.code).toBe('ENDPOINT_NOT_ALLOWED');
    expect(refusalOf((await call('t2', { agent_id: 'e1', agent_type: 'executor' }))!)).toBeNull();
    world.parts.sessions.learnChild(world.live, { id: 'c1', type: 'helper', parent: 'r1' });
    expect(refusalOf((await call('t3', { agent_id: 'c1', agent_type: 'helper' }))!)?.code).toBe('ENDPOINT_NOT_ALLOWED');
  });

  it('lets a call through whose destination nobody can know, until the money is gone', async () => {
    const world = createWorld({ ...TAVILY, policy: { sessionBudget: '$0.02' } });
    expect(refusalOf((await world.send(bash('curl "$URL"', 't1')))!)).toBeNull();
    await world.send(bash('curl https://api.tavily.com/search', 't2'));
    expect(refusalOf((await world.send(bash('curl "$URL"', 't3')))!)).toMatchObject({ code: 'SESSION_BUDGET_EXCEEDED' });
    expect(refusalOf((await world.send(bash('curl https://docs.python.org/3/', 't4')))!)).toBeNull();
  });

  it('refuses one request above its limit without ending anybody, and several small ones not', async () => {
    const world = createWorld({ prices: [{ endpoint: 'a.com/*', price: '$0.60' }, { endpoint: 'b.com/*', price: '$0.30' }] });
    expect(refusalOf((await world.send(bash('curl https://a.com/x', 't1')))!)).toMatchObject({ code: 'REQUEST_LIMIT_EXCEEDED', ends: null, details: { limit: '500000', price: '600000' } });
    expect(refusalOf((await world.send(bash('curl https://b.com/x https://b.com/y', 't2')))!)).toBeNull();
  });

  it('turns a dear call into a question with price, endpoint and what would be left', async () => {
    const world = createWorld({ prices: [{ endpoint: 'a.com/*', price: '$0.30' }], policy: { approveAbove: '$0.25' } });
    const reply = await world.send(bash('curl https://a.com/x', 't1'));
    expect(reply?.verdict).toEqual({ verdict: 'ask', sentence: "pag0 APPROVAL_REQUIRED: a.com/x costs $0.30; $4.70 of this session's $5.00 would be left." });
  });

  it('charges what the answer says it cost', async () => {
    const world = createWorld({ prices: [{ endpoint: 'api.openai.com/*', price: '$0.15', tokens: { inputPerMillion: '$2.50', outputPerMillion: '$10' } }] });
    const call = bash('curl -s https://api.openai.com/v1/chat/completions -d @-', 't1');
    await world.send(call);
    expect(await spentBy(world, 'session:s1')).toBe(150_000n);
    await world.send({ ...call, hook_event_name: 'PostToolUse', tool_response: { stdout: JSON.stringify({ usage: { prompt_tokens: 1_000, completion_tokens: 100 } }) } });
    expect(await spentBy(world, 'session:s1')).toBe(3_500n);
  });

  it.each([
    ['curl could not connect', 'Exit code 7', 0n],
    ['the server answered an error', 'Exit code 22\ncurl: (22) The requested URL returned error: 500', 20_000n],
    ['the answer was cut off', 'Exit code 56', 20_000n],
    ['it was stopped by a time-out', 'Exit code 143\nCommand timed out after 1s', 20_000n],
  ])('a failed call counts unless it provably never left: %s', async (_, error, spent) => {
    const world = createWorld(TAVILY);
    const call = bash('curl -s https://api.tavily.com/search', 't1');
    await world.send(call);
    await world.send({ ...call, hook_event_name: 'PostToolUseFailure', error });
    expect(await spentBy(world, 'session:s1')).toBe(spent);
  });

  it('does not take the exit code of a longer command for curl’s', async () => {
    const world = createWorld(TAVILY);
    const call = bash('curl -s https://api.tavily.com/search; exit 7', 't1');
    await world.send(call);
    await world.send({ ...call, hook_event_name: 'PostToolUseFailure', error: 'Exit code 7' });
    expect(await spentBy(world, 'session:s1')).toBe(20_000n);
  });

  it('begins a new day’s budget at the user’s midnight', async () => {
    const world = createWorld({ ...TAVILY, policy: { dailyBudget: '$0.02' } });
    await world.curl('https://api.tavily.com/search');
    expect(refusalOf((await world.curl('https://api.tavily.com/search')).before)?.code).toBe('DAILY_BUDGET_EXCEEDED');
    world.now += 12 * 3_600_000;
    expect(refusalOf((await world.curl('https://api.tavily.com/search')).before)).toBeNull();
  });

  it('does not send a paid call when the ledger cannot be written, and lets free work go on', async () => {
    const broken = { ...memoryLedger(), reserve: () => Promise.reject(new Error('disk')) };
    const world = createWorld(TAVILY, broken);
    expect(refusalOf((await world.send(bash('curl https://api.tavily.com/search', 't1')))!)?.code).toBe('LEDGER_UNAVAILABLE');
    expect(refusalOf((await world.send(bash('curl https://docs.python.org/', 't2')))!)).toBeNull();
    expect((await world.send(bash('git status', 't3')))?.verdict).toEqual({ verdict: 'pass' });
  });

  it('keeps the same words and reasons short: one sentence, the code, the numbers, no invitation to retry', async () => {
    const world = createWorld({ ...TAVILY, policy: { sessionBudget: '$0.02' } });
    await world.curl('https://api.tavily.com/search');
    const why = refusalOf((await world.curl('https://api.tavily.com/search')).before)!;
    expect(why.sentence).toBe(
      'pag0 SESSION_BUDGET_EXCEEDED: money limit set by the user in pag0: api.tavily.com/search costs $0.02 and this session has spent $0.02 of $0.02, so it was not sent; finish without paid calls, say what you have found and that the budget is spent, only a person can raise it with /pag0-budget raise',
    );
  });
});

describe('the kill switch', () => {
  it('stops what can cost and nothing else, until it is lifted', async () => {
    const world = createWorld(TAVILY);
    await world.parts.directives.give({ kind: 'kill', scope: 'session:s1', limit: null, by: 'agent', at: world.now });
    expect(refusalOf((await world.curl('https://api.tavily.com/search')).before)?.code).toBe('KILL_SWITCH');
    expect(refusalOf((await world.curl('https://docs.python.org/')).before)).toBeNull();
    await world.parts.directives.give({ kind: 'resume', scope: 'session:s1', limit: null, by: 'person', at: world.now });
    expect(refusalOf((await world.curl('https://api.tavily.com/search')).before)).toBeNull();
  });
});

describe('events', () => {
  it('from a session nobody registered spend nothing: what could cost is refused with the repair, the rest is nobody’s business', async () => {
    const world = createWorld(TAVILY);
    const stranger = { session_id: 'unknown' };
    expect(refusalOf((await world.send(bash('curl https://api.tavily.com/search', 't1', stranger)))!)?.code).toBe('SESSION_UNKNOWN');
    expect(await world.send(bash('git status', 't2', stranger))).toBeNull();
    expect(await world.send({ hook_event_name: 'Stop', ...stranger })).toBeNull();
  });

  it('of a subagent keep their message for the person until the main thread speaks', async () => {
    const world = createWorld({ prices: [{ endpoint: 'a.com/*', price: '$0.50' }], agents: { researcher: { agentBudget: '$0.50' } } });
    const researcher = { agent_id: 'r1', agent_type: 'researcher' };
    const { after } = await world.curl('https://a.com/x', researcher);
    expect(after?.context).toContain('researcher-1 has spent $0.50 of $0.50 (100 %)');
    expect(after?.message).toBeUndefined();
    const main = await world.send(bash('git status', 't9'));
    expect(main?.message).toContain('researcher-1 has spent $0.50 of $0.50');
  });

  it('tell a parent why its child came back with nothing', async () => {
    const world = createWorld({ prices: [{ endpoint: 'a.com/*', price: '$0.50' }], agents: { researcher: { agentBudget: '$0.50' } } });
    const researcher = { agent_id: 'r1', agent_type: 'researcher' };
    await world.curl('https://a.com/x', researcher);
    expect((await world.curl('https://a.com/x', researcher)).before.stop).toBeUndefined();
    const { before } = await world.curl('https://a.com/x', researcher);
    expect(before.stop).toContain('AGENT_BUDGET_EXCEEDED');
    const reply = await world.send({ hook_event_name: 'PostToolUse', tool_name: 'Agent', tool_use_id: 'spawn', tool_response: { agentId: 'r1', agentType: 'researcher', status: 'completed' } });
    expect(reply?.context).toContain('researcher-1 was ended by pag0');
  });
});

describe('a command in flight', () => {
  it.each([
    ['curl https://api.tavily.com/search', 20_000n],
    ['for q in a b c; do curl "https://api.tavily.com/search?q=$q"; done', 20_000n],
    ['curl "$U"', 0n],
    ['git status', 0n],
  ])('carries the price of a request that somebody saw, and no more: %s', async (command, price) => {
    const world = createWorld({ prices: [{ endpoint: 'api.tavily.com/*', price: '$0.02' }], policy: { approveAbove: '$0.01' } });
    await world.send({ hook_event_name: 'PreToolUse', tool_name: 'Bash', tool_input: { command }, tool_use_id: 't1' });
    expect(world.live.running.get('t1')?.approvedUpTo).toBe(price);
  });
});
