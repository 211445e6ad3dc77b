import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endpointOf, type Endpoint } from './endpoint.ts';
import { endpointMatches } from './endpoint-pattern.ts';
import { directHosts, looksAt } from './passage.ts';
import { DEFAULT_POLICY, type AgentRule, type Policy } from './policy.ts';

const AGENT: AgentRule = { pattern: '*', agentBudget: null, maxPerRequest: null, approveAbove: null, allowedEndpoints: null, blockedEndpoints: [], inheritParentPolicy: true };
const priced = (...endpoints: string[]): Policy => ({ ...DEFAULT_POLICY, prices: endpoints.map((endpoint) => ({ endpoint, tool: null, method: null, price: 1n, tokens: null })) });
const reused = (endpoint: string): Policy => ({ ...DEFAULT_POLICY, cache: { ...DEFAULT_POLICY.cache, reuse: [{ endpoint, tool: null, method: null }] } });
const strict = (...lists: string[][]): Policy => ({ ...DEFAULT_POLICY, strict: true, allowedEndpoints: lists });
const at = (url: string): Endpoint => endpointOf(url)!;
const named = (endpoint: Endpoint, policy: Policy | null): boolean => looksAt(endpoint, policy, false) === 'yes';

describe('what a session starts', () => {
  it('is tunnelled where no rule has anything to say', () => {
    for (const policy of [null, DEFAULT_POLICY, priced('b.com/*'), reused('b.com')]) expect(named(at('https://a.com'), policy)).toBe(false);
  });

  it.each<[string, Policy]>([
    ['a price', priced('x.com', 'api.a.com/v1/*')],
    ['a price for a whole domain', priced('*.a.com')],
    ['a reuse rule', reused('https://API.a.com/search?q=*')],
    ['a blocked endpoint', { ...DEFAULT_POLICY, blockedEndpoints: ['api.a.com/admin'] }],
    ["an agent's blocked endpoint", { ...DEFAULT_POLICY, agents: [{ ...AGENT, blockedEndpoints: ['api.a.com'] }] }],
  ])('is looked into for %s', (_name, policy) => {
    expect(named(at('https://api.a.com/'), policy)).toBe(true);
    expect(named(at('https://api.a.org/'), policy)).toBe(false);
    expect(named(at('https://api.a.com:8443/'), policy)).toBe(false);
  });

  it('with a wallet is looked into where a seller might demand to be paid, if it is a program that reads such a demand', () => {
    expect(looksAt(at('https://a.com'), priced('b.com'), true)).toBe('if-client');
    expect(looksAt(at('https://b.com'), priced('b.com'), true)).toBe('yes');
    expect(looksAt(at('http://127.0.0.1:3000/'), DEFAULT_POLICY, true)).toBe('no');
    expect(looksAt(at('http://10.0.0.1/'), DEFAULT_POLICY, true)).toBe('no');
    expect(looksAt(at('https://a.com'), null, true)).toBe('no');
  });

  it("on a person's own machine is left alone, unless a rule names it", () => {
    expect(named(at('http://127.0.0.1:4801/x'), priced('127.0.0.1:4802/*'))).toBe(false);
    expect(named(at('http://127.0.0.1:4801/x'), priced('127.0.0.1:4801/*'))).toBe(true);
    expect(named(at('http://localhost/x'), priced('localhost'))).toBe(true);
  });

  it('under strict is looked into, but where every list has the whole host', () => {
    expect(named(at('https://a.com'), strict(['b.com']))).toBe(true);
    expect(named(at('https://a.com'), strict(['a.com/v1/*']))).toBe(true);
    expect(named(at('https://a.com'), strict(['b.com', 'a.com/*']))).toBe(false);
    expect(named(at('https://a.com'), strict(['*.com'], ['b.com']))).toBe(true);
    expect(named(at('https://a.com'), { ...strict(['a.com']), agents: [{ ...AGENT, allowedEndpoints: ['b.com'] }] })).toBe(true);
    expect(named(at('http://10.0.0.1/'), strict(['b.com']))).toBe(false);
    expect(named(at('https://a.com'), strict())).toBe(false);
  });

  it('is looked into wherever a rule without a star in its host matches a request', () => {
    const host = fc.constantFrom('a.com', 'api.a.com', 'b.com:8080', '127.0.0.1:4801', '[::1]:9');
    const path = fc.constantFrom('', '/', '/*', '/v1', '/v1/*', '/v*/x');
    fc.assert(
      fc.property(host, path, host, path, (ruleHost, rulePath, requestHost, requestPath) => {
        const endpoint = at(`http://${requestHost}${requestPath}`);
        if (endpointMatches(ruleHost + rulePath, endpoint)) expect(named(at(`http://${requestHost}/`), priced(ruleHost + rulePath))).toBe(true);
      }),
    );
  });
});

describe('what goes past the gateway', () => {
  it("is this machine and the model's API", () => {
    expect(directHosts(DEFAULT_POLICY)).toEqual(['localhost', '127.0.0.1', '::1', 'api.anthropic.com']);
    expect(directHosts(null)).toEqual(directHosts(DEFAULT_POLICY));
  });

  it('unless a rule names it', () => {
    expect(directHosts(priced('127.0.0.1:4801/*', 'https://API.anthropic.com/v1/messages'))).toEqual([]);
    expect(directHosts(priced('api.anthropic.com'))).toEqual(['localhost', '127.0.0.1', '::1']);
    expect(directHosts(priced('[::1]:4801'))).toEqual(['api.anthropic.com']);
    expect(directHosts(reused('*.anthropic.com/*'))).toEqual(['localhost', '127.0.0.1', '::1']);
  });
});
