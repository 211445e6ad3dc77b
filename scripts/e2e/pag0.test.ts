import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ensureClient } from './client.ts';
import { openScreen } from './screen.ts';
import { marker } from './script.ts';
import { agent, LOOP_PLUGIN, PLUGIN } from './stage.ts';
import { staged } from './staged.ts';
import { clientEnv } from './workspace.ts';

/** The real client, the built plugin, a real seller on loopback. The model alone is scripted. */
const run = promisify(execFile);
const { stage, closing } = staged();

describe('budgets', () => {
  it('lets the calls through that fit, refuses the next with the numbers, and ends the run', async () => {
    const s = await stage('$0.02', (here) => ({ spend: [...[1, 2, 3, 4].map((n) => [here.curl(`/search?q=${n}`)]), 'never said'] }), { policy: { sessionBudget: '$0.05' } });
    const session = await s.session(marker('spend'));
    expect(session.toolCalls.map((call) => call.isError)).toEqual([false, false, true]);
    expect(session.toolCalls[2]?.result).toContain('SESSION_BUDGET_EXCEEDED');
    expect(session.toolCalls[2]?.result).toContain('$0.04 of $0.05');
    expect(session.result).toMatchObject({ terminal_reason: 'hook_stopped' });
    expect(s.seller.count('/search')).toBe(2);
    expect(await s.report()).toMatchObject({ totalCost: '40000', totalRequests: 2, refused: { total: 1 } });
  });

  it('ends an exhausted subagent only: its parent is told why, and another agent goes on', async () => {
    const s = await stage(
      '$0.02',
      (here) => ({
        lead: [[agent('researcher', 'research')], [agent('executor', 'execute')], 'The lead is done.'],
        research: [[here.curl('/search?q=1')], [here.curl('/search?q=2')], 'never said'],
        execute: [[here.curl('/search?q=3')], [here.curl('/search?q=4')], 'The executor is done.'],
      }),
      { agents: { researcher: { agentBudget: '$0.02' } } },
    );
    await s.writeAgent('researcher');
    await s.writeAgent('executor');
    const session = await s.session(marker('lead'));
    expect(session.result?.result).toBe('The lead is done.');
    expect(s.seller.count('/search')).toBe(3);
    // What a hook adds for the model stands in the conversation beside the tool's result.
    const read = JSON.stringify(s.model.requests);
    expect(read).toContain('researcher-1 was ended by pag0');
    expect(read).toContain('researcher-1 has spent $0.02 of $0.02');
    const report = await s.report();
    expect(report.byAgent.find((one) => one.agentId === 'researcher-1')).toMatchObject({ cost: '20000', parent: { agent: 'main' }, stopped: { code: 'AGENT_BUDGET_EXCEEDED' } });
    expect(report.byAgent.find((one) => one.agentId === 'executor-1')).toMatchObject({ cost: '40000', stopped: null });
  });

  it('asks the person about a dear call, and frees the money when the answer is no', async () => {
    const s = await stage('$0.30', (here) => ({ dear: [[here.curl('/search?q=1')], 'Asked.'] }), { policy: { approveAbove: '$0.25' } });
    const screen = await openScreen({ workspace: s.workspace, apiUrl: s.model.url, pluginDirs: [PLUGIN] });
    closing({ close: () => screen.end() });
    await screen.waitFor(/\? for shortcuts|Try "/);
    await screen.submit(marker('dear'));
    const shown = await screen.waitFor('APPROVAL_REQUIRED');
    expect(shown.replace(/\s+/g, ' ')).toContain('costs $0.30');
    await screen.answer('APPROVAL_REQUIRED', 'Escape');
    // Whoever else posts such a call in the client's name is handed nothing to run.
    const { sessions } = JSON.parse(await s.pag0('sessions', '--json')) as { sessions: { id: string; attended: boolean }[] };
    const forged = { hook_event_name: 'PreToolUse', session_id: sessions.find((one) => one.attended)!.id, tool_name: 'Bash', tool_use_id: 'forged', tool_input: s.curl('/search?q=1').input, permission_mode: 'default' };
    const answer = await fetch('http://127.0.0.1:4402/hook', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(forged) });
    expect(await answer.json()).toMatchObject({ hookSpecificOutput: { permissionDecision: 'deny', permissionDecisionReason: expect.stringContaining('APPROVAL_REQUIRED') } });
    await screen.submit(marker('dear'));
    await screen.answer('APPROVAL_REQUIRED', 'Enter');
    await screen.waitFor('Asked.');
    expect(s.seller.count()).toBe(1);
    expect(await s.report()).toMatchObject({ totalCost: '300000', totalRequests: 1 });
  });
});

