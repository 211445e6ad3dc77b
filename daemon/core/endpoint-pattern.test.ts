import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endpointOf } from './endpoint.ts';
import { coversAllPaths, endpointMatches, hostMatches, hostnameMatches, MAX_SEARCHING, patternProblem, searchesPath } from './endpoint-pattern.ts';
import { MATCHES, MISTAKEN } from './endpoint-pattern.fixture.ts';

describe.each(MATCHES)('$title', ({ cases }) => {
  it.each(cases)('the pattern $pattern on $url: $matches', ({ pattern, url, matches }) => {
    const endpoint = endpointOf(url);
    expect(endpoint !== null && endpointMatches(pattern, endpoint)).toBe(matches);
  });
});

describe('a pattern', () => {
  it('that matches an endpoint matches its host and port too, which is all that a connection tells', () => {
    for (const { pattern, url, matches } of MATCHES.flatMap(({ cases }) => cases)) {
      if (!matches) continue;
      const endpoint = endpointOf(url)!;
      expect([pattern, hostMatches(pattern, endpoint), hostnameMatches(pattern, endpoint.hostname)]).toEqual([pattern, true, true]);
    }
  });

  it('covers all paths only when it names none', () => {
    expect(['a.com', 'a.com/*', 'a.com/**', '*', 'a.com:8443', 'a.com/', 'a.com/v1/*', 'a.com/*/x', '/*'].filter(coversAllPaths)).toEqual(['a.com', 'a.com/*', 'a.com/**', '*', 'a.com:8443']);
  });

  it.each(MISTAKEN)('%s has a problem that is named: %s', (pattern, problem) => {
    expect(patternProblem(pattern)?.says).toContain(problem);
  });

  it('that people have written since the first version is none to complain about', () => {
    for (const pattern of ['api.tavily.com/*', '*.tavily.com/*', '127.0.0.1:4801/*', 'https://api.exa.ai/v1/*', 'mcp__exa__*', 'WebSearch', '*', '*/*', 'localhost:*', '[::1]:4801', 'api.a.com/v1/*/x']) {
      expect([pattern, patternProblem(pattern)]).toEqual([pattern, null]);
    }
  });

  it('never matches another host, whatever the path, query and user of an address are', () => {
    const odd = fc.stringMatching(/^[a-z0-9.:@/\\?#%*-]{0,40}$/);
    fc.assert(
      fc.property(odd, odd, (user, rest) => {
        const endpoint = endpointOf(`https://${user.replace(/[/\\?#]/g, '')}@free.example/${rest}`);
        if (endpoint === null) return;
        for (const pattern of ['*.tavily.com/*', 'api.tavily.com', '*tavily.com*', 'a*.tavily.com:*/x*']) expect(endpointMatches(pattern, endpoint)).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });

  it('takes no longer for a text that was made to be slow, and as many as a file may have neither', () => {
    const text = endpointOf(`https://a.com/${'a'.repeat(4_000)}`)!;
    const hostile = [`${'*a'.repeat(200)}b`, `*${'a'.repeat(400)}b*`, `*b${'a'.repeat(400)}*`, '*a*b*'];
    const patterns = Array.from({ length: MAX_SEARCHING }, (_, index) => `a.com/${hostile[index % hostile.length]}${index}*`);
    expect(patterns.every(searchesPath)).toBe(true);
    for (const pattern of patterns) endpointMatches(pattern, endpointOf('https://a.com/')!);
    const from = performance.now();
    for (const pattern of patterns) endpointMatches(pattern, text);
    expect(performance.now() - from).toBeLessThan(2_000);
  });
});
