import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { marker } from './script.ts';
import { PLUGIN } from './stage.ts';
import { staged } from './staged.ts';

const { stage } = staged();

/** What a person meets in the terminal and in the client, with the real one. */
const CLI = join(PLUGIN, 'dist', 'cli.mjs');

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** As a terminal shows it: exit code, and both streams apart. */
async function typed(s: { workspace: { cwd: string; home: string } }, ...words: string[]): Promise<Ended> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: s.workspace.home };
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [CLI, ...words], { cwd: s.workspace.cwd, env });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as Ended;
    return { code, stdout, stderr };
  }
}

/** Without the line that has the moment it was asked at, and what the client writes around a blocked prompt. */
function withoutTime(page: string): string {
  const framed = page.replace(/^UserPromptExpansion operation blocked by hook:\n/, '').replace(/\n\nOriginal prompt: .*$/s, '');
  return framed.trim().split('\n').filter((_, index) => index !== 1).join('\n');
}

describe('a person', () => {
  it('asks for a report by the same words in a session and in a terminal', async () => {
    const s = await stage('$0.02', (here) => ({ spend: [[here.curl('/search')], 'Spent.'] }));
    const first = await s.session(marker('spend'));
    const resume = ['--resume', String(first.result?.['session_id'])];
    const calls = s.model.modelCalls();
    for (const [slash, words] of [['/pag0-report today', ['report', 'today']], ['/pag0:pag0-report --today', ['report', '--today']]] as const) {
      const page = String((await s.session(slash, { args: resume })).result?.result);
      expect(page).toContain('$0.02 in 1 request');
      expect(withoutTime(page)).toBe(withoutTime((await typed(s, ...words)).stdout));
    }
    expect(String((await s.session('/pag0-report run nope', { args: resume })).result?.result)).toContain('pag0 does not know the run "nope"');
    expect(s.model.modelCalls()).toBe(calls);
  });

  it('asks in the morning, when the daemon has ended', async () => {
    const s = await stage('$0.02', (here) => ({ spend: [[here.curl('/search')], 'Spent.'] }));
    await s.session(marker('spend'));
    for (const words of [['report'], ['budget'], ['receipts'], ['sessions'], ['report', 'today', '--json']]) {
      await s.killDaemon('SIGTERM');
      const asked = await typed(s, ...words);
      expect(asked).toMatchObject({ code: 0, stderr: '' });
      if (words.includes('--json')) expect(JSON.parse(asked.stdout)).toMatchObject({ totalCost: '20000' });
    }
    await s.killDaemon('SIGTERM');
    const unknown = await typed(s, 'report', '--run', 'nope', '--json');
    expect([unknown.code, unknown.stderr, JSON.parse(unknown.stdout)]).toEqual([1, '', { error: { code: 'NOT_FOUND', message: 'pag0 does not know the run "nope"; `pag0 sessions` lists those it knows.' } }]);
  });

  it('gives a loop from outside one budget by a name, and stops it for good', async () => {
    const s = await stage('$0.02', (here) => ({ round: [[here.curl('/search')], 'Done.'] }), { policy: { runBudget: '$0.05' } });
    const round = () => s.session(marker('round'), { env: { PAG0_RUN: 'night' } });
    const rounds = [await round(), await round(), await round()];
    expect(s.seller.count('/search')).toBe(2);
    const said = JSON.stringify(rounds[2]!.events);
    expect(said).toMatch(/pag0 RUN_BUDGET_EXCEEDED: money limit set by the user in pag0: /);
    expect(JSON.parse((await typed(s, 'report', 'run', 'night', '--json')).stdout)).toMatchObject({ scope: 'run', run: 'night', totalCost: '40000' });
    const killed = await typed(s, 'kill', 'run', 'night');
    expect(killed.stdout).toMatch(/^Paid calls are stopped for run night\. That is \d+ sessions? at work and every later one of this run; free work and other runs go on\. .*\/pag0-resume run night/);
    const stopped = await round();
    expect(JSON.stringify(stopped.events)).toMatch(/pag0 KILL_SWITCH: /);
    expect(s.seller.count('/search')).toBe(2);
    // Outside the run nothing is stopped.
    await s.session(marker('round'));
    expect(s.seller.count('/search')).toBe(3);
  });

  it('stops a project, whose next session says so at its start', async () => {
    const s = await stage('$0.02', (here) => ({ spend: [[here.curl('/search')], 'Spent.'] }));
    await s.session(marker('spend'));
    expect((await typed(s, 'kill')).stdout).toMatch(/It has ended, so nothing of it runs any more: 0 sessions at work .* and `kill project` stops them\./);
    await s.session(marker('spend'));
    expect(s.seller.count('/search')).toBe(2);
    expect((await typed(s, 'kill', 'project')).stdout).toMatch(/^Paid calls are stopped for project /);
    const next = await s.session(marker('spend'));
    expect(s.seller.count('/search')).toBe(2);
    const said = JSON.stringify(next.events);
    expect(said).toContain('Paid calls are stopped for this project; /pag0-resume project lifts that.');
    expect(said).toMatch(/pag0 KILL_SWITCH: paid calls are stopped by pag0's kill switch/);
  });
});
