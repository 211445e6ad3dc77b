import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { NO_SANDBOX } from '../core/sandbox.ts';
import { createClientSettings, type ClientSettings, type Launch } from './client-settings.ts';

const root = mkdtempSync(join(tmpdir(), 'pag0-client-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let home = '';
let cwd = '';
let now = 0;
let launch: Launch | null = null;
let settings: ClientSettings;

beforeEach(() => {
  const dir = mkdtempSync(join(root, 'one-'));
  [home, cwd] = [join(dir, 'home'), join(dir, 'project')];
  for (const folder of [home, cwd]) mkdirSync(join(folder, '.claude'), { recursive: true });
  now = 0;
  launch = { env: { HOME: home }, argv: ['claude'] };
  settings = createClientSettings({ port: 4402, clock: () => now, launchOf: () => launch, managedFile: join(dir, 'managed.json') });
});

const write = (file: string, value: unknown): void => writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
const user = (value: unknown): void => write(join(home, '.claude', 'settings.json'), value);
const project = (value: unknown): void => write(join(cwd, '.claude', 'settings.json'), value);
const local = (value: unknown): void => write(join(cwd, '.claude', 'settings.local.json'), value);
const managed = (value: unknown): void => write(join(home, '..', 'managed.json'), value);
const sandbox = () => settings.sandboxOf({ cwd, clientPid: 1 });
const ON = { sandbox: { enabled: true, network: { httpProxyPort: 4402 } } };

describe("a session's sandbox", () => {
  it('is none without settings, with broken ones, and with a port alone', () => {
    expect(sandbox()).toEqual(NO_SANDBOX);
    for (const text of ['', '{', '[]', '{"sandbox":7}', { sandbox: { network: { httpProxyPort: 4402 } } }]) {
      user(text);
      now += 1_001;
      expect(sandbox()).toEqual(NO_SANDBOX);
    }
  });

  it('leads here by our port, and past us by any other or by none', () => {
    user({ sandbox: { enabled: true } });
    expect(sandbox().exit).toBe('other');
    user(ON);
    now += 1_001;
    expect(sandbox().exit).toBe('pag0');
    project({ sandbox: { network: { httpProxyPort: 8080 } } });
    now += 1_001;
    expect(sandbox().exit).toBe('other');
  });

  it('is what the highest of its files says, and its lists are joined', () => {
    user({ ...ON, permissions: { allow: ['WebFetch(domain:docs.example.com)', 'Bash(ls)'], deny: ['WebFetch(domain:bad.example.com)'] } });
    project({ sandbox: { network: { allowedDomains: ['a.example.com', 7], deniedDomains: ['no.example.com'] } } });
    local({ sandbox: { allowUnsandboxedCommands: false, network: { allowedDomains: ['b.example.com'] } } });
    expect(sandbox()).toEqual({ exit: 'pag0', mayLeave: false, allowed: ['docs.example.com', 'a.example.com', 'b.example.com'], denied: ['bad.example.com', 'no.example.com'] });
    local({ sandbox: { enabled: false } });
    now += 1_001;
    expect(sandbox()).toEqual(NO_SANDBOX);
  });

  it.each([
    ['in one word', (text: string) => [`--settings=${text}`]],
    ['in two', (text: string) => ['-p', 'x', '--settings', text]],
  ])('is what the command line says, %s, as JSON or as a file', (_, argv) => {
    launch = { env: { HOME: home }, argv: ['claude', ...argv(JSON.stringify(ON))] };
    expect(sandbox().exit).toBe('pag0');
    write(join(cwd, 'mine.json'), { sandbox: { enabled: true } });
    launch = { env: { HOME: home }, argv: ['claude', ...argv('mine.json')] };
    now += 1_001;
    expect(sandbox().exit).toBe('other');
  });

  it("is read where the client's own configuration lies", () => {
    const elsewhere = join(home, 'elsewhere');
    mkdirSync(elsewhere);
    write(join(elsewhere, 'settings.json'), ON);
    launch = { env: { HOME: home, CLAUDE_CONFIG_DIR: elsewhere }, argv: [] };
    expect(sandbox().exit).toBe('pag0');
  });

  it("has the machine owner's last word, and only those domains where it says so", () => {
    user({ ...ON, permissions: { allow: ['WebFetch(domain:mine.example.com)'] } });
    managed({ sandbox: { network: { allowedDomains: ['owner.example.com'], allowManagedDomainsOnly: true } } });
    expect(sandbox().allowed).toEqual(['owner.example.com']);
  });

  it('is read again after a second, and not before', () => {
    expect(sandbox().exit).toBe('open');
    user(ON);
    now += 999;
    expect(sandbox().exit).toBe('open');
    now += 1;
    expect(sandbox().exit).toBe('pag0');
  });
});
