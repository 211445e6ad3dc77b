/**
 * An HTTP-date in any of its three forms (RFC 9110, section 5.6.7), in milliseconds; null for anything else. `Date.parse`
 * reads far more than that, and what HTTP calls invalid must count as already expired (RFC 9111, section 5.3).
 */
export function parseHttpDate(text: string, now: number): number | null {
  for (const form of [FIXDATE, RFC850, ASCTIME]) {
    const groups = form.exec(text)?.groups;
    if (groups !== undefined) return timeOf(groups, now);
  }
  return null;
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH = `(?<month>${MONTHS.join('|')})`;
const TIME = '(?<hour>\\d{2}):(?<minute>\\d{2}):(?<second>\\d{2})';
const SHORT = '(?:mon|tue|wed|thu|fri|sat|sun)';
const LONG = '(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)';

const FIXDATE = new RegExp(`^${SHORT}, (?<day>\\d{2}) ${MONTH} (?<year>\\d{4}) ${TIME} gmt$`, 'i');
const RFC850 = new RegExp(`^${LONG}, (?<day>\\d{2})-${MONTH}-(?<year>\\d{2}) ${TIME} gmt$`, 'i');
const ASCTIME = new RegExp(`^${SHORT} ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})$`, 'i');

function timeOf(groups: Record<string, string>, now: number): number | null {
  const [day, hour, minute, second] = ['day', 'hour', 'minute', 'second'].map((name) => Number(groups[name])) as [number, number, number, number];
  const month = MONTHS.indexOf(groups['month']!.toLowerCase());
  const year = groups['year']!.length === 4 ? Number(groups['year']) : fullYear(Number(groups['year']), now);
  if (day < 1 || hour > 23 || minute > 59 || second > 60) return null;
  const at = Date.UTC(year, month, day, hour, minute, second);
  // 31 February is no day; Date.UTC would make it one in March.
  return new Date(Date.UTC(year, month, day)).getUTCDate() === day ? at : null;
}

/** Two digits that would lie more than fifty years ahead mean the last century that ended with them. */
function fullYear(digits: number, now: number): number {
  const thisYear = new Date(now).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + digits;
  return year > thisYear + 50 ? year - 100 : year;
}
