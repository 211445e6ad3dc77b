import { describe, expect, it } from 'vitest';
import { admit, authorize, overBudget } from './admit.ts';
import type { Call } from './call.ts';
import { CODES, isMoneyLimit, refusal, SCOPE_CODE } from './errors.ts';
import { DEFAULT_POLICY, limitsOf } from './policy.ts';
import type { Quote } from './price.ts';

/**
 * What wrappers that run a client in a loop search its output for (ralph scripts, session keepers): the limits of the client's plan and of
 * the API, after which they wait and go on. A refusal of pag0's must be none of these to them.
 */
const OTHERS_LIMITS = [
  /usage\s+limit/i,
  /rate[\s_-]*limit/i,
  /limit\s+(?:has been\s+|was\s+|is\s+)?reached/i,
  /(?:5|five)[\s-]*hour/i,
  /weekly\s+limit/i,
  /quota/i,
  /too many requests/i,
  /overloaded/i,
  /try (?:this )?again/i,
  /retry/i,
  /resets? (?:at|in)/i,
  /temporar/i,
  /\b(?:429|529)\b/,
];

const call: Call = { tool: 'Bash', method: 'GET', endpoint: null, known: true, times: 1 };
const quoted: Quote = { call, amount: 100_000n, rule: null } as unknown as Quote;
const limits = limitsOf({ id: 'a', name: 'researcher-1', type: 'researcher' }, []);
const facts = { quotes: [{ ...quoted, rule: { price: 100_000n } } as unknown as Quote], policy: DEFAULT_POLICY, limits, agent: 'researcher-1', killed: null, loopEnded: null, exhausted: null };

const spent = (kind: keyof typeof SCOPE_CODE) => overBudget({ scope: { key: 'k', kind, label: 'this session', limit: 5_000_000n }, limit: 5_000_000n, spent: 5_000_000n }, 100_000n, [quoted]);
const tooDear = authorize([{ ...quoted, amount: 900_000n }], DEFAULT_POLICY, limits);

const sentences: [what: string, sentence: string][] = [
  ...(['agent', 'session', 'run', 'project', 'day'] as const).map((kind): [string, string] => [kind, spent(kind).sentence]),
  ['request', tooDear.verdict === 'refuse' ? tooDear.refusal.sentence : ''],
  ['kill switch', admit({ ...facts, killed: 'project' })!.sentence],
  ['ended loop', admit({ ...facts, loopEnded: 'it reached 4 iterations' })!.sentence],
];

describe('the words of a refusal', () => {
  it.each(sentences)('cannot be taken for a limit of the client or the API: %s', (_, sentence) => {
    expect(sentence).toMatch(/^pag0 [A-Z_]+: /);
    for (const pattern of OTHERS_LIMITS) expect(sentence).not.toMatch(pattern);
  });

  it.each(sentences.slice(0, 6))('say first that it is a money limit, and whose: %s', (_, sentence) => {
    expect(sentence).toMatch(/^pag0 [A-Z]+_(BUDGET|LIMIT)_EXCEEDED: money limit set by the user in pag0: /);
  });

  it('say so of money limits alone', () => {
    const others = CODES.filter((code) => !isMoneyLimit(code));
    expect(CODES.length - others.length).toBe(6);
    for (const code of others) expect(refusal(code, 'no', { scope: 's' }).sentence).toBe(`pag0 ${code}: no`);
  });

  it('name what lifts the kill switch', () => {
    expect(admit({ ...facts, killed: 'project' })!.sentence).toContain('only a person can lift it with /pag0-resume project');
    expect(admit({ ...facts, killed: 'all' })!.sentence).toContain('/pag0-resume all');
  });
});
