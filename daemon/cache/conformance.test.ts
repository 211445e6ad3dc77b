import { describe, expect, it } from 'vitest';
import type { Fields } from '../ports.ts';
import { IDS } from './conformance-ids.fixture.ts';
import { play, type Outcome, type Step } from './conformance.fixture.ts';
import { START } from './world.fixture.ts';

/**
 * Our rules, held against the public HTTP cache tests: every id of theirs is a case below, played our way, or stands in
 * `NOT_OURS` with a reason. The rules are those of an empty configuration, and nothing costs, so that HTTP alone decides.
 */
type Cases = Record<string, readonly Step[]>;

/** A date as HTTP writes it, in seconds from when the case begins. */
const at = (seconds: number): string => new Date(START + seconds * 1_000).toUTCString();
const cc = (control: string | string[], more: Fields = {}): Fields => ({ 'cache-control': control, ...more });
const first = (fields: Fields = {}, more: Partial<Step> = {}): Step => ({ says: { fields }, then: 'asked', ...more });
const next = (then: Outcome, more: Partial<Step> = {}): Step => ({ then, ...more });
/** One answer, and what comes of the same request so many seconds later. */
const again = (fields: Fields, after: number, then: Outcome, more: Partial<Step> = {}): Step[] => [first(fields), next(then, { after, ...more })];
const cases = <T>(values: readonly T[], make: (value: T) => [id: string, steps: readonly Step[]]): Cases => Object.fromEntries(values.map(make));
/** The same with another status. */
const status = (code: number, fields: Fields, after: number, then: Outcome): Step[] => [first({}, { status: code, says: { status: code, fields } }), next(then, { after, ...(then === 'cached' ? { status: code } : {}) })];

const HOUR = cc('max-age=3600');
const SOON = cc('max-age=2');
const ETAG = '"v1"';
const MODIFIED = at(-3_000);
const TAGGED = { ...HOUR, etag: ETAG };
const LONG_AGO = { expires: at(-5_000), 'last-modified': at(-100_000), date: at(0) };

const FRESHNESS: Cases = {
  'freshness-none': again({}, 0, 'asked'),
  'freshness-max-age': again(HOUR, 3_599, 'cached'),
  'freshness-max-age-stale': again(SOON, 3, 'asked'),
  'freshness-max-age-0': again(cc('max-age=0'), 1, 'asked'),
  'freshness-max-age-max-minus-1': again(cc('max-age=2147483647'), 86_400, 'cached'),
  'freshness-max-age-max': again(cc('max-age=2147483648'), 86_400, 'cached'),
  'freshness-max-age-max-plus-1': again(cc('max-age=2147483649'), 86_400, 'cached'),
  'freshness-max-age-max-plus': again(cc('max-age=99999999999'), 86_400, 'cached'),
  'freshness-max-age-age': again({ ...HOUR, age: '7200' }, 1, 'asked'),
  'freshness-max-age-expires': again(cc('max-age=3600', { expires: at(-7_200), date: at(0) }), 3_000, 'cached'),
  'freshness-max-age-expires-invalid': again(cc('max-age=3600', { expires: '0' }), 3_000, 'cached'),
  'freshness-max-age-0-expires': again(cc('max-age=0', { expires: at(3_600) }), 1, 'asked'),
  'freshness-max-age-extension': again(cc('whatever, max-age=3600'), 3_000, 'cached'),
  'freshness-max-age-case-insenstive': again(cc('MAX-aGe=3600'), 3_000, 'cached'),
  'freshness-max-age-negative': again(cc('max-age=-3600'), 1, 'asked'),
  'freshness-max-age-s-maxage-private': again(cc('s-maxage=3600, max-age=1'), 3, 'asked'),
  'freshness-max-age-s-maxage-private-multiple': again(cc(['s-maxage=3600', 'max-age=1']), 3, 'asked'),
  'freshness-max-age-two-fresh-stale-sameline': again(cc('max-age=3600, max-age=1'), 3_000, 'cached'),
  'freshness-max-age-two-fresh-stale-sepline': again(cc(['max-age=3600', 'max-age=1']), 3_000, 'cached'),
  'freshness-max-age-quoted': again(cc('max-age="3600"'), 3_000, 'cached'),
  'freshness-max-age-ignore-quoted': again(cc('note="max-age=3600", max-age=1'), 3, 'asked'),
  'freshness-max-age-ignore-quoted-rev': again(cc('max-age=1, note="max-age=3600"'), 3, 'asked'),
  'freshness-max-age-space-before-equals': again(cc('max-age =3600'), 1, 'asked'),
  'freshness-max-age-space-after-equals': again(cc('max-age= 3600'), 1, 'asked'),
  'freshness-max-age-leading-zero': again(cc('max-age=003600'), 3_000, 'cached'),
  'freshness-max-age-single-quoted': again(cc("max-age='3600'"), 1, 'asked'),
  'freshness-expires-future': again({ expires: at(30 * 86_400), date: at(0) }, 29 * 86_400, 'cached'),
  'freshness-expires-past': again({ expires: at(-30 * 86_400), date: at(0) }, 1, 'asked'),
  'freshness-expires-present': again({ expires: at(0), date: at(0) }, 0, 'asked'),
  'freshness-expires-old-date': again({ expires: at(300), date: at(400) }, 1, 'asked'),
  'freshness-expires-invalid': again({ expires: '0' }, 1, 'asked'),
  'freshness-expires-invalid-date': again({ expires: at(7_200), date: 'yesterday' }, 7_000, 'cached'),
  'freshness-expires-age-slow-date': again({ expires: at(10), date: at(-10), age: '25' }, 0, 'asked'),
  'freshness-expires-age-fast-date': again({ expires: at(20), date: at(10), age: '15' }, 0, 'asked'),
  ...cases<[string, string]>([
    ['32bit', 'Tue, 19 Jan 2038 14:14:08 GMT'],
    ['far-future', 'Sun, 21 Nov 2286 04:46:39 GMT'],
    ['rfc850', 'Wednesday, 24-Mar-49 11:05:09 GMT'],
    ['ansi-c', 'Wed Mar  3 11:05:09 2049'],
    ['wrong-case-weekday', 'wED, 24 Mar 2049 11:05:09 GMT'],
    ['wrong-case-month', 'Wed, 24 mAR 2049 11:05:09 GMT'],
    ['wrong-case-tz', 'Wed, 24 Mar 2049 11:05:09 Gmt'],
  ], ([name, expires]) => [`freshness-expires-${name}`, again({ expires, date: at(0) }, 86_400, 'cached')]),
  ...cases<[string, string | string[]]>([
    ['utc', 'Wed, 24 Mar 2049 11:05:09 UTC'],
    ['aest', 'Wed, 24 Mar 2049 11:05:09 AEST'],
    ['2-digit-year', 'Wed, 24 Mar 49 11:05:09 GMT'],
    ['no-comma', 'Wed 24 Mar 2049 11:05:09 GMT'],
    ['multiple-spaces', 'Wed, 24  Mar  2049 11:05:09 GMT'],
    ['date-dashes', 'Wed, 24-Mar-2049 11:05:09 GMT'],
    ['time-periods', 'Wed, 24 Mar 2049 11.05.09 GMT'],
    ['1-digit-hour', 'Wed, 24 Mar 2049 1:05:09 GMT'],
    ['multiple-lines', ['Wed, 24 Mar 2049 11:05:09 GMT', 'Wed, 24 Mar 2049 11:05:10 GMT']],
  ], ([name, expires]) => [`freshness-expires-invalid-${name}`, again({ expires, date: at(0) }, 1, 'asked')]),
};

