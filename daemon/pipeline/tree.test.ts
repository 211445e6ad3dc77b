import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createWorld, refusalOf, register, type World } from './world.fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'pag0-tree-'));
afterAll(() => rmSync(folder, { recursive: true }));

const URL = 'https://api.example.com/v1/step';
const PRICES = [{ endpoint: 'api.example.com/*', price: '$0.10' }];
let worlds = 0;

/** A session whose transcript lies in a folder of its own. */
function worldWith(config: object = {}): World {
  const world = createWorld({ prices: PRICES, ...config });
  world.live.session.transcript = join(folder, `w${(worlds += 1)}`, 's1.jsonl');
  return world;
}

/** What the client writes down of a subagent, `at` a folder below `subagents`. */
function written(world: World, id: string, meta: object, at = ''): void {
  const file = join(dirname(world.live.session.transcript!), 's1', 'subagents', at, `agent-${id}.meta.json`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(meta));
}

const spawn = (world: World, toolUseId: string, input: object, more: object = {}) => world.send({ hook_event_name: 'PreToolUse', tool_name: 'Agent', tool_use_id: toolUseId, tool_input: { subagent_type: 'worker', ...input }, ...more });
const spawned = (world: World, toolUseId: string, input: object, tool_response: object, more: object = {}) => world.send({ hook_event_name: 'PostToolUse', tool_name: 'Agent', tool_use_id: toolUseId, tool_input: { subagent_type: 'worker', ...input }, tool_response, ...more });
const parentOf = (world: World, id: string) => world.live.session.agents.get(id)?.parent;
const spent = async (world: World, scope: string) => (await world.parts.ledger.balances([scope]))[0]!.posted;

describe('an agent that was given a name', () => {
  it('is addressed by it, and still by the name of its type', async () => {
    for (const rule of ['researcher-1', 'worker-1', 'worker-*', 'worker']) {
      const world = worldWith({ agents: { [rule]: { agentBudget: '$0.10' } } });
      await spawn(world, 't1', { name: 'researcher-1' });
      await spawned(world, 't1', { name: 'researcher-1' }, { agentId: 'a1', status: 'async_launched' });
      const agent = { agent_id: 'a1', agent_type: 'worker' };
      expect(refusalOf((await world.curl(URL, agent)).before)).toBeNull();
      expect(refusalOf((await world.curl(URL, agent)).before)?.sentence).toContain('researcher-1 has spent $0.10 of $0.10');
    }
  });

  it.each([
    ['by its file, with the call that it came of', { agentType: 'worker', name: 'researcher-1', toolUseId: 't1', spawnDepth: 1 }, 'worker'],
    ['by its file, as a teammate in the client’s own process', { agentType: 'researcher-1', spawnedAgentType: 'worker', name: 'researcher-1', spawnDepth: 0 }, 'researcher-1'],
  ])('is known before its parent’s result: %s', async (_, meta, agent_type) => {
    const world = worldWith({ agents: { 'researcher-1': { agentBudget: '$0.10' }, worker: { agentBudget: '$0.20' } } });
    await spawn(world, 't0', {}, { agent_id: 'lead', agent_type: 'lead' });
    await spawn(world, 't1', { name: 'researcher-1' }, { agent_id: 'lead', agent_type: 'lead' });
    written(world, 'a1', meta);
    await world.curl(URL, { agent_id: 'a1', agent_type });
    expect(refusalOf((await world.curl(URL, { agent_id: 'a1', agent_type })).before)?.code).toBe('AGENT_BUDGET_EXCEEDED');
    expect(world.live.session.agents.get('a1')).toMatchObject({ name: 'researcher-1', type: 'worker', parent: 'lead', aliases: ['worker-1', 'researcher-1'] });
  });

  it('takes nobody else’s name from it, and none of main', async () => {
    const world = worldWith({ agents: { main: { agentBudget: '$9' }, boss: { agentBudget: '$0.10' } } });
    for (const [id, name] of [['a1', 'boss'], ['a2', 'boss'], ['a3', 'main'], ['a4', 'a b\n/c']] as const) {
      await spawn(world, `t${id}`, { name });
      await spawned(world, `t${id}`, { name }, { agentId: id, status: 'async_launched' });
    }
    expect(['a1', 'a2', 'a3', 'a4'].map((id) => world.live.session.agents.get(id)?.name)).toEqual(['boss', 'boss-2', 'main-2', 'a-b-c']);
    await world.curl(URL, { agent_id: 'a2', agent_type: 'worker' });
    expect(refusalOf((await world.curl(URL, { agent_id: 'a2', agent_type: 'worker' })).before)?.code).toBe('AGENT_BUDGET_EXCEEDED');
  });
});

