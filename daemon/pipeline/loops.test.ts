import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { registerSession } from './register.ts';
import { createWorld, refusalOf, type World } from './world.fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'pag0-loops-'));
afterAll(() => rmSync(folder, { recursive: true }));

const CONFIG = { prices: [{ endpoint: 'api.example.com/*', price: '$0.25' }], agents: { 'ralph-loop': { agentBudget: '$0.50' }, loop: { agentBudget: '$1' } } };
const URL = 'https://api.example.com/v1/step';
const loops = (world: World) => [...world.live.session.agents.values()].filter((agent) => agent.kind === 'loop').map((agent) => agent.name);
const begin = (world: World, prompt: string, command: string) => world.send({ hook_event_name: 'UserPromptExpansion', prompt_id: prompt, command_name: command });
const stop = (world: World, prompt: string, driven: boolean) => world.send({ hook_event_name: 'Stop', prompt_id: prompt, stop_hook_active: driven });
const submit = (world: World, prompt_id: string, author: 'person' | 'report' | 'wakeup', attended = true, command: string | null = null) =>
  registerSession(world.parts, { event: 'user-prompt-submit', session_id: 's1', transcript_path: null, cwd: '/work', source: null, prompt_id, author, command, attended, options: {}, clientPid: null, parent: { session: null }, ancestors: [], project: '/work/.git', ownProxy: false, run: null });

/** Two paid rounds of `/ralph-loop`, which is all its $0.50 pays for. */
async function endedRalph(world: World): Promise<void> {
  await begin(world, 'p1', 'ralph-loop:ralph-loop');
  await world.curl(URL, { prompt_id: 'p1' });
  await stop(world, 'p1', false);
  await world.curl(URL, { prompt_id: 'p1' });
  expect((await stop(world, 'p1', true))?.stop).toContain('ralph-loop was ended after 2 iterations');
}

describe('an ended loop', () => {
  it('that its state file drives on at the next prompt gets no fresh allowance', async () => {
    const world = createWorld(CONFIG);
    await endedRalph(world);
    expect(refusalOf((await world.curl(URL, { prompt_id: 'p2' })).before)).toBeNull();
    expect((await stop(world, 'p2', false))?.stop).toBeUndefined();
    expect(refusalOf((await world.curl(URL, { prompt_id: 'p2' })).before)).toMatchObject({ code: 'LOOP_STOPPED' });
    expect((await stop(world, 'p2', true))?.stop).toContain('ralph-loop has spent $0.50 of $0.50');
  });

  it('adds no row to the tree when it is driven on, and says how it ends for good', async () => {
    const world = createWorld(CONFIG);
    await endedRalph(world);
    for (const prompt of ['p2', 'p3']) {
      await world.curl(URL, { prompt_id: prompt });
      await stop(world, prompt, false);
      expect((await stop(world, prompt, true))?.stop).toContain('use its own command to cancel it (for ralph-loop /cancel-ralph) to end it for good');
    }
    expect(loops(world)).toEqual(['ralph-loop']);
    expect(world.live.session.agents.get('turn-p3')?.stopped).toBeNull();
  });

  describe('whose state file lies in the project', () => {
    const project = join(folder, 'project');
    const ended = async (attended: boolean) => {
      mkdirSync(join(project, '.claude'), { recursive: true });
      writeFileSync(join(project, '.claude', 'ralph-loop.local.md'), 'again');
      const world = createWorld(CONFIG);
      Object.assign(world.live.session, { cwd: project, attended });
      await endedRalph(world);
      return world;
    };

    it('lets the answer stand to a person who sits there, before another model call', async () => {
      const world = await ended(true);
      expect((await submit(world, 'p2', 'person')).stop).toBeUndefined();
      await world.curl(URL, { prompt_id: 'p2' });
      const reply = await stop(world, 'p2', false);
      expect(reply?.stop).toContain('so it ends with its answer; remove .claude/ralph-loop.local.md');
      expect(loops(world)).toEqual(['ralph-loop']);
    });

    it('has no prompt sent whose answer would be printed nowhere, and tells its person what to do', async () => {
      const world = await ended(false);
      expect((await submit(world, 'p2', 'person', false)).stop).toContain('this one was not sent to the model and its answer is not lost; remove .claude/ralph-loop.local.md');
      rmSync(join(project, '.claude', 'ralph-loop.local.md'));
      expect((await submit(world, 'p3', 'person', false)).stop).toBeUndefined();
      expect((await stop(world, 'p3', false))?.stop).toBeUndefined();
    });

    it('lets a slash command through, its own to cancel it before all', async () => {
      const world = await ended(false);
      expect((await submit(world, 'p2', 'person', false, 'ralph-loop:cancel-ralph')).stop).toBeUndefined();
    });
  });

  it('is told apart from another loop by the hook that drives it', async () => {
    const transcript = join(folder, 's.jsonl');
    const blockedBy = (command: string) => writeFileSync(transcript, `${JSON.stringify({ attachment: { type: 'hook_blocking_error', hookName: 'Stop', blockingError: { command } } })}\n`);
    const world = createWorld(CONFIG);
    world.live.session.transcript = transcript;
    blockedBy('sh ralph/stop.sh');
    await endedRalph(world);
    blockedBy('sh lint/stop.sh');
    await world.curl(URL, { prompt_id: 'p2' });
    await stop(world, 'p2', false);
    expect(refusalOf((await world.curl(URL, { prompt_id: 'p2' })).before)).toBeNull();
    expect(loops(world)).toEqual(['ralph-loop', 'loop']);
  });

  it('begins anew when a person types its command again', async () => {
    const world = createWorld(CONFIG);
    await endedRalph(world);
    await begin(world, 'p2', 'ralph-loop:ralph-loop');
    await world.curl(URL, { prompt_id: 'p2' });
    await stop(world, 'p2', false);
    expect(refusalOf((await world.curl(URL, { prompt_id: 'p2' })).before)).toBeNull();
    expect(loops(world)).toEqual(['ralph-loop', 'ralph-loop-2']);
  });

  it('goes on when a person resumes it', async () => {
    const world = createWorld({ ...CONFIG, agents: {}, loops: { maxIterations: 2 } });
    await begin(world, 'p1', 'ralph-loop');
    await world.curl(URL, { prompt_id: 'p1' });
    await stop(world, 'p1', false);
    await world.curl(URL, { prompt_id: 'p1' });
    await stop(world, 'p1', true);
    expect(refusalOf((await world.curl(URL, { prompt_id: 'p1' })).before)?.code).toBe('LOOP_STOPPED');
    world.now += 1;
    await world.parts.directives.give({ kind: 'resume', scope: 'session:s1', limit: null, by: 'person', at: world.now });
    expect(refusalOf((await world.curl(URL, { prompt_id: 'p1' })).before)).toBeNull();
  });

  it('is not woken by background work that reports back', async () => {
    const world = createWorld(CONFIG);
    await endedRalph(world);
    expect((await submit(world, 'p2', 'report')).stop).toContain('nothing that reports back starts it again');
    expect((await submit(world, 'p3', 'person')).stop).toBeUndefined();
  });
});

