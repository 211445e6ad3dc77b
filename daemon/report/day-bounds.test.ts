import { describe, expect, it } from 'vitest';
import { calendar } from '../core/day.ts';
import { dayBounds } from './day-bounds.ts';

const HOUR = 3_600_000;

describe('the bounds of a day', () => {
  const table: [zone: string, now: string, since: string, hours: number][] = [
    ['UTC', '2026-11-21T12:00:00Z', '2026-11-21T00:00:00Z', 24],
    ['UTC', '2026-11-21T00:00:00Z', '2026-11-21T00:00:00Z', 24],
    ['UTC', '2026-11-21T23:59:59.999Z', '2026-11-21T00:00:00Z', 24],
    ['Asia/Seoul', '2026-11-21T12:00:00Z', '2026-11-20T15:00:00Z', 24],
    ['Asia/Kathmandu', '2026-11-21T12:00:00Z', '2026-11-20T18:15:00Z', 24],
    ['America/New_York', '2026-03-08T15:00:00Z', '2026-03-08T05:00:00Z', 23],
    ['America/New_York', '2026-11-01T15:00:00Z', '2026-11-01T04:00:00Z', 25],
    ['Australia/Lord_Howe', '2026-04-05T01:00:00Z', '2026-04-04T13:00:00Z', 24.5],
    ['America/Santiago', '2026-09-06T15:00:00Z', '2026-09-06T04:00:00Z', 23],
  ];
  it.each(table)('in %s at %s begin at %s and are %d hours apart', (zone, now, since, hours) => {
    const bounds = dayBounds(Date.parse(now), calendar(zone));
    expect(new Date(bounds.since).toISOString()).toBe(new Date(since).toISOString());
    expect((bounds.until - bounds.since) / HOUR).toBe(hours);
  });
});
