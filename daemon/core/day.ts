/**
 * Calendar days in the user's own zone. `Intl` knows the zone's history, so a day with a daylight-saving change has
 * 23 or 25 hours and still is one day.
 */
const formats = new Map<string, Intl.DateTimeFormat>();

/** `2026-11-21`, the date on the user's wall calendar at this instant. */
export function dayOf(at: number, timeZone: string): string {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
    formats.set(timeZone, format);
  }
  return format.format(at);
}

/**
 * A cached `dayOf`: formatting costs microseconds, and on the path of every call the day rarely changes. Zone offsets
 * are whole quarters of an hour, so a day can begin only on such an instant, and the answer holds within a quarter.
 */
export function calendar(timeZone: string): (at: number) => string {
  const QUARTER = 15 * 60_000;
  let quarter = Number.NaN;
  let day = '';
  return (at) => {
    const now = Math.floor(at / QUARTER);
    if (now !== quarter) {
      day = dayOf(at, timeZone);
      quarter = now;
    }
    return day;
  };
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
