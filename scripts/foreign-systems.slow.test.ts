import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ensureClient } from './e2e/client.ts';
import { openScreen } from './e2e/screen.ts';
import { marker } from './e2e/script.ts';
import { agent, LOOP_PLUGIN, PLUGIN, type Stage } from './e2e/stage.ts';
import { staged } from './e2e/staged.ts';
import { clientEnv } from './e2e/workspace.ts';

/**
 * Stand-ins of our own for what other people drive the client with: each does, in a few lines, what such a system does to
 * a client, and the tree and every account are looked at afterwards. No code of theirs is in here.
 */
const run = promisify(execFile);
const { stage, closing } = staged();
const SLOW = 220_000;

/** A client's command line as a wrapper would write it. */
async function clientLine(prompt: string, more = ''): Promise<string> {
  return `"${await ensureClient()}" -p '${prompt}' --plugin-dir '${PLUGIN}' --dangerously-skip-permissions${more}`;
}

/** A wrapper's script, in a person's shell; answers what it printed. */
async function wrapper(s: Stage, script: string): Promise<string> {
  const { stdout } = await run('bash', ['-c', script], { cwd: s.workspace.cwd, env: clientEnv(s.workspace, s.model.url), timeout: SLOW });
  return stdout;
}

const bash = (command: string, timeout = 120_000) => ({ name: 'Bash', input: { command, timeout } });
const work = (here: Stage) => ({ work: [[here.curl('/search?q=1')], [here.curl('/search?q=2')], [here.curl('/search?q=3')], 'Worked.'] });

describe('a bash loop around `claude -p`', () => {
  it('with the day’s money gone asks no model any more, and prints why', { timeout: SLOW }, async () => {
    const s = await stage('$0.02', work, { policy: { dailyBudget: '$0.05' } });
    const line = await clientLine(marker('work'));
    const first = await wrapper(s, line);
    const asked = s.model.modelCalls();
    expect(first).toContain('Worked.');
    const printed = await wrapper(s, `for i in 1 2 3; do ${line} || break; done`);
    expect(printed.match(/pag0 DAILY_BUDGET_EXCEEDED: money limit set by the user in pag0: today has spent \$0\.04 of \$0\.05/g)).toHaveLength(3);
    expect([s.model.modelCalls(), s.seller.count('/search')]).toEqual([asked, 2]);
    // Work that costs nothing goes on.
    expect(await wrapper(s, await clientLine('hello'))).toContain('Done.');
  });

  it('that resumes its session is ended by the budget of that session', { timeout: SLOW }, async () => {
    const s = await stage('$0.02', work, { policy: { sessionBudget: '$0.05' } });
    await wrapper(s, await clientLine(marker('work')));
    const asked = s.model.modelCalls();
    expect(await wrapper(s, await clientLine(marker('work'), ' -c'))).toContain('pag0 SESSION_BUDGET_EXCEEDED: money limit');
    expect(s.model.modelCalls()).toBe(asked);
  });
});

describe('a Stop-hook loop with a state file', () => {
  it('that was ended costs no later prompt anything, adds no row, and says how it ends for good', { timeout: SLOW }, async () => {
    const s = await stage('$0.15', (here) => ({ ralph: [[here.curl('/v1/chat/completions')], 'Not there yet.'] }), { agents: { 'ralph-loop': { agentBudget: '$0.30' } } });
    const plugins = ` --plugin-dir '${LOOP_PLUGIN}'`;
    await wrapper(s, await clientLine(`/ralph-loop:ralph-loop ${marker('ralph')}`, plugins));
    expect(s.seller.count()).toBe(2);
    const asked = s.model.modelCalls();
    expect(await wrapper(s, await clientLine('what is it?', `${plugins} -c`))).toContain('remove .claude/ralph-loop.local.md');
    expect(s.model.modelCalls()).toBe(asked);
    const answer = await wrapper(s, `rm .claude/ralph-loop.local.md; ${await clientLine('what is it?', `${plugins} -c`)}`);
    expect(answer.trim()).toBe('Done.');
    const { byAgent } = await s.report();
    expect(byAgent.map(({ agentId }) => agentId).sort()).toEqual(['main', 'ralph-loop']);
  });
});