describe('beside a background agent with a child of its own at work', () => {
  it.each([
    ['an agent of a workflow', { agentType: 'workflow-subagent', spawnDepth: 1, inWorkflowRun: true }, 'workflows/wf_36916364-99e', 'main'],
    ['a forked skill', { agentType: 'general-purpose', spawnDepth: 1 }, '', 'main'],
    ['an agent of a workflow that an agent began', { agentType: 'workflow-subagent', spawnDepth: 2, parentAgentId: 'other' }, 'workflows/wf_1', 'other'],
    ['an agent whose client tells no more', { agentType: 'worker' }, '', 'bg'],
  ])('%s hangs where its file says', async (_, meta, at, parent) => {
    const world = worldWith();
    await world.curl(URL, { agent_id: 'bg', agent_type: 'worker' });
    await world.curl(URL, { agent_id: 'other', agent_type: 'worker' });
    await spawn(world, 't1', {}, { agent_id: 'bg', agent_type: 'worker' });
    written(world, 'wa', meta, at);
    await world.curl(URL, { agent_id: 'wa', agent_type: meta.agentType });
    expect(parentOf(world, 'wa')).toBe(parent);
    expect(await spent(world, 'agent:s1/bg')).toBe(parent === 'bg' ? 200_000n : 100_000n);
  });
});

describe('a teammate in a pane of its own', () => {
  const line = (more = '') => `/usr/bin/claude --agent-id researcher-1@session-s1 --agent-name researcher-1 --team-name session-s1 --parent-session-id s1 --agent-type worker${more}`;

  it.each([['before its lead has heard of it', false], ['after that', true]])('is charged to its lead’s session and its rules, when it starts %s', async (_, first) => {
    const world = worldWith({ agents: { 'researcher-1': { agentBudget: '$0.20' } }, policy: { sessionBudget: '$0.40' } });
    await spawn(world, 't1', { name: 'researcher-1' }, { agent_id: 'lead', agent_type: 'lead' });
    const result = () => spawned(world, 't1', { name: 'researcher-1' }, { status: 'teammate_spawned', agentId: 'researcher-1@session-s1', name: 'researcher-1' }, { agent_id: 'lead', agent_type: 'lead' });
    if (first) await result();
    const mate = register(world.parts, 'mate', { clientPid: 70, ancestors: [{ pid: 70, command: line() }, { pid: 2, command: 'tmux' }] });
    if (!first) await result();
    expect(mate.session).toMatchObject({ parent: { session: 's1', agent: 'researcher-1@session-s1' }, attended: false, run: 's1' });
    await world.curl(URL, { session_id: 'mate' });
    await world.curl(URL, { session_id: 'mate' });
    expect(refusalOf((await world.curl(URL, { session_id: 'mate' })).before)?.sentence).toContain('researcher-1 has spent $0.20 of $0.20');
    expect(await Promise.all(['session:mate', 'session:s1', 'agent:s1/lead', 'agent:s1/main'].map((scope) => spent(world, scope)))).toEqual(Array(4).fill(200_000n));
    expect(world.live.session.agents.get('researcher-1@session-s1')?.endedAt).toBeNull();
  });

  it('that claims another session is charged there as well, and leaves no account of its own', async () => {
    const world = worldWith({ policy: { runBudget: '$0.10' } });
    const claims = register(world.parts, 'claims', { clientPid: 70, run: 'nightly', ancestors: [{ pid: 70, command: line() }] });
    expect(claims.session.run).toBe('nightly');
    await world.curl(URL, { session_id: 'claims' });
    expect(await Promise.all(['run:nightly', 'run:s1'].map((scope) => spent(world, scope)))).toEqual([100_000n, 100_000n]);
  });

  it('below an agent’s client is that agent’s, whatever it claims', () => {
    const world = worldWith();
    Object.assign(world.live.session, { clientPid: 7 });
    register(world.parts, 's2', { clientPid: 8 });
    const inner = register(world.parts, 'inner', { clientPid: 71, ancestors: [{ pid: 71, command: line() }, { pid: 8, command: 'claude' }] });
    expect(inner.session.parent?.session).toBe('s2');
  });

  it.each([
    ['a session that nobody knows', '/usr/bin/claude --agent-name x --parent-session-id nobody'],
    ['no name', '/usr/bin/claude --parent-session-id s1'],
    ['nothing', '/usr/bin/claude -p hello'],
  ])('that names %s is nobody’s', (_, command) => {
    const world = worldWith();
    expect(register(world.parts, 'mate', { clientPid: 70, ancestors: [{ pid: 70, command }] }).session.parent).toBeNull();
  });
});