describe('a loop', () => {
  it('stays one loop with one budget while background work reports back into it', async () => {
    const world = createWorld(CONFIG);
    await begin(world, 'p1', 'ralph-loop');
    await world.curl(URL, { prompt_id: 'p1' });
    await stop(world, 'p1', false);
    await submit(world, 'p2', 'report');
    await stop(world, 'p2', false);
    await world.curl(URL, { prompt_id: 'p2' });
    expect((await stop(world, 'p2', true))?.stop).toContain('ralph-loop was ended');
  });

  it('that wakes itself up is a loop', async () => {
    const world = createWorld(CONFIG);
    await submit(world, 'p1', 'person');
    await world.curl(URL, { prompt_id: 'p1' });
    await stop(world, 'p1', false);
    await submit(world, 'p2', 'wakeup');
    await world.curl(URL, { prompt_id: 'p2' });
    expect(loops(world)).toEqual(['loop']);
  });

  it('that the model began through a skill has its name, and the limits of loops in general', async () => {
    const world = createWorld({ ...CONFIG, agents: { loop: { agentBudget: '$0.25' } } });
    await submit(world, 'p1', 'person');
    await world.send({ hook_event_name: 'PreToolUse', tool_name: 'Skill', tool_use_id: 'k1', prompt_id: 'p1', tool_input: { skill: 'omc:ralph' } });
    await stop(world, 'p1', false);
    await world.curl(URL, { prompt_id: 'p1' });
    expect(loops(world)).toEqual(['ralph']);
    expect(refusalOf((await world.curl(URL, { prompt_id: 'p1' })).before)?.code).toBe('AGENT_BUDGET_EXCEEDED');
  });

  it('in a subagent, driven by a SubagentStop hook, is counted and ended as well', async () => {
    const world = createWorld({ ...CONFIG, loops: { maxIterations: 3 } });
    const agent = { agent_id: 'a1', agent_type: 'worker' };
    const ends: (string | undefined)[] = [];
    for (let round = 1; round <= 3; round += 1) {
      await world.curl(URL, agent);
      ends.push((await world.send({ hook_event_name: 'SubagentStop', ...agent, stop_hook_active: round > 1 }))?.stop);
    }
    expect(ends.slice(0, 2)).toEqual([undefined, undefined]);
    expect(ends[2]).toContain('worker-1 was ended after 3 iterations because it reached 3 iterations');
    expect(refusalOf((await world.curl(URL, agent)).before)?.code).toBe('LOOP_STOPPED');
    expect(refusalOf((await world.curl(URL, { agent_id: 'a2', agent_type: 'worker' })).before)).toBeNull();
  });

  it('that repeats itself is ended, an interactive turn that does is not', async () => {
    const world = createWorld({ ...CONFIG, agents: {}, policy: { sessionBudget: '$100', dailyBudget: '$100' }, loops: { repeatLimit: 4, dollarsPerMinute: null } });
    const free = () => world.curl('https://docs.python.org/3/', { prompt_id: 'p1' });
    for (let call = 0; call < 10; call += 1) await free();
    let ended = 0;
    for (let round = 1; round < 10 && ended === 0; round += 1) {
      if (round > 1) await free();
      if ((await stop(world, 'p1', round > 1))?.stop !== undefined) ended = round;
    }
    expect(ended).toBe(5);
  });
});