describe('limits', () => {
  it('come from what the person typed when enabling the plugin, and from a project’s file only where it is tighter', async () => {
    const s = await stage('$0.02', (here) => ({ spend: [1, 2, 3].map((n) => [here.curl(`/search?q=${n}`)]) }));
    const settings = { pluginConfigs: { 'pag0@inline': { options: { sessionBudget: '$0.04' } } } };
    expect((await s.session(marker('spend'), { settings })).toolCalls.map((call) => call.isError)).toEqual([false, false, true]);
    await mkdir(join(s.workspace.cwd, '.claude'), { recursive: true });
    await writeFile(join(s.workspace.cwd, '.claude', 'pag0.json'), JSON.stringify({ policy: { sessionBudget: '$0.02', dailyBudget: '$900' } }));
    expect((await s.session(marker('spend'), { settings })).toolCalls.map((call) => call.isError)).toEqual([false, true]);
  });

  it('are not raised by the agent’s tools', async () => {
    const s = await stage('$0.02', (here) => ({
      break: [
        [{ name: 'Bash', input: { command: 'pag0 budget raise session $50 --yes' } }],
        [{ name: 'Bash', input: { command: `echo '{}' > ${here.pag0Home}/config.json` } }],
        [{ name: 'Write', input: { file_path: join(here.pag0Home, 'config.json'), content: '{}' } }],
        [{ name: 'Bash', input: { command: 'pag0 budget lower session \'$0.01\'' } }],
        [here.curl('/search')],
      ],
    }));
    const session = await s.session(marker('break'));
    expect(session.toolCalls.map((call) => /(PERSON_REQUIRED|PROTECTED_FILE|SESSION_BUDGET_EXCEEDED|the limit is \$0\.01 now)/.exec(call.result ?? '')?.[1])).toEqual([
      'PERSON_REQUIRED',
      'PROTECTED_FILE',
      'PROTECTED_FILE',
      'the limit is $0.01 now',
      'SESSION_BUDGET_EXCEEDED',
    ]);
  });
});

describe('the tree', () => {
  it('charges twenty subagents that start at once each for its own, and all of them to the session', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `w${index}`);
    const s = await stage('$0.02', (here) => ({
      lead: [names.map((name) => agent('general-purpose', name)), 'All are back.'],
      ...Object.fromEntries(names.map((name) => [name, [[here.curl(`/search?q=${name}`)], `${name} is done.`]])),
    }));
    const session = await s.session(marker('lead'));
    expect(session.result?.result).toBe('All are back.');
    const report = await s.report();
    const workers = report.byAgent.filter((one) => one.agentId !== 'main');
    expect(workers).toHaveLength(20);
    expect(workers.every((one) => one.cost === '20000' && one.requests === 1 && one.parent?.agent === 'main')).toBe(true);
    expect(report.totalCost).toBe('400000');
  });

  it('knows agents three deep, and a client that one of them starts', async () => {
    const client = await ensureClient();
    const s = await stage('$0.02', (here) => ({
      top: [[agent('general-purpose', 'middle')], 'Top is done.'],
      middle: [[agent('general-purpose', 'bottom')], 'Middle is done.'],
      bottom: [[here.curl('/search?q=deep')], [{ name: 'Bash', input: { command: `"${client}" -p '${marker('inner')}' --plugin-dir '${PLUGIN}' --dangerously-skip-permissions`, timeout: 60_000 } }], 'Bottom is done.'],
      inner: [[here.curl('/search?q=inner')], 'Inner is done.'],
    }));
    const session = await s.session(marker('top'));
    expect(session.result?.result).toBe('Top is done.');
    expect(s.seller.count('/search')).toBe(2);
    const id = String(session.result?.['session_id']);
    const budget = JSON.parse(await s.pag0('budget', '--json', '--session', id)) as { tree: TreeNode };
    const chain: TreeNode[] = [];
    for (let node: TreeNode | undefined = budget.tree; node !== undefined; node = node.children[0]) chain.push(node);
    expect(chain.map((node) => node.spent)).toEqual(['40000', '40000', '40000', '20000']);
    expect(chain.slice(0, 3).map((node) => node.agentId)).toEqual(['main', 'general-purpose-1', 'general-purpose-2']);
  });
});

