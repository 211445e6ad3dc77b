import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createPolicies } from '../config/policies.ts';
import { budgetView } from './budget.ts';
import { createGrove } from './grove.fixture.ts';

const WRONG = { sessionBudget: '5' };

function setUp() {
  const grove = createGrove();
  const home = mkdtempSync(join(tmpdir(), 'pag0-options-'));
  const policies = createPolicies({ userFile: join(home, 'config.json'), lastGoodFile: join(home, 'last.json') }, () => grove.now, (id) => grove.parts.sessions.get(id)?.session);
  const parts = { ...grove.parts, policies };
  return { grove, problems: async (id: string) => JSON.stringify((await budgetView(parts, grove.parts.sessions.get(id)!)).problems) };
}

describe('a wrong option of the plugin', () => {
  it('is shown in its session', async () => {
    const { grove, problems } = setUp();
    grove.session('s1', { cwd: '/nowhere', options: WRONG });
    expect(await problems('s1')).toContain('sessionBudget');
  });

  it('is not shown any more once it was mended, in a session that began before either', async () => {
    const { grove, problems } = setUp();
    grove.session('s1', { cwd: '/nowhere', options: WRONG }).session.endedAt = grove.now;
    grove.now += 60_000;
    grove.session('s2', { cwd: '/nowhere', options: { sessionBudget: '$5' } });
    expect(await problems('s1')).toBe('[]');
    expect(await problems('s2')).toBe('[]');
  });

  it('is shown everywhere once it is wrong again', async () => {
    const { grove, problems } = setUp();
    grove.session('s1', { cwd: '/nowhere', options: {} });
    grove.now += 60_000;
    grove.session('s2', { cwd: '/nowhere', options: WRONG });
    expect(await problems('s1')).toContain('sessionBudget');
  });
});
