import type { CachedAnswerFullView, CachedAnswerView, CacheListView } from '../contract/cache-views.ts';
import { printable, shortened } from '../contract/printable.ts';
import { cell, count, dollars, fold, shortId, WIDTH } from '../report/page.ts';

/** What `pag0 cache` prints. Everything in it but our own words comes from servers and agents. */
export function listText({ answers, total, bytes, maxBytes }: CacheListView, now: number): string {
  const head = `The cache holds ${count(total, 'answer')}, ${size(bytes)} of ${size(maxBytes)}.`;
  if (answers.length === 0) return total === 0 ? head : `${head} None of them is meant.`;
  const lines = answers.map((one) => {
    const facts = `${cell(one.id, 12)}  ${right(size(one.size), 8)}  ${right(dollars(one.price), 8)}  ${right(state(one, now), 9)}  ${right(String(one.hits), 4)}  `;
    return facts + shortened(`${one.method} ${one.url.replace(/^https?:\/\//, '')}`, WIDTH - facts.length);
  });
  const more = answers.length < total ? [`${count(answers.length, 'answer')} shown; --limit shows more.`] : [];
  return [head, '', `${'id'.padEnd(12)}  ${right('size', 8)}  ${right('paid', 8)}  ${right('fresh for', 9)}  ${right('hits', 4)}  request`, ...lines, ...more].join('\n');
}

export function answerText(answer: CachedAnswerFullView, now: number): string {
  const at = (time: number): string => new Date(time).toISOString().replace('T', ' ').slice(0, 19);
  const fields = Object.entries(answer.fields).flatMap(([name, value]) => (typeof value === 'string' ? [value] : value).flatMap((line) => fold(`${name}: ${line}`, '  ')));
  return [
    ...fold(`${answer.id}  ${answer.method} ${answer.url}`, ''),
    `  status    ${answer.status}`,
    `  paid      ${dollars(answer.price)} by ${shortened(answer.by.agent, 24)} in session ${shortId(answer.by.session)}`,
    `  project   ${shortened(answer.by.project, WIDTH - 12)}`,
    `  shared    ${answer.scope}`,
    `  stored    ${at(answer.storedAt)} UTC`,
    `  fresh     ${answer.expiresAt > now ? `for ${lasting(answer.expiresAt - now)}` : `no more, since ${at(answer.expiresAt)} UTC`}`,
    `  used      ${count(answer.hits, 'time')}, last ${at(answer.usedAt)} UTC`,
    `  size      ${size(answer.size)}`,
    '',
    ...fields,
    ...(answer.body === undefined ? [] : ['', ...bodyLines(answer.body)]),
  ].map((line) => printable(line)).join('\n');
}

function bodyLines(body: NonNullable<CachedAnswerFullView['body']>): string[] {
  if ('unread' in body) return [`(${body.unread})`];
  if ('bytes' in body) return ['(not text; --json has it in base64)'];
  return [...body.text.split(/\r?\n/), ...(body.cut ? ['(and more)'] : [])];
}

function state(answer: CachedAnswerView, now: number): string {
  return answer.expiresAt > now ? lasting(answer.expiresAt - now) : 'stale';
}

/** "12 s", "29 min", "5 h", "3 d" */
function lasting(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`;
}

/** "812 B", "4.0 kB", "256 MB" */
function size(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  const kilo = bytes / 1_024;
  return kilo < 1_024 ? `${kilo.toFixed(kilo < 10 ? 1 : 0)} kB` : `${(kilo / 1_024).toFixed(kilo < 10_240 ? 1 : 0)} MB`;
}

function right(text: string, width: number): string {
  return text.padStart(width);
}
