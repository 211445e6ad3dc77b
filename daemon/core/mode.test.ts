import { describe, expect, it } from 'vitest';
import { enforces, ruled, tightenMode } from './mode.ts';

describe('the mode', () => {
  it.each([
    ['enforce', undefined, 'enforce'],
    ['enforce', 'shadow', 'enforce'],
    ['shadow', undefined, 'shadow'],
    ['shadow', 'shadow', 'shadow'],
    ['shadow', 'enforce', 'enforce'],
  ] as const)('of a user in %s whose project says %s is %s: a project only leads out of the shadow', (user, project, mode) => {
    expect(tightenMode(user, project)).toBe(mode);
  });

  it('decides whether a "no" stands or is only written down, never both', () => {
    expect(ruled('enforce', 'no')).toEqual({ stands: 'no', shadow: null });
    expect(ruled('shadow', 'no')).toEqual({ stands: null, shadow: 'no' });
    for (const mode of ['enforce', 'shadow'] as const) expect(ruled(mode, null)).toEqual({ stands: null, shadow: null });
    expect([enforces('enforce'), enforces('shadow')]).toEqual([true, false]);
  });
});
