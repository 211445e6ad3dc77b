import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from './canonical-json.ts';

/** The same value, its members in another order and with other space. */
function shuffled(value: unknown, seed: number): string {
  const space = ['', ' ', '\n', '\t'][seed % 4]!;
  if (Array.isArray(value)) return `[${space}${value.map((item) => shuffled(item, seed + 1)).join(`${space},`)}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}${space}:${shuffled(item, seed + 1)}`);
  return `{${(seed % 2 === 0 ? members.reverse() : members).join(`,${space}`)}}`;
}

describe('canonical JSON', () => {
  it('is the same whatever the order of members and the space', () => {
    fc.assert(fc.property(fc.jsonValue(), fc.nat(20), (value, seed) => canonicalJson(shuffled(value, seed)) === canonicalJson(JSON.stringify(value))));
  });

  it('differs when the values differ', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const [one, two] = [JSON.stringify(a), JSON.stringify(b)];
        return (canonicalJson(one) === canonicalJson(two)) === equal(JSON.parse(one), JSON.parse(two));
      }),
    );
  });

  it('is JSON, and says the same', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => equal(JSON.parse(canonicalJson(JSON.stringify(value))!), JSON.parse(JSON.stringify(value)))));
  });

  it.each([
    ['1.0', '1'],
    ['1e2', '100'],
    ['12345678901234567890', '12345678901234567891'],
    ['{"a":1,"a":2}', '{"a":2}'],
    ['{"a":1,"a":2}', '{"a":2,"a":1}'],
  ])('%s is not %s', (one, two) => {
    expect(canonicalJson(one)).not.toBe(canonicalJson(two));
  });

  it.each([
    ['"\\u0041"', '"A"'],
    ['{"\\u0061":1}', '{"a":1}'],
    ['"\\/"', '"/"'],
  ])('%s is %s', (one, two) => {
    expect(canonicalJson(one)).toBe(canonicalJson(two));
  });

  it.each(['', '{', '{"a":1,}', '[1,]', '01', "{'a':1}", '{"a"}', 'nul', '1 2', '"\u0001"', '{"a":1}x', '['.repeat(5_000)])('%j is none', (text) => {
    expect(canonicalJson(text)).toBeNull();
  });
});

function equal(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return Object.is(a, b) || (a === 0 && b === 0);
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [one, two] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const names = Object.keys(one);
  return names.length === Object.keys(two).length && names.every((name) => Object.hasOwn(two, name) && equal(one[name], two[name]));
}