const AGE: Cases = {
  ...cases<[string, string | string[], Outcome]>([
    ['nonnumeric', 'old', 'cached'],
    ['negative', '-7200', 'cached'],
    ['float', '7200.0', 'cached'],
    ['large-minus-one', '2147483647', 'asked'],
    ['large', '2147483648', 'asked'],
    ['larger', '2147483649', 'asked'],
    ['suffix', '7200, 0', 'asked'],
    ['prefix', '0, 7200', 'cached'],
    ['suffix-twoline', ['7200', '0'], 'asked'],
    ['prefix-twoline', ['0', '7200'], 'cached'],
    ['dup-0', '0, 0', 'cached'],
    ['dup-0-twoline', ['0', '0'], 'cached'],
  ], ([name, age, then]) => [`age-parse-${name}`, again({ ...HOUR, age }, 3_000, then)]),
  'age-parse-dup-old': [...again(cc('max-age=10000', { age: ['3600', '3600'] }), 6_399, 'cached', { has: { age: '9999' } }), next('asked', { after: 1 })],
  'other-age-gen': again(HOUR, 3_000, 'cached', { has: { age: '3000' } }),
  'other-age-update-expires': again({ expires: at(86_400), date: at(0), age: '30' }, 3_000, 'cached', { has: { age: '3030' } }),
  'other-age-update-max-age': again({ ...HOUR, age: '30' }, 3_000, 'cached', { has: { age: '3030' } }),
  'other-date-update': again({ ...HOUR, date: at(0) }, 3_000, 'cached', { has: { date: at(0) } }),
  'other-date-update-expires': again({ expires: at(86_400), date: at(0) }, 3_000, 'cached', { has: { date: at(0) } }),
  'other-date-update-expires-update': again({ expires: at(86_400), date: at(0) }, 3_000, 'cached', { has: { expires: at(86_400) } }),
};

/** The first request asks for a fresh answer, so that the second of the server's comes although one is kept. */
const olderThan = (control: string): Step[] => [first({ ...HOUR, a: '1' }), next('asked', { after: 1, fields: cc('no-cache'), says: { fields: cc(control, { a: '2' }) } }), next('cached', { after: 1, has: { a: '1' } })];

