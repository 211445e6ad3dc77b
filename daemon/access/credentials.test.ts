import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createProxyCredentials } from './credentials.ts';
import { createOwnConfig } from './own-config.ts';

const TOKEN = 'a'.repeat(64);
const credentials = createProxyCredentials(TOKEN);
const basic = (user: string, secret: string): string => `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;

describe("a session's proxy credentials", () => {
  it('are the same after a restart, and name the session', () => {
    const { user, secret } = credentials.of('0b5c-é:x');
    const next = createProxyCredentials(TOKEN);
    expect(next.of('0b5c-é:x')).toEqual({ user, secret });
    expect(next.read(basic(user, secret))).toEqual({ session: '0b5c-é:x', shell: null });
  });

  it('are those of 0.1.0, whose sessions may be at work', () => {
    expect(credentials.of('s1')).toEqual({ user: 'session-czE', secret: 'IrEGKFI-Eo6Ar3TCfc8jkt05LsWmsZG8NdO8NAXFGGY' });
  });

  it('may name a shell, which proves nothing and is never refused', () => {
    const { user, secret } = credentials.of('s1');
    const shown = (hint: string) => credentials.read(basic(`${user}.${hint}`, secret));
    expect(shown('4711')).toEqual({ session: 's1', shell: { pid: 4711 } });
    expect(shown('t12-3-4-0-1')).toEqual({ session: 's1', shell: { print: '12-3-4-0-1' } });
    for (const hint of ['', '0', '-1', '12345678901', '1e3', '$$', 'x', 't', `t${'1'.repeat(65)}`, '4711.4711', '47 11']) expect(shown(hint)).toEqual({ session: 's1', shell: null });
  });

  it('open no other session, and stand in a URL as they are', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (one, other) => {
        const [a, b] = [credentials.of(one), credentials.of(other)];
        expect(`${a.user}:${a.secret}`).toMatch(/^[\w-]+:[\w-]+$/);
        if (a.user !== b.user) expect(credentials.read(basic(a.user, b.secret))).toBeNull();
      }),
    );
  });

  it('cannot be made by anybody else', () => {
    const { user, secret } = credentials.of('s1');
    const foreign = createProxyCredentials('b'.repeat(64)).of('s1').secret;
    for (const text of [secret.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')), secret.slice(0, -1), `${secret}x`, '.', '', foreign]) expect(credentials.read(basic(user, text))).toBeNull();
    expect(credentials.read(basic('root', secret))).toBeNull();
  });

  it('are nothing else, whatever it is', () => {
    fc.assert(fc.property(fc.string(), (text) => credentials.read(text) === null));
    for (const text of ['', 'Basic', 'Basic !', 'Bearer x', `Basic ${'A'.repeat(5_000)}`, basic('call', ''), basic('session-', ''), 'Negotiate abc']) expect(credentials.read(text)).toBeNull();
  });
});

describe("the person's own configuration", () => {
  const root = mkdtempSync(join(tmpdir(), 'pag0-own-config-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('of curl and wget is read for the way it sends them, at most once a second', () => {
    let now = 0;
    const own = createOwnConfig(root, () => now);
    expect(own()).toEqual(new Set());
    writeFileSync(join(root, '.wgetrc'), 'https_proxy = http://proxy:1\n');
    writeFileSync(join(root, '.curlrc'), '-s\nproxy = "http://proxy:1"\n');
    expect(own()).toEqual(new Set());
    now += 1_000;
    expect(own()).toEqual(new Set(['curl', 'wget']));
  });
});
