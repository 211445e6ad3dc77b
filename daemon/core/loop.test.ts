import { describe, expect, it } from 'vitest';
import { beginTurn, completeRound, loopEnd, repeats, spend, updateBreaker, work, type StopFacts } from './loop.ts';
import { DEFAULT_POLICY, type LoopRules } from './policy.ts';

const rules: LoopRules = { ...DEFAULT_POLICY.loops, dollarsPerMinute: 100n, resumeBelow: 40n };
const facts = (more: Partial<StopFacts>): StopFacts => ({
  turn: beginTurn('t', null),
  rules,
  looping: true,
  at: 0,
  killed: false,
  sessionShare: 0,
  killSwitchAt: null,
  tightest: null,
  ...more,
});

describe('the velocity breaker', () => {
  it('trips above its limit in a minute and is free only below the lower one', () => {
    const turn = beginTurn('t', null);
    spend(turn, 60n, 0, rules);
    expect(turn.tooFast).toBe(false);
    spend(turn, 41n, 10_000, rules);
    expect(turn.tooFast).toBe(true);
    // 41 are left in the window: under the limit that tripped it, over the one that frees it.
    expect(updateBreaker(turn, 65_000, rules)).toBe(true);
    expect(updateBreaker(turn, 71_000, rules)).toBe(false);
  });

  it('is silent when it is switched off', () => {
    const turn = beginTurn('t', null);
    spend(turn, 10_000n, 0, { ...rules, dollarsPerMinute: null });
    expect(turn.tooFast).toBe(false);
  });
});

describe('repetition', () => {
  it('counts rounds that did the same and learnt the same, in whatever order their calls finished', () => {
    const turn = beginTurn('t', null);
    for (const calls of [[1, 2], [2, 1], [1, 2]]) {
      for (const digest of calls) work(turn, digest);
      completeRound(turn, Math.random());
    }
    expect(repeats(turn)).toBe(3);
    work(turn, 9);
    completeRound(turn, 0);
    expect(repeats(turn)).toBe(1);
  });

  it('tells rounds without calls apart by what was said', () => {
    const turn = beginTurn('t', null);
    completeRound(turn, 7);
    completeRound(turn, 7);
    completeRound(turn, 8);
    expect(repeats(turn)).toBe(1);
  });
});

describe('a loop', () => {
  it('is ended when what is left does not pay for its cheapest step', () => {
    const turn = beginTurn('t', null);
    spend(turn, 15n, 0, { ...rules, dollarsPerMinute: null });
    const tightest = { label: 'ralph-loop', code: 'AGENT_BUDGET_EXCEEDED', spentOf: '$3 of $3' };
    expect(loopEnd(facts({ turn, tightest: { ...tightest, left: 14n } }))?.code).toBe('AGENT_BUDGET_EXCEEDED');
    expect(loopEnd(facts({ turn, tightest: { ...tightest, left: 15n } }))).toBeNull();
  });

  it('that never paid is not ended by an empty purse', () => {
    expect(loopEnd(facts({ tightest: { left: 0n, label: 'x', code: 'SESSION_BUDGET_EXCEEDED', spentOf: '' } }))).toBeNull();
  });

  it('is ended at the share of the session’s budget that the user set', () => {
    expect(loopEnd(facts({ sessionShare: 0.89, killSwitchAt: 0.9 }))).toBeNull();
    expect(loopEnd(facts({ sessionShare: 0.9, killSwitchAt: 0.9 }))?.code).toBe('KILL_SWITCH');
  });

  it.each([
    ['the kill switch', { killed: true }, 'KILL_SWITCH'],
    ['its maximum of iterations', { rules: { ...rules, maxIterations: 0 } }, 'LOOP_STOPPED'],
    ['repetition', { rules: { ...rules, repeatLimit: 0 } }, 'LOOP_STOPPED'],
    ['speed', { turn: { ...beginTurn('t', null), tooFast: true } }, 'LOOP_STOPPED'],
  ])('is ended by %s', (_, more, code) => {
    expect(loopEnd(facts(more))?.code).toBe(code);
  });

  it('an ordinary turn is left alone, unless the user wants breakers there too', () => {
    const turn = { ...beginTurn('t', null), tooFast: true };
    expect(loopEnd(facts({ turn, looping: false }))).toBeNull();
    expect(loopEnd(facts({ turn, looping: false, rules: { ...rules, interactive: true } }))?.code).toBe('LOOP_STOPPED');
  });
});
