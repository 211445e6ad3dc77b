import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { answered, runWith, type Ran } from './terminal.fixture.ts';

const root = mkdtempSync(join(tmpdir(), 'pag0-setup-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let home = '';
let file = '';
beforeEach(() => {
  home = mkdtempSync(join(root, 'home-'));
  file = join(home, '.claude', 'settings.json');
  mkdirSync(join(home, '.claude'));
});

const RUNNING = { '/v1/status': answered({ state: 'ready' }) };
const setup = (words: string, more: Parameters<typeof runWith>[2] = {}): Promise<Ran> => runWith(['setup', ...words.split(' ').filter(Boolean)], RUNNING, { ...more, env: { HOME: home, ...more.env } });
const text = (): string => readFileSync(file, 'utf8');
const PORT = { sandbox: { network: { httpProxyPort: 4999 } } };

describe('pag0 setup', () => {
  it('shows what is in force, and changes nothing without a word of a person', async () => {
    const ran = await setup('');
    expect(ran).toMatchObject({ exit: 1, questions: [] });
    expect(ran.out).toMatch(/hooks +the daemon runs\n.*environment +on.*\n.*sandbox +not set up/);
    expect(ran.err).toContain('nothing was changed');
    expect(readdirSync(join(home, '.claude'))).toEqual([]);
  });

  it('says what it means before it asks, and does it at a yes alone', async () => {
    for (const typed of ['', 'n', 'no', 'maybe']) expect(await setup('', { interactive: true, typed })).toMatchObject({ exit: 1, err: expect.stringContaining('nothing is reached while the daemon does not run') as string });
    expect(readdirSync(join(home, '.claude'))).toEqual([]);
    const ran = await setup('', { interactive: true, typed: 'y' });
    expect(ran).toMatchObject({ exit: 0, questions: [`Set it in ${file}? [y/N] `] });
    expect(JSON.parse(text())).toEqual(PORT);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('is done once: the second time there is nothing to ask or to write', async () => {
    await setup('--yes');
    const before = statSync(file).mtimeMs;
    expect(await setup('', { interactive: true })).toMatchObject({ exit: 0, questions: [], err: '' });
    expect(await setup('--yes')).toMatchObject({ exit: 0, err: '' });
    expect(statSync(file).mtimeMs).toBe(before);
  });

  it('leaves every other setting as and where it is, and takes its own away again', async () => {
    const others = '{\n    "zeta": [1, 2.50, {"a": null}],\n    "sandbox": {\n        "network": {\n            "allowedDomains": [\n                "a.example.com"\n            ]\n        },\n        "enabled": true\n    },\n    "__proto__": {\n        "x": "\\u00e9"\n    },\n    "alpha": true\n}';
    writeFileSync(file, others, { mode: 0o644 });
    await setup('--yes');
    expect(Object.keys(JSON.parse(text()) as object)).toEqual(['zeta', 'sandbox', '__proto__', 'alpha']);
    expect(text()).toContain('\n    "sandbox": {\n        "network": {\n            "allowedDomains": [\n                "a.example.com"\n            ],\n            "httpProxyPort": 4999\n        },\n        "enabled": true\n    },');
    expect(text().endsWith('}')).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o644);
    expect(await setup('--undo')).toMatchObject({ exit: 0, err: '' });
    expect(JSON.stringify(JSON.parse(text()))).toBe(JSON.stringify(JSON.parse(others)));
    expect(readdirSync(join(home, '.claude'))).toEqual(['settings.json']);
  });

  it('leaves nothing behind of what it had made itself', async () => {
    writeFileSync(file, '{\r\n  "model": "x"\r\n}\r\n');
    await setup('--yes');
    await setup('--undo');
    expect(text()).toBe('{\r\n  "model": "x"\r\n}\r\n');
    expect(await setup('--undo')).toMatchObject({ exit: 0, out: expect.stringContaining('nothing was changed') as string });
  });

  it('follows a link, and CLAUDE_CONFIG_DIR', async () => {
    const kept = join(home, 'dotfiles.json');
    writeFileSync(kept, '{}\n');
    symlinkSync(kept, file);
    await setup('--yes');
    expect(JSON.parse(readFileSync(kept, 'utf8'))).toEqual(PORT);
    const elsewhere = join(home, 'elsewhere');
    await setup('--yes', { env: { CLAUDE_CONFIG_DIR: elsewhere } });
    expect(JSON.parse(readFileSync(join(elsewhere, 'settings.json'), 'utf8'))).toEqual(PORT);
  });

  it.each([
    ['{ // mine\n}', /is not a JSON object, so nothing was changed/],
    ['[]', /is not a JSON object/],
    ['{"sandbox": true}', /^pag0: sandbox in .* is not an object/],
    ['{"sandbox": {"network": []}}', /^pag0: sandbox\.network in .* is not an object/],
    ['{"sandbox": {"network": {"httpProxyPort": "4402"}}}', /is not a number/],
    ['{"sandbox": {"network": {"httpProxyPort": 8080}}}', /is 8080 in .*, which is another program's, so it was left alone/],
  ])('touches nothing that it does not understand, or that is not its own: %s', async (given, says) => {
    writeFileSync(file, given);
    const ran = await setup('--yes');
    expect(ran.exit).toBe(1);
    expect(ran.err).toMatch(says);
    expect(ran.err.trim().split('\n')).toHaveLength(1);
    await setup('--undo');
    expect(text()).toBe(given);
  });

  it.each(['CLAUDECODE', 'CLAUDE_CODE_CHILD_SESSION', 'PAG0_PARENT_SESSION'])("is nobody's whom an agent started: %s", async (name) => {
    for (const words of ['--yes', '--undo', '--yes --json']) {
      const ran = await setup(words, { env: { [name]: '1' }, interactive: true, typed: 'y' });
      expect(ran.exit).toBe(1);
      expect(words.includes('--json') ? ran.out : ran.err).toContain('is for a person');
      if (words.includes('--json')) expect(JSON.parse(ran.out)).toMatchObject({ error: { code: 'PERSON_REQUIRED' } });
    }
    await setup('', { env: { [name]: '1' }, interactive: true, typed: 'y' });
    expect(readdirSync(join(home, '.claude'))).toEqual([]);
  });

  it('says the same as JSON, and asks nothing then', async () => {
    const before = await setup('--json', { interactive: true, typed: 'y' });
    expect(JSON.parse(before.out)).toEqual({ plugin: { folder: expect.stringMatching(/plugin$/) as string, mustStay: true }, daemon: 'running', environment: true, sandbox: { settings: file, httpProxyPort: null, leadsHere: false, enabled: false }, changed: false });
    const after = await setup('--json --yes');
    expect(JSON.parse(after.out)).toMatchObject({ sandbox: { httpProxyPort: 4999, leadsHere: true }, changed: true });
    expect(before.questions).toEqual([]);
  });

  it('works while the daemon does not', async () => {
    const ran = await runWith(['setup', '--yes'], { '/v1/status': { kind: 'absent' } }, { env: { HOME: home } });
    expect(ran).toMatchObject({ exit: 0, out: expect.stringContaining('the daemon does not run') as string });
  });
});
