import { deltaSeconds, directivesOf, FOREVER } from './cache-control.ts';
import type { CacheRules, TtlRule } from './cache-rules.ts';
import type { Micros } from './amount.ts';
import { fieldLines, fieldValue, type HeaderFields } from './fields.ts';
import { parseHttpDate } from './http-date.ts';
import { isReused } from './reuse.ts';

/**
 * How long an answer is fresh (RFC 9111, section 4.2), in this order:
 *
 * 1. a `ttlRules` entry that names the URL: a person wrote it, so it also overrules what the answer says;
 * 2. the answer's own `max-age`, else `Expires`; `s-maxage` is for shared caches, and this is a private one;
 * 3. `defaultTTL`, where it cost money or a `reuse` entry names the call: asking again would cost, or a person said that
 *    it need not be asked again;
 * 4. for all else the heuristic of section 4.2.2, a tenth of the time since it was last modified. An answer that gives
 *    nothing to estimate from is asked for again.
 *
 * Projects' limits cut whatever comes out. A rule and the default reach only answers that stand for the thing asked for:
 * "not found" is kept as long as its server says so, and no longer. None of this keeps what is never kept (`keepable.ts`),
 * nor does it spare an answer with `no-cache` its validation.
 *
 * Seconds; null when nothing gives the answer a lifetime.
 */
export function lifetimeOf(rules: CacheRules, answer: DatedAnswer, receivedAt: number): number | null {
  const own = ownLifetime(answer.fields, receivedAt);
  const ruled = firstMatch(rules.ttlRules, answer.url);
  const lasting = LASTING.has(answer.status);
  const base = lasting ? (ruled ?? own ?? (isBought(rules, answer) ? rules.defaultTtl : estimated(answer.fields, receivedAt))) : least(own, ruled);
  if (base === null) return null;
  return Math.min(base, FOREVER, ...rules.limits.map((limit) => firstMatch(limit.ttlRules, answer.url) ?? FOREVER));
}

export interface DatedAnswer {
  method: string;
  url: string;
  status: number;
  fields: HeaderFields;
  /** µ$ that the first one paid for it. */
  price: Micros;
}

/** Whether an answer is kept on our own account, whatever it says: it cost, or a person named the call. */
export function isClaimed(rules: CacheRules, answer: DatedAnswer): boolean {
  return isBought(rules, answer) || firstMatch(rules.ttlRules, answer.url) !== null;
}

function isBought(rules: CacheRules, answer: DatedAnswer): boolean {
  return answer.price > 0n || isReused(rules, answer);
}

/** Whether it says itself that it may be kept, and so for whom. */
export function isExplicit(fields: HeaderFields): boolean {
  const directives = directivesOf(fields);
  return directives.has('max-age') || directives.has('public') || fields['expires'] !== undefined;
}

/** No longer than a day, as RFC 9111's predecessor had it and caches do: an estimate over years says nothing. */
const MAX_ESTIMATE = 86_400;

function estimated(fields: HeaderFields, receivedAt: number): number | null {
  const modified = parseHttpDate(fieldValue(fields, 'last-modified') ?? '', receivedAt);
  if (modified === null) return null;
  return Math.min(MAX_ESTIMATE, Math.max(0, Math.floor((dateOf(fields, receivedAt) - modified) / 10_000)));
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
