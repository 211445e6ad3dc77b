import { describe, expect, it } from 'vitest';
import { compareVersions, hasBuiltInSqlite, nodeProblem } from './version.ts';

describe('versions', () => {
  it('are ordered as semver.org orders them', () => {
    const ordered = ['nonsense', '0.9.0', '1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta', '1.0.0-beta.2', '1.0.0-beta.11', '1.0.0-rc.1', '1.0.0', '1.0.1', '1.2.0', '1.10.0', '2.0.0'];
    for (const [i, a] of ordered.entries()) {
      for (const [j, b] of ordered.entries()) expect([a, b, Math.sign(compareVersions(a, b))]).toEqual([a, b, Math.sign(i - j)]);
    }
  });

  it('are the same whatever was built of them', () => {
    expect(compareVersions('1.2.3+a', 'v1.2.3')).toBe(0);
    expect(compareVersions('x', 'y')).toBe(0);
  });
});

describe('this Node', () => {
  it.each([
    ['12.22.0', false],
    ['18.20.4', false],
    ['20.18.3', false],
    ['20.19.0', true],
    ['22.1.0', true],
    ['26.10.0', true],
  ])('%s can run pag0: %s', (version, good) => {
    expect(nodeProblem(version) === null).toBe(good);
  });

  it.each([
    ['20.20.2', false],
    ['22.5.0', false],
    ['22.12.0', false],
    ['22.13.0', true],
    ['23.3.0', false],
    ['23.4.0', true],
    ['24.0.0', true],
  ])('%s has SQLite built in: %s', (version, has) => {
    expect(hasBuiltInSqlite(version)).toBe(has);
  });
});