describe('agents', () => {
  const spawn = (world: World, id: string, more: object = {}) => world.send({ hook_event_name: 'PreToolUse', tool_name: 'Agent', tool_use_id: id, tool_input: { subagent_type: 'worker' }, ...more });

  it('are limited in number, also when many are asked for at once', async () => {
    const world = createWorld({ policy: { maxAgents: 2 } });
    const replies = await Promise.all(['t1', 't2', 't3', 't4'].map((id) => spawn(world, id)));
    expect(replies.map((reply) => refusalOf(reply!)?.code ?? 'started')).toEqual(['started', 'started', 'AGENT_LIMIT_EXCEEDED', 'AGENT_LIMIT_EXCEEDED']);
    await world.send({ hook_event_name: 'PostToolUse', tool_name: 'Agent', tool_use_id: 't1', tool_input: {}, tool_response: { agentId: 'a1', status: 'completed' } });
    expect(refusalOf((await spawn(world, 't5'))!)).toBeNull();
  });

  it('are limited in depth', async () => {
    const world = createWorld({ policy: { maxDepth: 1 } });
    expect(refusalOf((await spawn(world, 't1'))!)).toBeNull();
    expect(refusalOf((await spawn(world, 't2', { agent_id: 'a1', agent_type: 'worker' }))!)?.code).toBe('AGENT_LIMIT_EXCEEDED');
  });

  it('get their type, and with it their budget, also when the parent’s result comes before their start', async () => {
    const world = createWorld({ ...CONFIG, agents: { researcher: { agentBudget: '$0.25' } } });
    await world.send({ hook_event_name: 'PostToolUse', tool_name: 'Agent', tool_use_id: 't1', tool_input: {}, tool_response: { agentId: 'r1', status: 'async_launched' } });
    await world.send({ hook_event_name: 'SubagentStart', agent_id: 'r1', agent_type: 'researcher' });
    const researcher = { agent_id: 'r1', agent_type: 'researcher' };
    await world.curl(URL, researcher);
    expect(refusalOf((await world.curl(URL, researcher)).before)?.sentence).toContain('researcher-1 has spent $0.25 of $0.25');
  });

  it('of a nested client are charged to the agent that started it and to everyone above', async () => {
    const world = createWorld(CONFIG);
    await world.send({ hook_event_name: 'PreToolUse', tool_name: 'Bash', tool_use_id: 'b1', agent_id: 'e1', agent_type: 'executor', tool_input: { command: 'claude -p "do it"' } });
    await world.send({ hook_event_name: 'PreToolUse', tool_name: 'Bash', tool_use_id: 'b2', agent_id: 'e2', agent_type: 'executor', tool_input: { command: 'claude -p "other"' } });
    await registerSession(world.parts, { event: 'session-start', session_id: 'inner', transcript_path: null, cwd: '/work', source: 'startup', prompt_id: null, author: 'person', attended: false, options: {}, clientPid: null, parent: { session: 's1' }, ancestors: [{ pid: 7, command: `/bin/bash -c eval 'claude -p "do it"'` }], project: '/work/.git', ownProxy: false, run: 'another' });
    await world.curl(URL, { session_id: 'inner' });
    const spent = async (scope: string) => (await world.parts.ledger.balances([scope]))[0]!.posted;
    expect(await Promise.all(['agent:inner/main', 'session:inner', 'agent:s1/e1', 'agent:s1/main', 'session:s1', 'run:s1'].map(spent))).toEqual(Array(6).fill(250_000n));
    expect(await Promise.all(['agent:s1/e2', 'run:another'].map(spent))).toEqual([0n, 0n]);
  });
});