const DIRECTIVES: Cases = {
  'cc-resp-private-private': again(cc('private, max-age=3600'), 3_000, 'cached'),
  'cc-resp-no-store': again(cc('no-store'), 0, 'asked'),
  'cc-resp-no-store-case-insensitive': again(cc('nO-StOrE'), 0, 'asked'),
  'cc-resp-no-store-fresh': again(cc('max-age=10000, no-store', { expires: at(10_000) }), 0, 'asked'),
  'cc-resp-no-store-old-new': olderThan('no-store'),
  'cc-resp-no-store-old-max-age': olderThan('no-store, max-age=0'),
  'cc-resp-no-cache': again(cc('max-age=10000, no-cache', { expires: at(10_000) }), 0, 'asked'),
  'cc-resp-no-cache-case-insensitive': again(cc('max-age=10000, NO-cAcHe'), 0, 'asked'),
  'cc-resp-no-cache-revalidate': again(cc('no-cache', { etag: ETAG }), 0, 'validated', { sends: { 'if-none-match': ETAG } }),
  'cc-resp-no-cache-revalidate-fresh': again(cc('max-age=10000, no-cache', { etag: ETAG, expires: at(10_000) }), 0, 'validated', { sends: { 'if-none-match': ETAG } }),
  'cc-resp-must-revalidate-fresh': again(cc('max-age=3600, must-revalidate', { etag: ETAG }), 3_000, 'cached'),
  'cc-resp-must-revalidate-stale': [...again(cc('max-age=2, must-revalidate', { etag: ETAG }), 1, 'cached'), next('validated', { after: 2, sends: { 'if-none-match': ETAG } })],
  'status-599-must-understand': status(599, cc('max-age=3600, no-store, must-understand'), 0, 'asked'),
  'ccreq-ma0': again(HOUR, 1, 'asked', { fields: cc('max-age=0') }),
  'ccreq-ma1': again(HOUR, 3, 'asked', { fields: cc('max-age=1') }),
  'ccreq-magreaterage': again({ ...HOUR, age: '1800' }, 3, 'asked', { fields: cc('max-age=600') }),
  'ccreq-min-fresh': again(cc('max-age=1500'), 0, 'asked', { fields: cc('min-fresh=2000') }),
  'ccreq-min-fresh-age': again(cc('max-age=1500', { age: '1000' }), 0, 'asked', { fields: cc('min-fresh=1000') }),
  'ccreq-no-cache': again(HOUR, 0, 'asked', { fields: cc('no-cache') }),
  'ccreq-no-cache-lm': again({ ...HOUR, 'last-modified': MODIFIED }, 0, 'validated', { fields: cc('no-cache'), sends: { 'if-modified-since': MODIFIED } }),
  'ccreq-no-cache-etag': again(TAGGED, 0, 'validated', { fields: cc('no-cache'), sends: { 'if-none-match': ETAG } }),
  'ccreq-no-store': again(HOUR, 1, 'asked', { fields: cc('no-store') }),
  'ccreq-oic': [first({}, { fields: cc('only-if-cached'), then: 'not sent', status: 504 })],
  'pragma-request-extension': again(HOUR, 1, 'cached', { fields: { pragma: 'whatever' } }),
  'pragma-response-no-cache': again({ ...HOUR, pragma: 'no-cache' }, 3_000, 'cached'),
  'pragma-response-extension': again({ ...HOUR, pragma: 'whatever' }, 3_000, 'cached'),
};

const STALE: Cases = {
  'stale-while-revalidate-window': again(cc('max-age=1, stale-while-revalidate=4', { etag: ETAG }), 6, 'validated', { sends: { 'if-none-match': ETAG } }),
  'stale-close-must-revalidate': again(cc('max-age=2, must-revalidate'), 3, 'failed', { says: 'nothing' }),
  'stale-close-no-cache': again(cc('max-age=2, no-cache'), 3, 'failed', { says: 'nothing' }),
};

const OLD = { 'last-modified': at(-86_400), date: at(0) };

/** Last modified so many seconds ago: fresh for a tenth of that. */
const heuristic = (delta: number): Step[] => {
  const lasts = Math.floor(delta / 10);
  const fields = { 'last-modified': at(-delta), date: at(0) };
  return lasts === 0 ? again(fields, 1, 'validated') : [...again(fields, lasts - 1, 'cached'), next('validated', { after: 1 })];
};