describe('a client that an agent starts', () => {
  it('by python, nohup, setsid, xargs and in a worktree is that agent’s', { timeout: SLOW }, async () => {
    const line = await clientLine(marker('inner'));
    const quoted = JSON.stringify(line);
    const s = await stage('$0.02', (here) => ({
      lead: [[agent('general-purpose', 'starter')], 'The lead is done.'],
      starter: [
        [bash(`python3 -c 'import subprocess, sys; subprocess.run(sys.argv[1], shell=True, check=True)' ${quoted}`)],
        [bash(`nohup sh -c ${quoted} > nohup.txt 2>&1; setsid -w sh -c ${quoted}`)],
        [bash(`echo ${quoted} | xargs -0 sh -c`)],
        [bash(`git commit -q --allow-empty -m x; git worktree add -q ../tree && cd ../tree && ${line}`)],
        'All were started.',
      ],
      inner: [[here.curl('/search?q=inner')], 'Inner is done.'],
    }));
    await run('git', ['config', '--file', join(s.workspace.home, '.gitconfig'), 'user.email', 'a@example.com']);
    await run('git', ['config', '--file', join(s.workspace.home, '.gitconfig'), 'user.name', 'A']);
    const session = await s.session(marker('lead'), { timeoutMs: SLOW });
    expect(session.result?.result).toBe('The lead is done.');
    expect(s.seller.count('/search')).toBe(5);
    const { byAgent } = await s.report('--session', String(session.result?.session_id));
    const starter = byAgent.find(({ parent, agentId }) => parent?.agent === 'main' && agentId.startsWith('general-purpose'));
    expect(byAgent.filter(({ parent }) => parent?.agent === starter?.id).map(({ cost }) => cost)).toEqual(Array(5).fill('20000'));
  });

  it('in the person’s own tmux server is known by the text of the command', { timeout: SLOW }, async () => {
    const socket = `pag0-slow-${process.pid}`;
    const line = await clientLine(marker('inner'));
    const s = await stage('$0.02', (here) => ({
      lead: [[agent('general-purpose', 'starter')], 'The lead is done.'],
      starter: [[bash(`tmux -L ${socket} new-session -d ${JSON.stringify(line)}; for i in $(seq 60); do [ -e inner.txt ] && break; sleep 1; done`)], 'It was started.'],
      inner: [[here.curl('/search?q=inner')], [bash('touch inner.txt')], 'Inner is done.'],
    }));
    const tmux = (...args: string[]) => run('tmux', ['-L', socket, '-f', '/dev/null', ...args], { env: clientEnv(s.workspace, s.model.url), cwd: s.workspace.cwd });
    await tmux('new-session', '-d', '-s', 'person', '-c', s.workspace.cwd);
    closing({ close: () => tmux('kill-server').then(() => {}, () => {}) });
    const session = await s.session(marker('lead'), { timeoutMs: SLOW });
    expect(session.result?.result).toBe('The lead is done.');
    const { byAgent } = await s.report('--session', String(session.result?.session_id));
    const starter = byAgent.find(({ parent, agentId }) => parent?.agent === 'main' && agentId.startsWith('general-purpose'));
    expect(byAgent.filter(({ parent }) => parent?.agent === starter?.id).map(({ cost }) => cost)).toEqual(['20000']);
  });
});

describe('agents that nobody’s Agent call names', () => {
  it('of a workflow, and of a forked skill, are the main thread’s beside a background agent at work', { timeout: SLOW }, async () => {
    const script = `export const meta = { name: 'w', description: 'd', phases: ['a'] };\nreturn await parallel([() => agent('${marker('workflow')}'), () => agent('${marker('workflow')}', { agentType: 'Explore' })]);`;
    const s = await stage('$0.02', (here) => ({
      lead: [[agent('general-purpose', 'background', true)], [bash('sleep 3')], [{ name: 'Workflow', input: { script } }], [{ name: 'Skill', input: { skill: 'forked' } }], [bash('sleep 15')], 'The lead is done.'],
      background: [[agent('general-purpose', 'child')], 'Background is done.'],
      child: [[bash('sleep 25')], [here.curl('/search?q=child')], 'The child is done.'],
      workflow: [[here.curl('/search?q=workflow')], 'The step is done.'],
      forked: [[here.curl('/search?q=forked')], 'The skill is done.'],
    }));
    await mkdir(join(s.workspace.cwd, '.claude', 'skills', 'forked'), { recursive: true });
    await writeFile(join(s.workspace.cwd, '.claude', 'skills', 'forked', 'SKILL.md'), `---\nname: forked\ndescription: A skill of the tests.\ncontext: fork\n---\n${marker('forked')}\n`);
    await s.session(marker('lead'), { timeoutMs: SLOW });
    const { byAgent } = await s.report();
    const below = (id: string) => byAgent.filter(({ parent }) => parent?.agent === id).map(({ agentId, cost }) => `${agentId.replace(/-\d+$/, '')} ${cost}`).sort();
    expect(below('main')).toEqual(['Explore 20000', 'general-purpose 0', 'general-purpose 20000', 'workflow-subagent 20000']);
    const background = byAgent.find(({ parent, cost, agentId }) => parent?.agent === 'main' && cost === '0' && agentId !== 'main');
    expect(below(background!.id)).toEqual(['general-purpose 20000']);
  });
});

