import { describe, expect, it } from 'vitest';
import { promptDigest } from '../contract/prompt-digest.ts';
import { registerSession } from './register.ts';
import { createWorld, refusalOf, type World } from './world.fixture.ts';

const CONFIG = { prices: [{ endpoint: 'api.example.com/*', price: '$0.20' }], agents: { loop: { agentBudget: '$0.40' } } };
const URL = 'https://api.example.com/v1/step';
const loops = (world: World) => [...world.live.session.agents.values()].filter((agent) => agent.kind === 'loop').map((agent) => agent.name);
const submit = (world: World, prompt_id: string, prompt: string) =>
  registerSession(world.parts, { event: 'user-prompt-submit', session_id: 's1', transcript_path: null, cwd: '/work', source: null, prompt_id, author: 'person', promptDigest: promptDigest(prompt), attended: true, options: {}, clientPid: null, parent: { session: null }, ancestors: [], project: '/work/.git', ownProxy: false, run: null });
const stop = (world: World, prompt_id: string, ...prompts: string[]) =>
  world.send({ hook_event_name: 'Stop', prompt_id, stop_hook_active: false, session_crons: prompts.map((prompt, index) => ({ id: `c${index}`, schedule: '* * * * *', recurring: true, prompt })) });
const paid = async (world: World, prompt_id: string): Promise<boolean> => refusalOf((await world.curl(URL, { prompt_id })).before) === null;

describe('a prompt that the client gives itself', () => {
  it('as `/loop PROMPT` is a loop, whose first round is on its account', async () => {
    const world = createWorld(CONFIG);
    await submit(world, 'p1', '/loop check it');
    await world.send({ hook_event_name: 'UserPromptExpansion', prompt_id: 'p1', command_name: 'loop' });
    expect(await paid(world, 'p1')).toBe(true);
    await stop(world, 'p1', '/loop check it');
    await submit(world, 'p2', '/loop check it');
    await world.send({ hook_event_name: 'UserPromptExpansion', prompt_id: 'p2', command_name: 'loop' });
    expect(await paid(world, 'p2')).toBe(true);
    expect((await stop(world, 'p2', '/loop check it'))?.stop).toContain('loop has spent $0.40 of $0.40');
    expect((await submit(world, 'p3', '/loop check it')).stop).toContain('pag0 LOOP_STOPPED: loop was ended');
    expect(loops(world)).toEqual(['loop']);
  });

  it('by the clock is a loop of its own beside what a person does', async () => {
    const world = createWorld(CONFIG);
    await submit(world, 'p1', 'look every minute, please');
    expect(await paid(world, 'p1')).toBe(true);
    await stop(world, 'p1', 'look');
    for (const round of ['c1', 'c2']) {
      await submit(world, round, 'look');
      expect(await paid(world, round)).toBe(true);
      expect((await stop(world, round, 'look'))?.stop).toEqual(round === 'c2' ? expect.stringContaining('loop has spent $0.40 of $0.40') : undefined);
      await submit(world, `${round}-person`, 'and what is this?');
      expect(await paid(world, `${round}-person`)).toBe(true);
      expect((await stop(world, `${round}-person`, 'look'))?.stop).toBeUndefined();
    }
    expect((await submit(world, 'c3', 'look')).stop).toContain('LOOP_STOPPED');
    expect((await submit(world, 'p9', 'and this?')).stop).toBeUndefined();
    expect(await paid(world, 'p9')).toBe(true);
    expect(loops(world)).toEqual(['loop']);
  });

  it('that is not scheduled any more is a person’s again only when it reads otherwise', async () => {
    const world = createWorld(CONFIG);
    await submit(world, 'p1', 'plan');
    await stop(world, 'p1', 'look', ' \n', 7 as never);
    await submit(world, 'p2', 'looking');
    await paid(world, 'p2');
    expect(loops(world)).toEqual([]);
  });
});