const STATUS: Cases = {
  ...cases([200, 203, 204, 301, 302, 303, 307, 308, 404, 410], (code) => [`status-${code}-fresh`, status(code, cc('max-age=100000'), 86_400, 'cached')]),
  ...cases([200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 504, 599], (code) => [`status-${code}-stale`, status(code, LONG_AGO, 3, 'asked')]),
  ...cases([5, 10, 30, 60, 300, 600, 1_200, 1_800, 3_600, 43_200, 86_400], (delta) => [`heuristic-delta-${delta}`, heuristic(delta)]),
  ...cases([200, 203, 204, 410], (code) => [`heuristic-${code}-cached`, status(code, OLD, 1_000, 'cached')]),
  ...cases([201, 202, 403, 502, 503, 504, 599], (code) => [`heuristic-${code}-not_cached`, status(code, OLD, 0, 'asked')]),
};

const by = (names: string, fields: Fields, then: Outcome, more: Fields = {}): Step[] => [
  first({}, { fields: { ...fields, other: '1' }, says: { fields: cc('max-age=5000', { vary: names, 'last-modified': MODIFIED }) } }),
  next(then, { after: 3_000, fields: more }),
];
const language = (second: string, then: Outcome): Step[] => by('Accept-Language', { 'accept-language': 'en, de' }, then, { 'accept-language': second });
const ABC = { a: '1', b: 'two', c: '3' };

const VARY: Cases = {
  'vary-match': by('A', { a: '1' }, 'cached', { a: '1' }),
  'vary-no-match': by('A', { a: '1' }, 'asked', { a: '2' }),
  'vary-omit-stored': by('A', {}, 'asked', { a: '1' }),
  'vary-omit': by('A', { a: '1' }, 'asked'),
  'vary-invalidate': [
    ...['1', '2'].map((a) => first(cc('max-age=5000', { vary: 'A' }), { fields: { a } })),
    ...['1', '2'].map((a) => next('cached', { after: 1_000, fields: { a }, has: { 'x-answer': a } })),
  ],
  'vary-cache-key': by('A', { a: '1' }, 'cached', { a: '1', other: '2' }),
  'vary-2-match': by('A, B', { a: '1', b: 'two' }, 'cached', { a: '1', b: 'two' }),
  'vary-2-no-match': by('A, B', { a: '1', b: 'two' }, 'asked', { a: '2', b: 'two' }),
  'vary-2-match-omit': by('A, B', { a: '1', b: 'two' }, 'asked'),
  'vary-3-match': by('A, B, C', ABC, 'cached', ABC),
  'vary-3-no-match': by('A, B, C', ABC, 'asked', { ...ABC, a: '2' }),
  'vary-3-order': by('A, B, C', ABC, 'asked', { a: '1', c: '3', b: 'twofold' }),
  'vary-3-omit': by('A, B, C', { a: '1', c: '3' }, 'cached', { a: '1', c: '3' }),
  'vary-star': by('*', { a: '1' }, 'asked', { a: '1' }),
  'vary-normalise-combine': by('A', { a: '1, 2' }, 'cached', { a: ['1', '2'] }),
  'vary-normalise-space': by('A', { a: '1,2' }, 'cached', { a: ' 1, 2 ' }),
  'vary-normalise-lang-case': language('EN, De', 'cached'),
  'vary-normalise-lang-space': language(' en ,   de', 'cached'),
  ...cases<[string, string | string[]]>([
    ['star', '*'],
    ['star-star', '*, *'],
    ['star-star-lines', ['*', '*']],
    ['empty-star', ', *'],
    ['empty-star-lines', ['', '*']],
    ['star-foo', '*, A'],
    ['foo-star', 'A, *'],
  ], ([name, vary]) => [`vary-syntax-${name}`, [first(cc('max-age=5000', { vary }), { fields: { a: '1' } }), next('asked', { fields: { a: '1' } })]]),
};

/** A kept answer with a validator, and what a client's own condition gets for it. */
const condition = (kept: Fields, fields: Fields, code: number, more: Partial<Step> = {}): Step[] => again({ ...HOUR, ...kept }, 3_000, 'cached', { fields, status: code, ...more });
const matching = (etag: string, tags: string, code: number): Step[] => condition({ etag }, { 'if-none-match': tags }, code);

