import { describe, expect, it } from 'vitest';
import { safePattern } from './safe-pattern.ts';

const test = (source: string, text: string): boolean => {
  const read = safePattern(source);
  if (!read.ok) throw new Error(read.problem);
  return read.pattern.test(text);
};

describe('a pattern of the configuration', () => {
  it.each([
    ['.*docs.*', 'https://a.example/docs/x', true],
    ['^https://api\\.example/', 'https://api.example/x', true],
    ['^https://api\\.example/', 'https://apiXexample/x', false],
    ['^.*?docs', 'https://a.example/docs', true],
    ['\\.json$', 'https://a.example/x.json', true],
    ['\\.json$', 'https://a.example/x.json?', false],
    ['a\\.*', 'https://b.example/c', true],
    ['z\\.*$', 'https://b.example/c', false],
    ['/v[0-9]+/(users|teams)/[^/]+$', 'https://a.example/v2/teams/7', true],
    ['(?:docs|help)\\.example', 'https://help.example/', true],
    ['.*', 'anything', true],
  ])('%s on %s: %s', (source, text, matches) => {
    expect(test(source, text)).toBe(matches);
  });

  it.each(['(a+)+b', '(a|a)*b', '(?:a?){30}b', '((ab)*c)*', 'a*a*a*b', 'a?'.repeat(30), '(a)\\1', '(?=a)', '(?<!a)b', 'a{0,1000}b{0,1000}c{0,1000}', '(a|b|c)'.repeat(20), '(', '[', 'x'.repeat(201)])('%s is refused', (source) => {
    expect(safePattern(source)).toMatchObject({ ok: false });
  });

  it('that is allowed ends soon on the worst of texts', () => {
    const began = performance.now();
    for (const source of ['a*a*b', 'a+b', '.*a.*b', 'a?a?a?a?a?aaaaab']) test(source, 'a'.repeat(1_000));
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});
