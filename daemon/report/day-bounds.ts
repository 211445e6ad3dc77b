const QUARTER = 15 * 60_000;

/** A day with a daylight-saving change has 25 hours; one more for zones that moved by more than an hour. */
const LONGEST_DAY = 26 * 4;

/**
 * When the user's day of this instant begins and when the next one does. Searched with `dayOf` alone, which knows the
 * zone: a day begins on a quarter of an hour (`core/day.ts`), so a few looks find it.
 */
export function dayBounds(now: number, dayOf: (at: number) => string): { since: number; until: number } {
  const today = dayOf(now);
  const quarter = Math.floor(now / QUARTER);
  const isToday = (index: number): boolean => dayOf(index * QUARTER) === today;
  const since = firstWhere(quarter - LONGEST_DAY, quarter, isToday);
  const until = firstWhere(quarter + 1, quarter + LONGEST_DAY, (index) => !isToday(index));
  return { since: since * QUARTER, until: until * QUARTER };
}

/** The first index at which something becomes true that then stays true. */
function firstWhere(from: number, to: number, holds: (index: number) => boolean): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