const CONDITIONS: Cases = {
  'conditional-lm-fresh': condition({ 'last-modified': MODIFIED }, { 'if-modified-since': MODIFIED }, 304),
  'conditional-lm-fresh-earlier': condition({ 'last-modified': MODIFIED }, { 'if-modified-since': at(-2_000) }, 304),
  'conditional-lm-fresh-rfc850': condition({ 'last-modified': MODIFIED }, { 'if-modified-since': 'Saturday, 21-Nov-26 06:48:00 GMT' }, 304),
  // A stale answer is left to a client that asks about its own copy: its condition travels on, and the 304 is the client's.
  'conditional-lm-stale': [first({ ...SOON, 'last-modified': MODIFIED }), next('asked', { after: 3, fields: { 'if-modified-since': MODIFIED }, sends: { 'if-modified-since': MODIFIED }, says: { status: 304 }, status: 304 })],
  'conditional-etag-strong-respond': matching(ETAG, ETAG, 304),
  'conditional-304-etag': condition({ etag: ETAG }, { 'if-none-match': ETAG }, 304, { has: { etag: ETAG } }),
  'conditional-etag-precedence': condition({ etag: ETAG, 'last-modified': MODIFIED }, { 'if-none-match': ETAG, 'if-modified-since': at(-10_000) }, 304),
  'conditional-etag-strong-respond-obs-text': matching('"vü1"', '"vü1"', 304),
  'conditional-etag-weak-respond': matching('W/"v1"', 'W/"v1"', 304),
  'conditional-etag-strong-respond-multiple-first': matching(ETAG, '"v1", "v2", "v3"', 304),
  'conditional-etag-strong-respond-multiple-second': matching(ETAG, '"v0", "v1", "v2"', 304),
  'conditional-etag-strong-respond-multiple-last': matching(ETAG, '"v2", "v0", "v1"', 304),
  'conditional-etag-vary-headers': [first({ expires: at(1), date: at(0), etag: ETAG, vary: 'A' }, { fields: { a: '1' } }), next('validated', { after: 3, fields: { a: '1' }, sends: { a: '1', 'if-none-match': ETAG } })],
  'conditional-etag-strong-generate': again({ ...SOON, etag: ETAG }, 3, 'validated', { sends: { 'if-none-match': ETAG } }),
  'conditional-etag-weak-generate-weak': again({ ...SOON, etag: 'W/"v1"' }, 3, 'validated', { sends: { 'if-none-match': 'W/"v1"' } }),
  'conditional-etag-forward': [first({}, { fields: { 'if-none-match': ETAG }, sends: { 'if-none-match': ETAG } })],
};

const STORED: Record<string, string> = {
  'Test-Header': 'one', 'X-Test-Header': 'one', 'Content-Foo': 'one', 'X-Content-Foo': 'one', 'Cache-Control': 'max-age=3600',
  'Content-Length': '8', 'Content-Location': '/there', 'Content-MD5': 'FNG17w4OfNIHcQyuKjgn/A==', 'Content-Security-Policy': "default-src 'none'",
  'Content-Type': 'text/plain;charset=utf-8', 'Clear-Site-Data': 'cache', ETag: ETAG, Expires: at(40_000), 'Public-Key-Pins': 'one',
  'X-Frame-Options': 'deny', 'X-XSS-Protection': '1',
};
const NEVER_STORED = ['Connection', 'Keep-Alive', 'Proxy-Authenticate', 'Proxy-Authentication-Info', 'Proxy-Authorization', 'Proxy-Connection', 'TE', 'Transfer-Encoding', 'Upgrade'];
/** What a 304 brings in its place. */
const RENEWED: Record<string, string> = {
  'Test-Header': 'two', 'X-Test-Header': 'two', 'Content-Foo': 'two', 'X-Content-Foo': 'two', 'Cache-Control': 'max-age=7200',
  'Content-Location': '/elsewhere', 'Content-Security-Policy': "default-src 'self'", 'Content-Type': 'text/plain', 'Clear-Site-Data': 'cookies',
  Expires: at(50_000), 'Public-Key-Pins': 'two', 'X-Frame-Options': 'sameorigin', 'X-XSS-Protection': '0',
};
/** A 304 that names a field anew: what the renewed answer has, and who comes after it gets. */
const renewed = (name: string, old: string, update: string, expected: string): Step[] => {
  const key = name.toLowerCase();
  return [
    first({ ...SOON, etag: ETAG, [key]: old }),
    next('validated', { after: 4_000, says: { fields: { ...SOON, etag: ETAG, [key]: update } }, has: { [key]: expected } }),
    next('cached', { after: 1, has: { [key]: expected } }),
  ];
};

const FIELDS: Cases = {
  'headers-omit-headers-listed-in-Connection': again({ ...HOUR, connection: 'A, b', a: '1', b: '2', c: '3' }, 1, 'cached', { has: { a: null, b: null, c: '3', connection: null } }),
  ...cases(Object.entries(STORED), ([name, value]) => [`headers-store-${name}`, again({ ...HOUR, [name.toLowerCase()]: value }, 3_000, 'cached', { has: { [name.toLowerCase()]: value } })]),
  ...cases(NEVER_STORED, (name) => [`headers-store-${name}`, again({ ...HOUR, [name.toLowerCase()]: 'one' }, 3_000, 'cached', { has: { [name.toLowerCase()]: null } })]),
  // The client never said that it takes gzip, and its server did not mind: nor would it the second time.
  'headers-store-Content-Encoding': again({ ...HOUR, 'content-encoding': 'gzip' }, 3_000, 'cached', { has: { 'content-encoding': 'gzip' } }),
  '304-lm-use-stored-Test-Header': again({ ...SOON, 'last-modified': MODIFIED, 'test-header': 'one' }, 3, 'validated', { says: { fields: { 'last-modified': MODIFIED } }, has: { 'test-header': 'one' } }),
  ...cases(Object.entries(RENEWED), ([name, value]) => [`304-etag-update-response-${name}`, renewed(name, STORED[name]!, value, value)]),
  '304-etag-update-response-Content-Length': renewed('Content-Length', '8', '10', '8'),
};

