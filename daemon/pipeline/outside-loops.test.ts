import { describe, expect, it } from 'vitest';
import { registerSession } from './register.ts';
import { createWorld, refusalOf, type World } from './world.fixture.ts';

const CONFIG = { prices: [{ endpoint: 'api.example.com/*', price: '$0.02' }], policy: { dailyBudget: '$0.05' } };
const URL = 'https://api.example.com/step';
let count = 0;

/** A `claude -p` with this prompt, and paid calls until one is refused; answers why it was ended before the model. */
async function round(world: World, prompt: string, { calls = 3, session = `r${(count += 1)}`, attended = false, project = '/work/.git' } = {}): Promise<string | undefined> {
  const told = { session_id: session, transcript_path: null, cwd: '/work', source: null, author: 'person' as const, attended, options: {}, clientPid: null, parent: { session: null }, ancestors: [], project, ownProxy: false, run: null };
  await registerSession(world.parts, { ...told, event: 'session-start', prompt_id: null });
  const { stop } = await registerSession(world.parts, { ...told, event: 'user-prompt-submit', prompt_id: `p${(count += 1)}`, promptDigest: prompt });
  if (stop !== undefined) return stop;
  for (let call = 0; call < calls; call += 1) if (refusalOf((await world.curl(URL, { session_id: session })).before) !== null) break;
  return undefined;
}

describe('a loop outside the client', () => {
  it('whose money is gone is ended before the model is asked, in every round after', async () => {
    const world = createWorld(CONFIG);
    expect(await round(world, 'work')).toBeUndefined();
    for (let again = 0; again < 5; again += 1) expect(await round(world, 'work')).toContain('pag0 DAILY_BUDGET_EXCEEDED: money limit set by the user in pag0: today has spent $0.04 of $0.05');
  });

  it('that resumes one session is ended so as well, and by the budget of that session', async () => {
    const world = createWorld({ ...CONFIG, policy: { sessionBudget: '$0.05' } });
    await round(world, 'work', { session: 'one' });
    expect(await round(world, 'work', { session: 'one' })).toContain('SESSION_BUDGET_EXCEEDED');
    // A fresh session has a budget of its own.
    expect(await round(world, 'work')).toBeUndefined();
  });

  it('whose prompts differ is ended after two rounds that were refused', async () => {
    const world = createWorld(CONFIG);
    await round(world, 'one');
    expect(await round(world, 'two')).toBeUndefined();
    expect(await round(world, 'three')).toContain('DAILY_BUDGET_EXCEEDED');
    expect(await round(world, 'four')).toContain('DAILY_BUDGET_EXCEEDED');
  });

  it('is ended while the kill switch is on, and goes on when it is lifted', async () => {
    const world = createWorld({ ...CONFIG, policy: {} });
    await round(world, 'work');
    await world.parts.directives.give({ kind: 'kill', scope: 'all', limit: null, by: 'person', at: world.now });
    expect(await round(world, 'work')).toContain('KILL_SWITCH: paid calls are stopped for everything');
    await world.parts.directives.give({ kind: 'resume', scope: 'all', limit: null, by: 'person', at: world.now });
    expect(await round(world, 'work')).toBeUndefined();
  });

  it.each([
    ['a prompt that asked for nothing paid', 'free', { calls: 0 }],
    ['a person who sits at the session', 'work', { attended: true }],
    ['the same words in another project', 'work', { project: '/other/.git' }],
  ])('holds up nobody else: %s', async (_, prompt, more) => {
    const world = createWorld(CONFIG);
    if (prompt === 'free') await round(world, 'free', { calls: 0 });
    await round(world, 'work');
    for (let again = 0; again < 3; again += 1) expect(await round(world, prompt, { calls: 0, ...more })).toBeUndefined();
  });

  it('goes on when the limit is raised, or another day begins', async () => {
    const world = createWorld(CONFIG);
    await round(world, 'work');
    expect(await round(world, 'work')).toContain('DAILY');
    world.now += 24 * 3_600_000;
    expect(await round(world, 'work')).toBeUndefined();
  });

  it('is only watched in shadow', async () => {
    const world = createWorld({ ...CONFIG, mode: 'shadow' });
    for (let again = 0; again < 3; again += 1) expect(await round(world, 'work')).toBeUndefined();
  });
});