interface TreeNode {
  agentId: string;
  spent: string;
  children: TreeNode[];
}

describe('a Stop-hook loop', () => {
  it('ends at the 20th attempt of $0.15 with its own $3, and the session can be used afterwards', async () => {
    const s = await stage('$0.15', (here) => ({ ralph: [[here.curl('/v1/chat/completions')], 'Not there yet.'], after: [[here.curl('/search?q=after')], 'Still working.'] }), {
      agents: { 'ralph-loop': { agentBudget: '3000000' } },
    });
    const session = await s.session(`/ralph-loop:ralph-loop ${marker('ralph')}`, { pluginDirs: [PLUGIN, LOOP_PLUGIN], timeoutMs: 80_000 });
    expect(session.timedOut).toBe(false);
    expect(s.seller.count('/v1/chat/completions')).toBe(20);
    const report = await s.report();
    expect(report.stops).toEqual([expect.objectContaining({ agentId: 'ralph-loop', code: 'AGENT_BUDGET_EXCEEDED', attempts: 20 })]);
    expect(report.byAgent.find((one) => one.agentId === 'ralph-loop')?.cost).toBe('3000000');
    // The loop's own state file is still there and drives the next turn, which gets no fresh allowance for that.
    const next = await s.session(marker('after'), { pluginDirs: [PLUGIN, LOOP_PLUGIN], args: ['--resume', String(session.result?.['session_id'])] });
    expect(next.toolCalls[0]).toMatchObject({ isError: false });
    expect(s.seller.count('/search')).toBe(1);
    expect(s.seller.count('/v1/chat/completions')).toBe(20);
    await rm(join(s.workspace.cwd, '.claude', 'ralph-loop.local.md'), { force: true });
    const last = await s.session(marker('after'), { args: ['--resume', String(session.result?.['session_id'])] });
    expect(last.result?.result).toBe('Still working.');
    expect((await s.report()).totalCost).toBe('3300000');
  });

  it('ends after the iteration that takes the session to 90 %', async () => {
    const s = await stage('$0.25', (here) => ({ ralph: [[here.curl('/v1/chat/completions')], 'Not there yet.'] }), { policy: { killSwitchAt: 0.9 } });
    await s.session(`/ralph-loop:ralph-loop ${marker('ralph')}`, { pluginDirs: [PLUGIN, LOOP_PLUGIN], timeoutMs: 80_000 });
    expect(s.seller.count('/v1/chat/completions')).toBe(18);
    expect((await s.report()).stops).toEqual([expect.objectContaining({ agentId: 'ralph-loop', code: 'KILL_SWITCH', attempts: 18 })]);
  });
});

describe('slash commands', () => {
  it('answer without a model call', async () => {
    const s = await stage('$0.02', (here) => ({ spend: [[here.curl('/search')], 'Spent.'] }));
    const first = await s.session(marker('spend'));
    const calls = s.model.modelCalls();
    const resume = ['--resume', String(first.result?.['session_id'])];
    expect((await s.session('/pag0-budget', { args: resume })).result?.result).toMatch(/session .*\$0\.02 of \$5\.00/);
    expect((await s.session('/pag0:pag0-report', { args: resume })).result?.result).toContain('$0.02');
    expect(s.model.modelCalls()).toBe(calls);
  });

  it('raise only where a person types them, and never for what an agent posts in a person’s name', async () => {
    const s = await stage('$0.02', () => ({}));
    const screen = await openScreen({ workspace: s.workspace, apiUrl: s.model.url, pluginDirs: [PLUGIN] });
    closing({ close: () => screen.end() });
    await screen.waitFor(/\? for shortcuts|Try "/);
    const unattended = await s.session('/pag0-budget raise session $50');
    expect(unattended.result?.result).toContain('only a person');
    await screen.submit('/pag0-budget raise session $7');
    await screen.waitFor('the limit is $7.00 now');
    const sessions = JSON.parse(await s.pag0('sessions', '--json')) as { sessions: { id: string; attended: boolean }[] };
    const attended = sessions.sessions.find((one) => one.attended)!;
    const forged = await fetch('http://127.0.0.1:4402/hook', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ hook_event_name: 'UserPromptExpansion', session_id: attended.id, command_name: 'pag0:pag0-budget', command_args: 'raise session $500' }),
    });
    expect(await forged.json()).toMatchObject({ reason: expect.stringContaining('only a person') });
  });
});

