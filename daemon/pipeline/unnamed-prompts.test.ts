import { describe, expect, it } from 'vitest';
import { createSessions } from './sessions.ts';
import { registerSession } from './register.ts';
import { createWorld, refusalOf, type World } from './world.fixture.ts';

/** Clients before 2.1.184 give no event a `prompt_id`, and those before 2.1.92 tell of no slash command. */
const CONFIG = { prices: [{ endpoint: 'api.example.com/*', price: '$0.25' }], agents: { 'ralph-loop': { agentBudget: '$0.50' }, loop: { agentBudget: '$0.50' } } };
const URL = 'https://api.example.com/v1/step';
const loops = (world: World) => [...world.live.session.agents.values()].filter((agent) => agent.kind === 'loop').map((agent) => agent.name);
const turns = (world: World) => [...world.live.session.agents.values()].filter((agent) => agent.kind === 'turn').length;
const submit = (world: World, more: object = {}) =>
  registerSession(world.parts, { event: 'user-prompt-submit', session_id: 's1', transcript_path: null, cwd: '/work', source: null, prompt_id: null, author: 'person', attended: true, options: {}, clientPid: null, parent: { session: null }, ancestors: [], project: '/work/.git', ownProxy: false, run: null, ...more });
const expand = (world: World, command_name: string) => world.send({ hook_event_name: 'UserPromptExpansion', command_name });
const stop = (world: World, driven: boolean) => world.send({ hook_event_name: 'Stop', stop_hook_active: driven });

/** Rounds of one paid call each until one is ended; how many were paid, and why it was ended. */
async function rounds(world: World): Promise<{ paid: number; end: string | undefined }> {
  let paid = 0;
  for (let round = 1; round <= 10; round += 1) {
    if (refusalOf((await world.curl(URL)).before) === null) paid += 1;
    const end = (await stop(world, round > 1))?.stop;
    if (end !== undefined) return { paid, end };
  }
  return { paid, end: undefined };
}

describe('a loop in a client that names no prompts', () => {
  it('ends with its money', async () => {
    const world = createWorld(CONFIG);
    await submit(world);
    expect(await rounds(world)).toEqual({ paid: 2, end: expect.stringContaining('loop was ended after 2 iterations because loop has spent $0.50 of $0.50') as string });
  });

  it.each([
    ['comes before its prompt', ['expand', 'submit']],
    ['comes after its prompt', ['submit', 'expand']],
    ['is told by its prompt alone', ['submit']],
  ] as const)('has the name of its slash command, which %s', async (_, order) => {
    const world = createWorld(CONFIG);
    for (const event of order) await (event === 'expand' ? expand(world, 'ralph-loop:ralph-loop') : submit(world, { command: 'ralph-loop:ralph-loop' }));
    expect(turns(world)).toBe(1);
    expect((await rounds(world)).paid).toBe(2);
    expect(loops(world)).toEqual(['ralph-loop']);
  });

  it('is another one at the next prompt', async () => {
    const world = createWorld({ ...CONFIG, agents: {} });
    for (let prompt = 1; prompt <= 2; prompt += 1) {
      await submit(world);
      await world.curl(URL);
      await stop(world, false);
      await world.curl(URL);
      await stop(world, true);
    }
    expect(loops(world)).toEqual(['loop', 'loop-2']);
  });

  it('goes on with the account it had when the daemon was replaced', async () => {
    const world = createWorld(CONFIG);
    await submit(world);
    await world.curl(URL);
    await stop(world, false);
    world.parts.sessions = createSessions(world.parts.roster, world.parts.clock);
    await world.curl(URL);
    expect((await stop(world, true))?.stop).toContain('loop has spent $0.50 of $0.50');
  });
});

it('an ordinary prompt is no loop, and what reports back goes on with it', async () => {
  const world = createWorld(CONFIG);
  await submit(world);
  await world.curl(URL);
  await stop(world, false);
  await submit(world, { author: 'report' });
  await world.curl(URL);
  expect(loops(world)).toEqual([]);
  expect(turns(world)).toBe(1);
});
