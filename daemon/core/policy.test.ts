import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endpointOf } from './endpoint.ts';
import { DEFAULT_POLICY, endpointAllowed, limitsOf, tighten, type AgentRule, type Policy } from './policy.ts';

const rule = (pattern: string, more: Partial<AgentRule> = {}): AgentRule => ({
  pattern,
  agentBudget: null,
  maxPerRequest: null,
  approveAbove: null,
  allowedEndpoints: null,
  blockedEndpoints: [],
  inheritParentPolicy: true,
  ...more,
});

describe('a policy', () => {
  it('law: a project’s file can only tighten', () => {
    const amount = fc.option(fc.bigInt({ min: 0n, max: 100n }), { nil: null });
    const limits = fc.record({ maxPerRequest: amount, sessionBudget: amount, runBudget: amount, projectBudget: amount, dailyBudget: amount, approveAbove: amount });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(limits, limits, share, share, fc.boolean(), (user, project, a, b, strict) => {
        const mine: Policy = { ...DEFAULT_POLICY, ...user, alertOnThreshold: a, killSwitchAt: a, strict };
        const both = tighten(mine, { ...project, alertOnThreshold: b, killSwitchAt: b, strict: !strict });
        for (const field of ['maxPerRequest', 'sessionBudget', 'runBudget', 'projectBudget', 'dailyBudget', 'approveAbove'] as const) {
          if (mine[field] !== null) expect(both[field] !== null && both[field] <= mine[field]).toBe(true);
        }
        expect(both.alertOnThreshold <= mine.alertOnThreshold && both.killSwitchAt! <= mine.killSwitchAt!).toBe(true);
        expect(both.strict).toBe(true);
      }),
    );
  });

  it('lets a project add a price and never lower one', () => {
    const price = (amount: bigint) => ({ endpoint: 'a.com/*', tool: null, method: null, price: amount, tokens: null });
    expect(tighten({ ...DEFAULT_POLICY, prices: [price(5n)] }, { prices: [price(1n)] }).prices[0]?.price).toBe(5n);
  });

  it('asks every list in force, so that a project narrows the user’s', () => {
    const both = tighten({ ...DEFAULT_POLICY, allowedEndpoints: [['api.exa.ai/*', 'api.tavily.com/*']] }, { allowedEndpoints: [['api.tavily.com/*', 'evil.example/*']] });
    const allowed = (url: string) => endpointAllowed(endpointOf(url), 'Bash', both.allowedEndpoints, []).allowed;
    expect([allowed('https://api.tavily.com/x'), allowed('https://api.exa.ai/x'), allowed('https://evil.example/x')]).toEqual([true, false, false]);
  });

  it('takes an unknown destination for one that is on no list', () => {
    expect(endpointAllowed(null, 'Bash', [['*']], []).allowed).toBe(false);
    expect(endpointAllowed(null, 'Bash', [], []).allowed).toBe(true);
    expect(endpointAllowed(null, 'mcp__exa__search', [['mcp__exa__*']], []).allowed).toBe(true);
  });

  it('blocks before it allows', () => {
    expect(endpointAllowed(endpointOf('https://a.com/x'), 'Bash', [['a.com/*']], ['a.com/x'])).toEqual({ allowed: false, rule: 'blocked by "a.com/x"' });
  });

  it.each([
    ['researcher', { id: 'a1', name: 'researcher-1', type: 'researcher' }, true],
    ['researcher*', { id: 'a1', name: 'researcher-1', type: 'plugin:researcher' }, true],
    ['executor-*', { id: 'a1', name: 'executor-2', type: 'executor' }, true],
    ['a1', { id: 'a1', name: 'executor-2', type: 'executor' }, true],
    ['exec', { id: 'a1', name: 'executor-2', type: 'executor' }, false],
    ['*', { id: 'main', name: 'main', type: 'main' }, false],
    ['main', { id: 'main', name: 'main', type: 'main' }, true],
  ])('the rule "%s" for %o: %s', (pattern, agent, addressed) => {
    expect(limitsOf(agent, [rule(pattern, { agentBudget: 7n })]).agentBudget).toBe(addressed ? 7n : null);
  });

  it('takes the smallest of several budgets for one agent', () => {
    const agent = { id: 'a1', name: 'researcher-1', type: 'researcher' };
    expect(limitsOf(agent, [rule('*', { agentBudget: 5n }), rule('researcher', { agentBudget: 9n, maxPerRequest: 2n })])).toMatchObject({ agentBudget: 5n, maxPerRequest: 2n });
  });
});
