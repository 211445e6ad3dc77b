import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { directivesOf } from './cache-control.ts';
import { DEFAULT_CACHE, tightenCache, type CacheRules } from './cache-rules.ts';
import { initialAge, lifetimeOf, ownLifetime } from './freshness.ts';
import { parseHttpDate } from './http-date.ts';

const NOW = Date.UTC(2026, 10, 21, 7, 38);
const URL = 'https://docs.example/page';
const life = (fields: Record<string, string>, rules: Partial<CacheRules> = {}, status = 200, price = 0n): number | null => lifetimeOf({ ...DEFAULT_CACHE, ...rules }, { method: 'GET', url: URL, status, fields, price }, NOW);
const paid = (fields: Record<string, string>, rules: Partial<CacheRules> = {}, status = 200): number | null => life(fields, rules, status, 1n);
const rule = (pattern: RegExp, ttl: number) => ({ pattern, ttl });

describe('how long an answer lasts', () => {
  it('is what it says itself, else what the configuration says', () => {
    expect(life({ 'cache-control': 'max-age=60' })).toBe(60);
    expect(paid({ 'cache-control': 's-maxage=60' })).toBe(1_800);
    expect(life({ 'cache-control': 'max-age=60', expires: 'Sat, 21 Nov 2026 09:38:00 GMT' })).toBe(60);
    expect(life({ expires: 'Sat, 21 Nov 2026 09:38:00 GMT' })).toBe(7_200);
    expect(life({ expires: 'Sat, 21 Nov 2026 09:38:00 GMT', date: 'Sat, 21 Nov 2026 08:38:00 GMT' })).toBe(3_600);
    expect(paid({})).toBe(1_800);
    expect(paid({ 'last-modified': 'Fri, 20 Nov 2026 07:38:00 GMT' })).toBe(1_800);
  });

  it('is nothing where nobody paid, nobody named it and it does not say', () => {
    expect([{}, { 'cache-control': 's-maxage=60' }, { 'cache-control': 'public' }, { etag: '"1"' }, { 'last-modified': 'yesterday' }].map((fields) => life(fields as Record<string, string>))).toEqual([null, null, null, null, null]);
    expect(life({}, { reuse: [{ endpoint: 'docs.example/*', tool: null, method: null }] })).toBe(1_800);
    expect(life({}, { reuse: [{ endpoint: 'docs.example/*', tool: null, method: 'POST' }] })).toBeNull();
    expect(life({}, { ttlRules: [rule(/docs/, 60)] })).toBe(60);
  });

  it('of a free answer that says when it was last modified is a tenth of that time, and at most a day', () => {
    const modified = (date: string): number | null => life({ 'last-modified': date });
    expect(modified('Sat, 21 Nov 2026 07:28:00 GMT')).toBe(60);
    expect(modified('Fri, 20 Nov 2026 07:38:00 GMT')).toBe(8_640);
    expect(modified('Tue, 21 Nov 2006 07:38:00 GMT')).toBe(86_400);
    expect(modified('Sun, 22 Nov 2026 07:38:00 GMT')).toBe(0);
    expect(life({ 'last-modified': 'Sat, 21 Nov 2026 07:28:00 GMT', date: 'Sat, 21 Nov 2026 07:33:00 GMT' })).toBe(30);
    expect(life({ 'last-modified': 'Fri, 20 Nov 2026 07:38:00 GMT', 'cache-control': 'max-age=5' })).toBe(5);
    for (const status of [302, 404, 500]) expect(life({ 'last-modified': 'Fri, 20 Nov 2026 07:38:00 GMT' }, {}, status)).toBeNull();
  });

  it('is what the first rule says that names the URL, longer or shorter', () => {
    const ttlRules = [rule(/other/, 1), rule(/docs/, 3_600), rule(/./, 5)];
    expect(life({ 'cache-control': 'max-age=60' }, { ttlRules })).toBe(3_600);
    expect(life({ 'cache-control': 'max-age=86400' }, { ttlRules })).toBe(3_600);
    expect(life({}, { ttlRules: [rule(/docs/, 0)] })).toBe(0);
  });

  it('is never longer than a project allows', () => {
    const limits = [{ ttlRules: [rule(/docs/, 30)], reuse: null }, { ttlRules: [rule(/docs/, 90)], reuse: null }];
    expect(life({ 'cache-control': 'max-age=60' }, { limits })).toBe(30);
    expect(life({}, { ttlRules: [rule(/docs/, 3_600)], limits })).toBe(30);
    expect(life({ 'cache-control': 'max-age=5' }, { limits })).toBe(5);
  });

  it('of what is not there, or there for now, is its server’s word alone', () => {
    for (const status of [302, 307, 404, 405]) {
      expect(life({}, { ttlRules: [rule(/./, 3_600)] }, status)).toBeNull();
      expect(life({ 'cache-control': 'max-age=60' }, { ttlRules: [rule(/./, 3_600)] }, status)).toBe(60);
      expect(life({ 'cache-control': 'max-age=60' }, { ttlRules: [rule(/./, 5)] }, status)).toBe(5);
    }
    for (const status of [203, 204, 300, 301, 308, 410]) expect(paid({}, {}, status)).toBe(1_800);
  });

  it.each(['max-age=abc', 'max-age=-1', 'max-age=1.5', "max-age='60'", 'max-age', 'max-age =60'])('is over when it cannot be read: %s', (control) => {
    expect(ownLifetime({ 'cache-control': control }, NOW)).toBe(0);
  });

  it('takes the age it came with, and no age that is none', () => {
    expect(['5', '5, 9', 'abc', '-5', '5.0', ''].map((age) => initialAge({ age }))).toEqual([5, 5, 0, 0, 0, 0]);
  });
});