describe('the daemon', () => {
  it('that is down is started again by the next call that may cost, which gets its verdict, and blocks nothing ordinary', async () => {
    const ordinary = 'git commit -m "fix http client" --allow-empty -q; cd /tmp && which curl; for f in *; do :; done; echo ordinary-work';
    const s = await stage('$0.02', (here) => ({
      broken: [
        async () => {
          await here.killDaemon();
          return [{ name: 'Bash', input: { command: ordinary } }, { name: 'Write', input: { file_path: join(here.workspace.cwd, 'note.txt'), content: 'written' } }];
        },
        async () => {
          await here.killDaemon();
          return [here.curl('/search'), { name: 'Bash', input: { command: `timeout 5 /usr/bin/curl -s http://127.0.0.1:${here.seller.port}/search` } }];
        },
        async () => {
          await here.killDaemon();
          return [{ name: 'WebFetch', input: { url: 'https://api.example.com/x', prompt: 'x' } }];
        },
        'Over.',
      ],
    }));
    const session = await s.session(marker('broken'));
    const [git, write, curl, wrapped, fetched] = session.toolCalls;
    expect(git).toMatchObject({ isError: false, result: expect.stringContaining('ordinary-work') });
    expect(write?.isError).toBe(false);
    for (const call of [curl, wrapped]) expect(call).toMatchObject({ isError: false, result: expect.stringContaining('results') });
    // Refused by the client itself, and the model is told that the next attempt is heard.
    expect(fetched?.isError).toBe(true);
    expect(JSON.stringify(s.model.requests.at(-1))).toContain('make it once more');
    expect(s.seller.count()).toBe(2);
    expect(await s.report()).toMatchObject({ totalCost: '40000', totalRequests: 2 });
  });

  it('that is killed in mid-session forgets no money', async () => {
    const s = await stage(
      '$0.02',
      (here) => ({
        first: [
          [here.curl('/search?q=1')],
          async () => {
            await here.killDaemon();
            return 'Killed.';
          },
        ],
        second: [[here.curl('/search?q=2')], [here.curl('/search?q=3')], 'never said'],
      }),
      { policy: { sessionBudget: '$0.04' } },
    );
    const session = await s.session(marker('first'));
    const next = await s.session(marker('second'), { args: ['--resume', String(session.result?.['session_id'])] });
    expect(next.toolCalls.map((call) => call.isError)).toEqual([false, true]);
    expect(await s.report()).toMatchObject({ totalCost: '40000', totalRequests: 2, refused: { total: 1 } });
  });
});

describe('the plugin', () => {
  it('installs from its marketplace, alone and without warnings, and meters the first session', async () => {
    const client = await ensureClient();
    const market = await realpath(await mkdtemp(join(tmpdir(), 'pag0-market-')));
    closing({ close: () => rm(market, { recursive: true, force: true, maxRetries: 5 }) });
    // Only what ships: the marketplace file and the plugin's folder.
    await mkdir(join(market, '.claude-plugin'));
    await cp(join(PLUGIN, '..', '.claude-plugin', 'marketplace.json'), join(market, '.claude-plugin', 'marketplace.json'));
    await cp(PLUGIN, join(market, 'plugin'), { recursive: true });
    const s = await stage('$0.02', (here) => ({ spend: [[here.curl('/search')], [{ name: 'Bash', input: { command: 'pag0 budget' } }], 'Spent.'] }));
    const claude = (...args: string[]) => run(client, args, { cwd: s.workspace.cwd, env: clientEnv(s.workspace, s.model.url) });
    for (const folder of [market, join(market, 'plugin')]) {
      const { stdout, stderr } = await claude('plugin', 'validate', folder);
      expect(stdout + stderr).toMatch(/Validation passed/);
      expect(stdout + stderr).not.toMatch(/warning/i);
    }
    await claude('plugin', 'marketplace', 'add', market);
    await claude('plugin', 'install', 'pag0@pag0');
    const session = await s.session(marker('spend'), { pluginDirs: [], timeoutMs: 80_000 });
    expect(session.result?.result).toBe('Spent.');
    expect(session.toolCalls[1]?.result).toMatch(/\$0\.02 of \$5\.00/);
    expect(await s.report()).toMatchObject({ totalCost: '20000' });
    const record = await s.daemon();
    // A marketplace in a local folder is read in place; a remote one would be copied to the same effect.
    expect(await readFile(`/proc/${record!.pid}/cmdline`, 'utf8')).toContain(join(market, 'plugin', 'dist', 'daemon.mjs'));
  });
});