describe('a client that an agent hands over to another program', () => {
  const bash = (world: World, command: string) => world.send({ hook_event_name: 'PreToolUse', tool_name: 'Bash', tool_use_id: 'b1', agent_id: 'a1', agent_type: 'worker', tool_input: { command } });
  const started = (world: World, command: string) => register(world.parts, 'inner', { clientPid: 70, ancestors: [{ pid: 70, command }, { pid: 2, command: 'tmux new-session -d -s person' }] });

  it.each([
    ['tmux', `tmux new-session -d 'claude -p "do the other half" --dangerously-skip-permissions'`, 'claude -p do the other half --dangerously-skip-permissions'],
    ['tmux, by keys', `tmux send-keys -t 0 'claude -p "do the other half"' Enter`, 'node /usr/lib/cli.js -p do the other half'],
    ['screen', `screen -dmS x claude -p 'do the other half'`, '/opt/claude -p do the other half'],
    ['systemd', `systemd-run --user claude -p "do the other half"`, 'claude -p do the other half'],
  ])('is known by the text of the command: %s', async (_, command, argv) => {
    const world = worldWith();
    await bash(world, command);
    expect(started(world, argv).session).toMatchObject({ parent: { session: 's1', agent: 'a1' }, attended: false });
  });

  it.each([
    ['whose arguments do not stand in it', `tmux new-session -d 'claude -p "$WHAT"'`, 'claude -p do the other half'],
    ['that has none', `tmux new-session -d claude`, 'claude'],
    ['that a person starts with others', `tmux new-session -d 'claude -p "do the other half"'`, 'claude -p explain this'],
    ['where the command hands nothing over', `echo claude -p do the other half`, 'claude -p do the other half'],
  ])('is nobody’s: %s', async (_, command, argv) => {
    const world = worldWith();
    await bash(world, command);
    expect(started(world, argv).session.parent).toBeNull();
  });

  it('is not looked for an hour later', async () => {
    const world = worldWith();
    await bash(world, `tmux new-session -d 'claude -p "do the other half"'`);
    world.now += 61 * 60_000;
    expect(started(world, 'claude -p do the other half').session.parent).toBeNull();
  });

  it('in another folder is charged to the project it was started in as well', async () => {
    const world = worldWith({ policy: { projectBudget: '$0.10' } });
    register(world.parts, 'inner', { parentSession: 's1', project: '/elsewhere' });
    await world.curl(URL, { session_id: 'inner' });
    expect(await Promise.all(['project:/elsewhere', 'project:/work/.git'].map((scope) => spent(world, scope)))).toEqual([100_000n, 100_000n]);
    expect(refusalOf((await world.curl(URL)).before)?.code).toBe('PROJECT_BUDGET_EXCEEDED');
  });
});