const METHODS = ['POST', 'PUT', 'DELETE', 'M-SEARCH'];
const naming = (method: string, field: string): Step[] => [
  first(HOUR, { path: '/made' }),
  first(HOUR, { path: '/other' }),
  next('asked', { method, says: { fields: { [field]: '/case/made' } } }),
  next('asked', { path: '/made' }),
  next('cached', { path: '/other' }),
];

const WRITES: Cases = {
  ...cases(METHODS, (method) => [`invalidate-${method}`, [first(HOUR), next('asked', { after: 1, method }), next('asked')]]),
  ...cases(METHODS, (method) => [`invalidate-${method}-failed`, [first(HOUR), next('asked', { after: 1, method, says: { status: 500 } }), next('cached')]]),
  ...cases(METHODS, (method) => [`invalidate-${method}-location`, naming(method, 'location')]),
  ...cases(METHODS, (method) => [`invalidate-${method}-cl`, naming(method, 'content-location')]),
};

const OTHERS: Cases = {
  'head-writethrough': again(SOON, 3, 'asked', { method: 'HEAD' }),
  'other-authorization': [first(HOUR, { fields: { authorization: 'one' } }), next('asked')],
  'query-args-different': [first(HOUR, { path: '?q=one' }), next('asked', { path: '?q=two' })],
  'query-args-same': [first(HOUR, { path: '?q=one' }), next('cached', { after: 3_000, path: '?q=one' })],
  'other-heuristic-content-disposition-attachment': again({ ...OLD, 'content-disposition': 'attachment; filename=a.txt' }, 1_000, 'cached'),
  'other-fresh-content-disposition-attachment': again({ ...HOUR, 'content-disposition': 'attachment; filename=a.txt' }, 3_000, 'cached'),
};

const AS_ASKED: Cases = { ...FRESHNESS, ...AGE, ...DIRECTIVES, ...STALE, ...STATUS, ...VARY, ...CONDITIONS, ...FIELDS, ...WRITES, ...OTHERS };