describe('directives', () => {
  it('are read whatever their case, and never out of a quoted string', () => {
    expect([...directivesOf({ 'cache-control': ['Max-Age="60"', 'ext="no-store, max-age=1", No-Cache="a, b"'] })]).toEqual([['max-age', '60'], ['ext', 'no-store, max-age=1'], ['no-cache', 'a, b']]);
  });

  it('that forbid are found in the worst of fields', () => {
    for (const control of ['no-store', ' NO-STORE ', 'a="b, no-store', 'no-store=x y', ',,no-store,']) expect(directivesOf({ 'cache-control': control }).has('no-store')).toBe(true);
  });
});

describe('a date', () => {
  const AT = Date.UTC(2050, 7, 18, 2, 1, 18);
  it.each(['Thu, 18 Aug 2050 02:01:18 GMT', 'THU, 18 AUG 2050 02:01:18 gmt', 'Thursday, 18-Aug-50 02:01:18 GMT', 'Thu Aug 18 02:01:18 2050'])('is read: %s', (text) => {
    expect(parseHttpDate(text, NOW)).toBe(AT);
  });

  it.each(['0', '', 'Thu, 18 Aug 2050 02:01:18 UTC', 'Thu, 18 Aug 50 02:01:18 GMT', 'Thu 18 Aug 2050 02:01:18 GMT', 'Thu, 18 Aug 2050 2:01:18 GMT', 'Thu, 31 Feb 2050 02:01:18 GMT', '2050-08-18T02:01:18Z'])('is none: %s', (text) => {
    expect(parseHttpDate(text, NOW)).toBeNull();
  });

  it('with two digits is never more than fifty years ahead', () => {
    expect(new Date(parseHttpDate('Thursday, 18-Aug-94 02:01:18 GMT', NOW)!).getUTCFullYear()).toBe(1994);
  });

  it('that JavaScript writes is read back', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (second) => parseHttpDate(new Date(second * 1_000).toUTCString(), NOW) === second * 1_000));
  });
});

describe('a project’s file', () => {
  const scope = fc.constantFrom('session' as const, 'project' as const, 'user' as const);
  const ttlRules = fc.array(fc.record({ pattern: fc.constantFrom(/docs/, /page/, /other/), ttl: fc.nat(10_000) }), { maxLength: 3 });
  const fields = { enabled: fc.boolean(), scope, defaultTtl: fc.nat(10_000), ttlRules };

  it('never keeps an answer longer, for more or at all, whatever it says', () => {
    const breadth = ['session', 'project', 'user'];
    const control = fc.option(fc.nat(10_000), { nil: null });
    fc.assert(
      fc.property(fc.record(fields), fc.record(fields, { requiredKeys: [] }), control, (user, project, maxAge) => {
        const mine: CacheRules = { ...DEFAULT_CACHE, ...user };
        const both = tightenCache(mine, project);
        const answer = { method: 'GET', url: URL, status: 200, fields: maxAge === null ? {} : { 'cache-control': `max-age=${maxAge}` }, price: 1n };
        expect(lifetimeOf(both, answer, NOW)!).toBeLessThanOrEqual(lifetimeOf(mine, answer, NOW)!);
        expect(breadth.indexOf(both.scope)).toBeLessThanOrEqual(breadth.indexOf(mine.scope));
        expect(both.enabled && !mine.enabled).toBe(false);
      }),
    );
  });
});
