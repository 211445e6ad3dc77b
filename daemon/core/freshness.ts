import { deltaSeconds, directivesOf, FOREVER } from './cache-control.ts';
import type { CacheRules, TtlRule } from './cache-rules.ts';
import { fieldLines, fieldValue, type HeaderFields } from './fields.ts';
import { parseHttpDate } from './http-date.ts';

/**
 * How long an answer is fresh (RFC 9111, section 4.2), in this order:
 *
 * 1. a `ttlRules` entry that names the URL: a person wrote it, so it also overrules what the answer says;
 * 2. the answer's own `max-age`, else `Expires`; `s-maxage` is for shared caches, and this is a private one;
 * 3. `defaultTTL`, in the place of a heuristic (section 4.2.2), whether the answer was paid for or not.
 *
 * Projects' limits cut whatever comes out. A rule and the default reach only answers that stand for the thing asked for:
 * "not found" is kept as long as its server says so, and no longer. None of this keeps what is never kept (`keepable.ts`),
 * nor does it spare an answer with `no-cache` its validation.
 *
 * Seconds; null when nothing gives the answer a lifetime.
 */
export function lifetimeOf(rules: CacheRules, url: string, answer: { status: number; fields: HeaderFields }, receivedAt: number): number | null {
  const own = ownLifetime(answer.fields, receivedAt);
  const ruled = firstMatch(rules.ttlRules, url);
  const lasting = LASTING.has(answer.status);
  const base = lasting ? (ruled ?? own ?? rules.defaultTtl) : least(own, ruled);
  if (base === null) return null;
  return Math.min(base, FOREVER, ...rules.limits.map((limit) => firstMatch(limit.ttlRules, url) ?? FOREVER));
}

/** Final, and cacheable by default (RFC 9110, section 15.1). */
const LASTING = new Set([200, 203, 204, 300, 301, 308, 410]);

function least(own: number | null, ruled: number | null): number | null {
  return own === null ? null : Math.min(own, ruled ?? own);
}

/** A pattern's work grows with the text, and the text comes from an agent. */
const LOOKED_AT = 1_000;

function firstMatch(rules: readonly TtlRule[], url: string): number | null {
  if (rules.length === 0) return null;
  const text = url.slice(0, LOOKED_AT);
  return rules.find((rule) => rule.pattern.test(text))?.ttl ?? null;
}

/** What the answer itself says; information that cannot be read counts as "stale already" (RFC 9111, section 4.2.1). */
export function ownLifetime(fields: HeaderFields, receivedAt: number): number | null {
  const maxAge = directivesOf(fields).get('max-age');
  if (maxAge !== undefined) return deltaSeconds(maxAge) ?? 0;
  const expires = fieldLines(fields, 'expires');
  if (expires.length === 0) return null;
  const at = expires.length === 1 ? parseHttpDate(expires[0]!, receivedAt) : null;
  return at === null ? 0 : Math.max(0, (at - dateOf(fields, receivedAt)) / 1_000);
}

/** When the answer was made, by its own clock: its lifetime and `Expires` go by the same one. */
export function dateOf(fields: HeaderFields, receivedAt: number): number {
  return parseHttpDate(fieldValue(fields, 'date') ?? '', receivedAt) ?? receivedAt;
}

/**
 * Seconds it had spent in other caches when it came (section 4.2.3, `corrected_age_value`). The difference between its Date
 * and this clock is left out, which the section allows: clocks are wrong more often than caches are that old.
 */
export function initialAge(fields: HeaderFields): number {
  return deltaSeconds((fieldValue(fields, 'age') ?? '').split(',')[0]!.trim()) ?? 0;
}
