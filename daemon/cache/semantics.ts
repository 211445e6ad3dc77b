import CachePolicy from 'http-cache-semantics';
import { alwaysValidated, directivesOf, type Directives } from '../core/cache-control.ts';
import { variesBy } from '../core/cache-key.ts';
import type { CacheRules } from '../core/cache-rules.ts';
import { fieldValue, type HeaderFields } from '../core/fields.ts';
import { initialAge, isClaimed, isExplicit, lifetimeOf, type DatedAnswer } from '../core/freshness.ts';
import { keepableAnswer } from '../core/keepable.ts';

/**
 * `http-cache-semantics` decides. It reads fields more loosely than RFC 9111 asks (case of directives, dates, Age, several
 * lines of a field), takes `must-revalidate` for `no-cache` and knows nothing of our rules; so it is given what we have
 * read: one lifetime, one age, and the directives that bear on the decision.
 */
export interface Judged {
  storable: boolean;
  /** Seconds since the server made it. */
  age: number;
  freshUntil: number;
  /** What tells it from other answers of its key; see `variesBy`. */
  varies: string[] | null;
  /** Whether this request may have it as it is. */
  satisfies(request: HeaderFields): boolean;
}

export interface JudgedAnswer extends DatedAnswer {
  /** When it came, or was last validated. */
  receivedAt: number;
}

export function judge(rules: CacheRules, answer: JudgedAnswer, now: number): Judged {
  const directives = directivesOf(answer.fields);
  const validate = alwaysValidated(answer.fields, directives);
  const lifetime = lifetimeOf(rules, answer, answer.receivedAt);
  const policy = policyFor(answer, lifetime, validate, now);
  const age = policy.age();
  const lasts = validate ? 0 : (lifetime ?? 0);
  return {
    storable: keepableAnswer(answer) && policy.storable(),
    age: Math.max(0, Math.floor(age)),
    freshUntil: now + Math.round((lasts - age) * 1_000),
    varies: variesBy(answer.fields, { explicit: isExplicit(answer.fields), claimed: isClaimed(rules, answer) }),
    satisfies: (request) => policy.satisfiesWithoutRevalidation({ method: 'GET', headers: asked(request, directives) }),
  };
}

/** By the given clock, which the library lets itself be given. Method and URL are in the key, and so is Vary. */
function policyFor(answer: JudgedAnswer, lifetime: number | null, validate: boolean, now: number): CachePolicy {
  const control = [...(lifetime === null ? [] : [`max-age=${lifetime}`]), ...(validate ? ['no-cache'] : [])].join(', ');
  const headers = { age: String(initialAge(answer.fields)), ...(control === '' ? {} : { 'cache-control': control }) };
  const fresh = new CachePolicy({ method: 'GET', headers: {} }, { status: answer.status, headers }, { shared: false }).toObject();
  return Object.assign(CachePolicy.fromObject({ ...fresh, t: answer.receivedAt }), { now: () => now });
}

const CLIENTS = ['no-cache', 'max-age', 'min-fresh', 'max-stale'] as const;

/** What the client wants of a stored answer; it cannot accept a stale one that its server forbids to use (section 5.2.2.2). */
function asked(request: HeaderFields, answer: Directives): Record<string, string> {
  const wanted = directivesOf(request);
  const words = CLIENTS.filter((name) => wanted.has(name) && !(name === 'max-stale' && answer.has('must-revalidate')));
  const control = words.map((name) => (wanted.get(name) === '' ? name : `${name}=${wanted.get(name)}`)).join(', ');
  const pragma = wanted.size === 0 ? fieldValue(request, 'pragma') : null;
  return { ...(control === '' ? {} : { 'cache-control': control }), ...(pragma === null ? {} : { pragma }) };
}