/** Nothing here is required by the public tests: they look what a cache does, or think another way better. Ours has a reason. */
const FOR_A_REASON: Record<string, Cases> = {
  'clocks are wrong more often than caches are old, so Date adds no age (RFC 9111, section 4.2.3, leaves it open)': {
    'freshness-max-age-date': again(cc('max-age=3600', { date: at(-7_200) }), 3_000, 'cached'),
  },
  'of two lifetimes the first counts (RFC 9111, section 4.2.1)': {
    'freshness-max-age-two-stale-fresh-sameline': again(cc('max-age=1, max-age=3600'), 3, 'asked'),
    'freshness-max-age-two-stale-fresh-sepline': again(cc(['max-age=1', 'max-age=3600']), 3, 'asked'),
  },
  'a lifetime that cannot be read is over (RFC 9111, section 4.2.1)': cases<[string, string]>([
    ['decimal-zero', '3600.0'],
    ['decimal-five', '3600.5'],
    ['a100', 'a3600'],
    ['100a', '3600a'],
  ], ([name, value]) => [`freshness-max-age-${name}`, again(cc(`max-age=${value}`), 1, 'asked')]),
  'an Age that is no number is none (RFC 9111, section 5.1)': {
    'age-parse-parameter': again({ ...HOUR, age: '7200;a=b' }, 3_000, 'cached'),
    'age-parse-numeric-parameter': again({ ...HOUR, age: '7200;a=1' }, 3_000, 'cached'),
  },
  'no-cache that names fields is no-cache, as most caches have it (RFC 9111, section 5.2.2.4)': {
    'headers-omit-headers-listed-in-Cache-Control-no-cache-single': again(cc(['no-cache="a"', 'max-age=3600'], { a: '1', b: '2' }), 1, 'asked'),
    'headers-omit-headers-listed-in-Cache-Control-no-cache': again(cc(['no-cache="a, b"', 'max-age=3600'], { a: '1', b: '2', c: '3' }), 1, 'asked'),
  },
  'an agent is told that its server fails, and decides on the truth; nothing stale passes for an answer': {
    'stale-close': again(SOON, 3, 'failed', { says: 'nothing' }),
    'stale-sie-close': again(cc('max-age=2, stale-if-error=60'), 3, 'failed', { says: 'nothing' }),
    'stale-warning-stored': again(LONG_AGO, 3, 'failed', { says: 'nothing' }),
    'stale-warning-become': again(SOON, 3, 'failed', { says: 'nothing' }),
    'stale-503': again(SOON, 3, 'asked', { says: { status: 503 }, status: 503 }),
    'stale-sie-503': again(cc('max-age=2, stale-if-error=60'), 3, 'asked', { says: { status: 503 }, status: 503 }),
  },
  'no request is paid for behind an agent’s back': {
    'stale-while-revalidate': again(cc('max-age=1, stale-while-revalidate=3600', { etag: ETAG }), 3, 'validated'),
  },
  'a failure, and what is not there, are kept as long as their server says, not as long as a default does': cases([404, 405, 414, 501, 599], (code) => [
    `heuristic-${code}-cached`,
    status(code, code === 599 ? cc('public', OLD) : OLD, 0, 'asked'),
  ]),
  'what is kept must be understood (RFC 9111, section 3), and a failure is to be tried again': cases([299, 400, 499, 500, 502, 503, 504, 599], (code) => [`status-${code}-fresh`, status(code, cc('max-age=100000'), 1, 'asked')]),
  'no-store is taken at its word, whatever stands beside it': {
    'status-200-must-understand': again(cc('max-age=3600, no-store, must-understand'), 0, 'asked'),
  },
  'what a POST was answered is nobody’s GET; a POST that only reads is declared as one': {
    'method-POST': [first(cc('max-age=3600', { 'content-location': '/case' }), { method: 'POST' }), next('asked', { after: 1 })],
  },
  'an answer past its time is kept only if its server can vouch for it': {
    'ccreq-max-stale': [...again(SOON, 3, 'asked', { fields: cc('max-stale=1000') }), ...again({ ...SOON, etag: ETAG }, 3, 'cached', { fields: cc('max-stale=1000') }).map((step) => ({ ...step, path: '/with-etag' }))],
    'ccreq-max-stale-age': again(cc('max-age=1500', { age: '2000' }), 0, 'asked', { fields: cc('max-stale=1000') }),
  },
  'Pragma is what clients and servers say who know no Cache-Control, and they mean it (RFC 9111, section 5.4)': {
    'pragma-request-no-cache': again(HOUR, 1, 'asked', { fields: { pragma: 'no-cache' } }),
    'pragma-response-no-cache-heuristic': again({ ...OLD, pragma: 'no-cache' }, 0, 'asked'),
  },
  'the order of languages means something to some servers, and which one they would choose is theirs to say': {
    'vary-normalise-lang-order': language('de, en', 'asked'),
    'vary-normalise-lang-select': [first(cc('max-age=5000', { vary: 'Accept-Language', 'content-language': 'de' }), { fields: { 'accept-language': 'en, de' } }), next('asked', { fields: { 'accept-language': 'fr;q=0.5, de;q=1.0' } })],
  },
  'without Last-Modified its Date counts, and that is later than what the client has (RFC 9111, section 4.3.2)': {
    'conditional-lm-fresh-no-lm': condition({ date: at(0) }, { 'if-modified-since': at(-3_000) }, 200),
  },
  'a text that is no entity tag matches none, and the answer is sent in full': {
    'conditional-etag-quoted-respond-unquoted': matching('"v1"', 'v1', 200),
    'conditional-etag-unquoted-respond-unquoted': matching('v1', 'v1', 200),
    'conditional-etag-unquoted-respond-quoted': matching('v1', '"v1"', 200),
    'conditional-etag-weak-respond-lowercase': matching('w/"v1"', 'w/"v1"', 200),
    'conditional-etag-weak-respond-backslash': matching('W\\"v1"', 'W\\"v1"', 200),
    'conditional-etag-weak-respond-omit-slash': matching('W"v1"', 'W"v1"', 200),
  },
  'a validator goes back to its server as it came from there, and a client’s own as the client wrote it': {
    'conditional-etag-strong-generate-unquoted': again({ ...SOON, etag: 'v1' }, 3, 'validated', { sends: { 'if-none-match': 'v1' } }),
    'conditional-etag-forward-unquoted': [first({}, { fields: { 'if-none-match': 'v1' }, sends: { 'if-none-match': 'v1' } })],
  },
  'a 304 would be about a variant that this request did not select': {
    'conditional-etag-vary-headers-mismatch': [first({ expires: at(10_000), etag: ETAG, vary: 'A' }, { fields: { a: '1' } }), next('asked', { after: 3, fields: { a: '2' }, sends: { 'if-none-match': null } })],
  },
  'the bytes stay as they are, and so does what describes them': {
    '304-etag-update-response-Content-Encoding': renewed('Content-Encoding', 'gzip', 'br', 'gzip'),
    '304-etag-update-response-Content-MD5': renewed('Content-MD5', STORED['Content-MD5']!, 'aDQb8XZBqqJmOvzqkpcRxw==', STORED['Content-MD5']!),
  },
  'a 304 with another entity tag is about another answer (RFC 9111, section 4.3.4)': {
    '304-etag-update-response-ETag': [...again({ ...SOON, etag: ETAG }, 3, 'validated', { says: { fields: { ...SOON, etag: '"v2"' } }, has: { etag: ETAG } }), next('validated', { after: 1, sends: { 'if-none-match': ETAG } })],
  },
  'HEAD goes through to the server, and what is kept of GET stays as it is': {
    'head-200-retain': again({ ...SOON, kept: '1' }, 3, 'asked', { method: 'HEAD', has: { kept: null } }),
    'head-200-freshness-update': [...again(SOON, 3, 'asked', { method: 'HEAD', says: { fields: HOUR } }), next('asked')],
    'head-200-update': [...again({ ...SOON, kept: '1' }, 3, 'asked', { method: 'HEAD', says: { fields: { ...HOUR, kept: '2' } } }), next('asked')],
    'head-410-update': [...again(SOON, 3, 'asked', { method: 'HEAD', says: { status: 410, fields: HOUR }, status: 410 }), next('asked')],
  },
  'Age is said of what was kept; an answer that comes straight from its server has none of ours': {
    'other-age-delay': [first(HOUR, { has: { age: null } })],
  },
  'cookies are one recipient’s: an answer that sets them is not kept, and one to a request with them is no other’s': {
    'other-set-cookie': again({ ...HOUR, 'set-cookie': 'a=b' }, 1, 'asked'),
    'other-cookie': again(HOUR, 1, 'asked', { fields: { cookie: 'a=b' } }),
  },
};

