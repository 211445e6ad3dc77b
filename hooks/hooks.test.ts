import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { ancestorsOf, clientPidOf } from './ancestors.ts';
import { appendExports, shellQuote } from './env-file.ts';
import { hookMode, parsePayload, readStdin } from './payload.ts';
import { projectOf } from './project.ts';
import { ensureToken, homeAt } from '../daemon/contract/home.ts';
import { openSecrets } from '../daemon/contract/wallet-secrets.ts';
import { optionsFrom, registrationOf, sealedFrom } from './registration.ts';
import { WAITS } from './run.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'pag0-hooks-')));
afterAll(() => rmSync(root, { recursive: true }));

describe('the processes above a hook', () => {
  it('are found, nearest first', () => {
    const found = ancestorsOf(process.pid);
    expect(found[0]).toEqual({ pid: process.ppid, command: expect.stringMatching(/\S/) as string });
    expect(found.every(({ pid }) => pid > 1)).toBe(true);
  });

  it('are a bounded list even in a table that lies', () => {
    expect(ancestorsOf(5, (pid) => ({ parent: pid === 5 ? 6 : 5, argv: ['loop'] })).length).toBe(32);
    expect(ancestorsOf(5, () => null)).toEqual([]);
  });

  it('show the whole command line, in which a Bash call can be found again', () => {
    const argv = ['/bin/bash', '-c', "eval 'claude -p \"go\"'"];
    expect(ancestorsOf(5, (pid) => (pid === 5 ? { parent: 4, argv: ['x'] } : { parent: 1, argv }))[0]?.command).toBe(argv.join(' '));
  });

  it('tell the client from the shells between', () => {
    const chain = [{ pid: 9, command: '/bin/sh -c …' }, { pid: 8, command: 'node /x/cli.js -p …' }, { pid: 7, command: 'bash' }, { pid: 6, command: 'claude' }];
    expect(clientPidOf(chain, undefined)).toBe(8);
    expect(clientPidOf(chain, '6')).toBe(6);
    expect(clientPidOf(chain, '4711')).toBe(8);
    expect(clientPidOf([], '6')).toBeNull();
  });
});

describe('the project', () => {
  const git = (cwd: string, ...args: string[]) => execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd, stdio: 'pipe' });
  const repo = join(root, 'repo');
  mkdirSync(join(repo, 'deep', 'er'), { recursive: true });
  git(repo, 'init', '--quiet');
  git(repo, 'commit', '--quiet', '--allow-empty', '-m', 'x');
  git(repo, 'worktree', 'add', '--quiet', join(root, 'tree'));

  it('is one for a repository, the folders in it and its worktrees', () => {
    expect([repo, join(repo, 'deep', 'er'), join(root, 'tree')].map(projectOf)).toEqual(Array(3).fill(join(repo, '.git')));
  });

  it('is what git itself calls the common directory', () => {
    for (const folder of [repo, join(root, 'tree')]) expect(realpathSync(git(folder, 'rev-parse', '--path-format=absolute', '--git-common-dir').toString().trim())).toBe(projectOf(folder));
  });

  it('is the folder itself where there is no git, or something else is called .git', () => {
    const plain = join(root, 'plain');
    mkdirSync(join(plain, '.git'), { recursive: true });
    expect(projectOf(plain)).toBe(plain);
    writeFileSync(join(root, 'file'), '');
    expect(projectOf(join(root, 'not there'))).toBe(join(root, 'not there'));
  });
});

describe('the environment of a session', () => {
  it('carries any value through a shell unchanged', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')), { minLength: 1, maxLength: 20 }), (values) => {
        const script = values.map((value) => `printf '%s\\0' ${shellQuote(value)}`).join('\n');
        return execFileSync('sh', ['-c', script]).toString('utf8') === values.map((value) => `${value}\0`).join('');
      }),
      { numRuns: 25 },
    );
  });

  it('exports names only, and adds to what other hooks wrote', () => {
    const file = join(root, 'env');
    writeFileSync(file, 'export OTHER=1\n');
    appendExports(file, { PAG0_PARENT_SESSION: "it's", 'X;rm -rf /': 'no' });
    expect(readFileSync(file, 'utf8')).toBe("export OTHER=1\nexport PAG0_PARENT_SESSION='it'\\''s'\n");
  });
});

