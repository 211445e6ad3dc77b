import { describe, expect, it } from 'vitest';
import { calendar, dayOf } from './day.ts';

describe('a day', () => {
  it('is the one on the user’s own wall calendar', () => {
    const instant = Date.UTC(2026, 10, 21, 23, 30);
    expect([dayOf(instant, 'UTC'), dayOf(instant, 'Asia/Seoul'), dayOf(instant, 'America/New_York')]).toEqual(['2026-11-21', '2026-11-22', '2026-11-21']);
  });

  it.each([
    ['spring forward, 23 hours', 'Europe/Paris', Date.UTC(2026, 2, 28, 23), 23],
    ['fall back, 25 hours', 'Europe/Paris', Date.UTC(2026, 9, 24, 22), 25],
    ['an ordinary day, 24 hours', 'Europe/Paris', Date.UTC(2026, 5, 1, 22), 24],
  ])('%s', (_, zone, midnight, hours) => {
    const day = dayOf(midnight, zone);
    const HOUR = 3_600_000;
    expect(dayOf(midnight - 1, zone)).not.toBe(day);
    expect(dayOf(midnight + hours * HOUR - 1, zone)).toBe(day);
    expect(dayOf(midnight + hours * HOUR, zone)).not.toBe(day);
  });

  it.each(['UTC', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'America/St_Johns', 'Pacific/Chatham'])('the cached calendar of %s agrees with the zone, minute by minute', (zone) => {
    const cached = calendar(zone);
    for (let at = Date.UTC(2026, 3, 4, 10); at < Date.UTC(2026, 3, 6, 2); at += 60_000) expect(cached(at)).toBe(dayOf(at, zone));
  });
});