describe('teammates', () => {
  it.each([['in tmux panes', 'tmux'], ['in the client’s own process', 'in-process']])('%s have the budget of their name, and their lead’s session pays', { timeout: SLOW }, async (_, mode) => {
    const s = await stage('$0.02', (here) => ({
      lead: [[{ name: 'Agent', input: { description: 'd', name: 'researcher-1', prompt: marker('mate'), subagent_type: 'general-purpose' } }], 'The lead waits.'],
      mate: [[here.curl('/search?q=1')], [here.curl('/search?q=2')], [here.curl('/search?q=3')], 'The mate is done.'],
    }), { agents: { 'researcher-1': { agentBudget: '$0.04' } } });
    const screen = await openScreen({ workspace: s.workspace, apiUrl: s.model.url, pluginDirs: [PLUGIN], skipPermissions: true, args: ['--teammate-mode', mode], env: { CLAUDE_CODE_EXPERIMENTAL_AGENT_TEAMS: '1' } });
    closing({ close: () => screen.end() });
    await screen.waitFor('❯', 60_000);
    await screen.submit(marker('lead'));
    await screen.waitFor('The lead waits.', 90_000);
    await expect.poll(async () => (await s.report()).refused.total, { timeout: 90_000 }).toBeGreaterThan(0);
    expect(s.seller.count('/search')).toBe(2);
    const { sessions } = JSON.parse(await s.pag0('sessions', '--json')) as { sessions: { id: string; attended: boolean }[] };
    const lead = sessions.find(({ attended }) => attended)!;
    expect(sessions.filter(({ attended }) => attended)).toHaveLength(1);
    const budget = JSON.parse(await s.pag0('budget', '--json', '--session', lead.id)) as { tree: { spent: string; children: { agentId: string; spent: string }[] } };
    expect(budget.tree).toMatchObject({ spent: '40000', children: [{ agentId: 'researcher-1', spent: '40000' }] });
  });
});

describe('the client’s own clock', () => {
  it('drives a loop, as `/loop` and as a scheduled prompt, and no person’s turn', { timeout: SLOW * 2 }, async () => {
    const s = await stage('$0.02', (here) => ({
      wake: [[{ name: 'ScheduleWakeup', input: { delaySeconds: 60, prompt: `/loop ${marker('wake')}`, reason: 'r', noop: false } }, here.curl('/search?q=wake')], 'Round over.'],
      plan: [[{ name: 'ToolSearch', input: { query: 'select:CronCreate' } }], [{ name: 'CronCreate', input: { cron: '* * * * *', prompt: marker('tick'), recurring: true } }], 'Planned.'],
      tick: [[here.curl('/search?q=tick')], 'Ticked.'],
    }), { agents: { loop: { agentBudget: '$0.04' } } });
    const open = async (prompt: string, shown: string) => {
      const screen = await openScreen({ workspace: s.workspace, apiUrl: s.model.url, pluginDirs: [PLUGIN], skipPermissions: true });
      closing({ close: () => screen.end() });
      await screen.waitFor('❯', 60_000);
      await screen.submit(prompt);
      await screen.waitFor(shown, 60_000);
    };
    await open(`/loop ${marker('wake')}`, 'Round over.');
    await open(marker('plan'), 'Planned.');
    const asked = (query: string) => s.seller.requests.filter((request) => request.query === `?q=${query}`).length;
    await expect.poll(() => [asked('wake'), asked('tick')], { timeout: SLOW, interval: 1_000 }).toEqual([2, 2]);
    // The next round of either would cost more than is left.
    await sleep(70_000);
    expect([asked('wake'), asked('tick')]).toEqual([2, 2]);
    const { byAgent } = await s.report();
    expect(byAgent.filter(({ agentId }) => /(^|\/)loop$/.test(agentId)).map(({ cost }) => cost)).toEqual(['40000', '40000']);
  });
});