describe('what the hook tells of its session', () => {
  const payload = parsePayload(JSON.stringify({ session_id: 's', transcript_path: '/t.jsonl', cwd: root, source: 'startup', prompt: 'SECRET PROMPT', prompt_id: 'p1' }), '/')!;
  const told = (env: Record<string, string>) => registrationOf('user-prompt-submit', payload, env, process.pid, '0.1.0');

  it('has no text of a prompt in it', () => {
    expect(JSON.stringify(told({}))).not.toContain('SECRET');
    expect(told({})).toMatchObject({ event: 'user-prompt-submit', session_id: 's', transcript_path: '/t.jsonl', cwd: root, source: 'startup', prompt_id: 'p1', project: root, run: null });
  });

  it.each<[string, Record<string, string>, boolean, string | null]>([
    ['a person sits at it', { CLAUDE_CODE_SESSION_ATTENDED: '1' }, true, null],
    ['it runs with -p', { CLAUDE_CODE_SESSION_ATTENDED: '0' }, false, null],
    ['the client does not say', {}, false, null],
    ['an agent started it', { CLAUDE_CODE_SESSION_ATTENDED: '1', PAG0_PARENT_SESSION: 'outer' }, false, 'outer'],
    ['its own mark came back to it', { CLAUDE_CODE_SESSION_ATTENDED: '1', PAG0_PARENT_SESSION: 's' }, true, null],
  ])('says whether it is attended: %s', (_name, env, attended, session) => {
    expect(told(env)).toMatchObject({ attended, parent: { session } });
  });

  it('has the options under the names users know', () => {
    expect(optionsFrom({ CLAUDE_PLUGIN_OPTION_SESSIONBUDGET: '$5', CLAUDE_PLUGIN_OPTION_ALERTONTHRESHOLD: '70%', CLAUDE_PLUGIN_OPTION_AGENTBUDGET: '', CLAUDE_PLUGIN_OPTION_OTHER: 'x' })).toEqual({ sessionBudget: '$5', alertOnThreshold: '70%' });
  });

  it('brings what opens the wallet sealed, and among the options never', () => {
    const home = homeAt(mkdtempSync(join(root, 'sealed-')));
    const token = ensureToken(home);
    const env = { CLAUDE_PLUGIN_OPTION_WALLET_PRIVATE_KEY: 'SECRET', CLAUDE_PLUGIN_OPTION_WALLET_PASSWORD: 'SECRET too' };
    expect(JSON.stringify(told(env))).not.toContain('SECRET');
    const { sealed } = sealedFrom(env, home);
    expect(sealed).not.toContain('SECRET');
    expect(openSecrets(token.ok ? token.token : '', sealed!)).toEqual({ privateKey: 'SECRET', password: 'SECRET too' });
    expect(sealedFrom({}, home)).toEqual({});
    expect(sealedFrom(env, homeAt(join(root, 'nowhere')))).toEqual({});
  });

  it('is nothing when the client sent nothing that can be read', () => {
    for (const text of ['', 'x', '[]', 'null', '{"session_id":5}']) expect(parsePayload(text, '/')).toBeNull();
  });

  it('does not wait for a stdin that nobody closes', async () => {
    const stream = new PassThrough();
    stream.write('{"a"');
    expect(await readStdin(stream, 50)).toBe('{"a"');
  });
});

describe('hooks.json', () => {
  const hooks = (JSON.parse(readFileSync(new URL('../plugin/hooks/hooks.json', import.meta.url), 'utf8')) as { hooks: Record<string, { matcher?: string; hooks: Hook[] }[]> }).hooks;
  interface Hook { type: string; command?: string; url?: string; timeout?: number; if?: string; onFailure?: string; async?: boolean }
  const all = Object.entries(hooks).flatMap(([event, groups]) => groups.flatMap((group) => group.hooks.map((hook) => ({ event, matcher: group.matcher, ...hook }))));

  it('gives every command hook more time than it takes itself', () => {
    const commands = all.filter(({ command }) => command?.includes('hook.mjs'));
    expect(commands.map(({ event }) => event)).toEqual(['SessionStart', 'UserPromptSubmit', 'PreToolUse', 'Stop']);
    for (const { command, timeout } of commands) {
      const mode = hookMode(command?.split(' ').at(-1));
      expect(mode).not.toBeNull();
      // Reading stdin, the waits, registering: each bounded, all of them together below the client's limit.
      expect(WAITS[mode!].fetchWaitMs + 3_000).toBeLessThan(timeout! * 1_000);
      expect(WAITS[mode!].waitMs).toBeLessThanOrEqual(WAITS[mode!].fetchWaitMs);
    }
  });

  /** Before a call, in its place; after the client's own fetch met a demand, beside its failure. */
  const mayFetch = ({ event, matcher, onFailure }: { event: string; matcher?: string | undefined; onFailure?: string }): boolean => onFailure === 'block' || (event.startsWith('PostToolUse') && matcher === 'WebFetch');

  it('sends all else to the daemon on its own address, with a short wait, except where the answer may be a page that is fetched first', () => {
    for (const hook of all.filter(({ type }) => type === 'http')) expect([hook.url, hook.timeout! <= (mayFetch(hook) ? 60 : 5)]).toEqual(['http://127.0.0.1:4402/hook', true]);
  });

  it('fails closed for tools that go to the network, and starts Node at a Stop only when the daemon is gone', () => {
    expect(all.filter(({ onFailure }) => onFailure === 'block').map(({ event, matcher, if: condition }) => [event, matcher, condition])).toEqual([['PreToolUse', 'WebFetch|WebSearch|mcp__.*', undefined]]);
    // Every way by which a call finds no daemon starts it again, and has the time for that.
    const closed = all.filter(({ command }) => command?.includes('closed.sh'));
    expect(closed.map(({ event, matcher }) => [event, matcher])).toEqual(Array(4).fill(['PreToolUse', 'Bash']));
    for (const { timeout } of closed) expect(WAITS.away.fetchWaitMs + 10_000).toBeLessThan(timeout! * 1_000);
    expect(all.find(({ event, command }) => event === 'Stop' && command !== undefined)?.command).toMatch(/alive\.sh" \|\| node /);
  });
});