const SHARED = 'for shared caches; this is one person’s';
const COOKIES = 'an answer that sets cookies is never kept, so there is nothing to give again or to renew';
const PARTS = 'requests for a part go to the server, and parts are never kept';
const INTERIM = 'what comes before the final answer ends at the upstream, and neither cache nor client hears of it';

/** By id, or by how ids begin. */
const NOT_OURS: Record<string, string> = {
  'freshness-s-maxage-shared': SHARED,
  'freshness-max-age-s-maxage-shared-*': SHARED,
  'cc-resp-private-shared': SHARED,
  'stale-close-proxy-revalidate': SHARED,
  'stale-close-s-maxage=2': SHARED,
  'other-authorization-*': `${SHARED}, and credentials are in its key whatever an answer allows`,
  'cdn-*': 'CDN-Cache-Control is for CDNs (RFC 9213)',
  'cc-resp-immutable-*': 'about the reload button of browsers',
  'headers-store-Set-Cookie': COOKIES,
  'headers-store-Set-Cookie2': COOKIES,
  '304-etag-update-response-Set-Cookie': COOKIES,
  '304-etag-update-response-Set-Cookie2': COOKIES,
  'headers-store-Content-Range': PARTS,
  '304-etag-update-response-Content-Range': PARTS,
  'partial-*': PARTS,
  'interim-*': INTERIM,
};

const covers = (pattern: string, id: string): boolean => (pattern.endsWith('*') ? id.startsWith(pattern.slice(0, -1)) : id === pattern);

async function check(steps: readonly Step[]): Promise<void> {
  const seen = await play(steps);
  expect(seen.map(({ then }) => then)).toEqual(steps.map(({ then }) => then));
  for (const [index, { status: code, has = {}, sends = {} }] of steps.entries()) {
    const { fields, sent, body, ...one } = seen[index]!;
    if (code !== undefined) expect(one.status).toBe(code);
    for (const [name, value] of Object.entries(has)) expect([name, fields[name] ?? null]).toEqual([name, value]);
    for (const [name, value] of Object.entries(sends)) expect([name, sent[name] ?? null]).toEqual([name, value]);
    if (one.then === 'cached' && one.status === 200) expect(body).toBe(`answer ${String(fields['x-answer'])}`);
  }
}

describe('the cache does what the public tests ask of a private one', () => {
  it.each(Object.entries(AS_ASKED))('%s', (_, steps) => check(steps));
});

describe('the cache goes its own way where none is required', () => {
  const own = Object.entries(FOR_A_REASON).flatMap(([reason, rows]) => Object.entries(rows).map(([id, steps]) => [id, reason, steps] as const));
  it.each(own)('%s: %s', (_, __, steps) => check(steps));
});

describe('the public tests', () => {
  const played = [AS_ASKED, ...Object.values(FOR_A_REASON)].flatMap((rows) => Object.keys(rows));

  it('are all played or left out with a reason, each once', () => {
    const named = IDS.map((id) => [id, played.filter((one) => one === id).length + Object.keys(NOT_OURS).filter((pattern) => covers(pattern, id)).length]);
    expect(named.filter(([, times]) => times !== 1)).toEqual([]);
    expect(new Set(IDS).size).toBe(IDS.length);
  });

  it('know every id that is named here', () => {
    expect(played.filter((id) => !IDS.includes(id))).toEqual([]);
    expect(Object.keys(NOT_OURS).filter((pattern) => !IDS.some((id) => covers(pattern, id)))).toEqual([]);
  });
});
