import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ensureClientVersion } from './e2e/client.ts';
import { marker } from './e2e/script.ts';
import type { SessionOutcome } from './e2e/session.ts';
import { agent, LOOP_PLUGIN, PLUGIN, type Stage } from './e2e/stage.ts';
import { staged } from './e2e/staged.ts';

/**
 * Ten clients of a year, each with the plugin as it ships: it loads and says one sentence where the client is too old for
 * all of it, a priced call is refused at the cap, a loop ends with its money, and a nested agent hangs under its parent.
 */
const { stage } = staged();
const SESSION_MS = 100_000;

interface Version {
  version: string;
  /** Its manifests may hold no field that it does not know: nothing of pag0 runs, and nothing of pag0 can say so. */
  loads: boolean;
  /** How it calls itself in the sentence about its age; null: it is whole. */
  old: string | null;
  /** Whether a subagent may start another. */
  nests: boolean;
  /** What it does with an agent that is to end. */
  ends: boolean;
}

const VERSIONS: readonly Version[] = [
  { version: '2.0.55', loads: false, old: null, nests: false, ends: false },
  { version: '2.1.63', loads: false, old: null, nests: false, ends: false },
  { version: '2.1.81', loads: true, old: 'this Claude Code', nests: false, ends: false },
  { version: '2.1.120', loads: true, old: 'Claude Code 2.1.120', nests: false, ends: false },
  { version: '2.1.150', loads: true, old: 'Claude Code 2.1.150', nests: false, ends: false },
  { version: '2.1.183', loads: true, old: 'Claude Code 2.1.183', nests: true, ends: false },
  { version: '2.1.200', loads: true, old: 'Claude Code 2.1.200', nests: true, ends: false },
  { version: '2.1.250', loads: true, old: null, nests: true, ends: true },
  { version: '2.1.286', loads: true, old: null, nests: true, ends: true },
  { version: '2.1.332', loads: true, old: null, nests: true, ends: true },
];

const scripts = (here: Stage) => ({
  spend: [...[1, 2, 3, 4, 5].map((n) => [here.curl(`/search?q=${n}`)]), 'The end.'],
  round: [[here.curl('/v1/chat/completions')], 'Not there yet.'],
  top: [[agent('general-purpose', 'middle')], 'Top is done.'],
  middle: [[agent('general-purpose', 'bottom')], [here.curl('/search?q=middle')], 'Middle is done.'],
  bottom: [[here.curl('/search?q=bottom')], 'Bottom is done.'],
});

/** The first that said it; the screen shows it to a person. */
function sentences({ hookEvents }: SessionOutcome): string[] {
  return hookEvents.filter(({ hook_event }) => hook_event === 'SessionStart').flatMap(({ stdout }) => /pag0: [^"]*older than[^"]*/.exec(stdout ?? '') ?? []);
}

describe.each(VERSIONS)('Claude Code $version', ({ version, loads, old, nests, ends }) => {
  const known = async () => ({ client: await ensureClientVersion(version), withHookEvents: Number(version.split('.')[2]) > 100, timeoutMs: SESSION_MS });

  it(loads ? 'loads the plugin, says of its age what is to be said, and pays no more than the cap' : 'loads no plugin with fields that it does not know', async () => {
    const s = await stage('$0.02', scripts, { policy: { sessionBudget: '$0.05' } });
    const session = await s.session(marker('spend'), await known());
    expect(session.timedOut).toBe(false);
    if (!loads) {
      expect((session.events.find(({ subtype }) => subtype === 'init')?.['plugins'] as unknown[] | undefined) ?? []).toEqual([]);
      return;
    }
    expect(s.seller.count('/search')).toBe(2);
    expect(sentences(session)).toEqual(old === null ? [] : [expect.stringContaining(`pag0: ${old} is older than 2.1.210`)]);
    expect(session.toolCalls.map((call) => call.isError)).toEqual(ends ? [false, false, true, true] : [false, false, true, true, true]);
    expect(session.toolCalls[2]?.result).toContain('SESSION_BUDGET_EXCEEDED');
    expect(await s.report()).toMatchObject({ totalCost: '40000', totalRequests: 2 });
  });

  it.runIf(loads)('ends a loop of a plain prompt with its money', async () => {
    const s = await stage('$0.02', scripts, { agents: { loop: { agentBudget: '$0.06' } } });
    await mkdir(join(s.workspace.cwd, '.claude'), { recursive: true });
    await writeFile(join(s.workspace.cwd, '.claude', 'ralph-loop.local.md'), `--max-iterations 8 ${marker('round')}`);
    const session = await s.session(marker('round'), { ...(await known()), pluginDirs: [PLUGIN, LOOP_PLUGIN] });
    expect(session.timedOut).toBe(false);
    expect(s.seller.count('/v1/chat/completions')).toBe(3);
    const report = await s.report();
    expect(report.byAgent.find(({ agentId }) => agentId === 'loop')).toMatchObject({ cost: '60000', parent: { agent: 'main' }, stopped: { code: 'AGENT_BUDGET_EXCEEDED' } });
  });

  it.runIf(loads)(nests ? 'has a nested agent under its parent' : 'has an agent under the main thread', async () => {
    const s = await stage('$0.02', scripts);
    const session = await s.session(marker('top'), await known());
    expect(session.result?.result).toBe('Top is done.');
    const { byAgent } = await s.report();
    const middle = byAgent.find(({ parent }) => parent?.agent === 'main');
    expect(middle).toMatchObject({ cost: '20000', requests: 1 });
    expect(byAgent.filter(({ parent }) => parent?.agent === middle?.id).map(({ cost }) => cost)).toEqual(nests ? ['20000'] : []);
  });
});
