import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { chainAvailable } from '../chain/chain.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const REPO = fileURLToPath(new URL('../..', import.meta.url));

/** Its temporary folders go in here, so that what it leaves behind can be seen. */
const temp = mkdtempSync(join(tmpdir(), 'pag0-demo-test-'));
afterAll(() => rmSync(temp, { recursive: true, force: true }));

// tsx keeps a cache of its own there.
const leftovers = (): string[] => readdirSync(temp).filter((name) => name.startsWith('pag0'));

interface Demo {
  child: ChildProcess;
  said(): string;
  ended: Promise<number | null>;
}

function start(more: Record<string, string> = {}): Demo {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, '--fast'], { cwd: REPO, env: { ...process.env, TMPDIR: temp, ...more } });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return { child, said: () => text, ended: new Promise((resolve) => child.once('close', resolve)) };
}

/** Where there is a chain, there is `/proc`. */
function childOf(parent: number, name: string): number | null {
  const children = chainAvailable() ? readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ').map(Number) : [];
  return children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(name)) ?? null;
}

describe('the demo', () => {
  /** What it said from beginning to end: once for all who look. */
  let whole: Promise<string> | null = null;
  const seen = (): Promise<string> => (whole ??= runToItsEnd());

  async function runToItsEnd(): Promise<string> {
    // What the shell of an agent, or of a company network, would bring along must not matter.
    const demo = start({ PAG0_HOME: join(temp, 'never'), PAG0_PORT: '4402', PAG0_PARENT_SESSION: 'other', http_proxy: 'http://127.0.0.1:9' });
    expect(await demo.ended, demo.said()).toBe(0);
    return demo.said();
  }

  it('ends the researcher at its $1 and Ralph at the 20th attempt, lets others go on, and its books agree', async () => {
    const said = await seen();
    const flat = said.replace(/\s+/g, ' ');
    expect(flat).toMatch(/pag0 to researcher-1: AGENT_BUDGET_EXCEEDED: .*researcher-1 has spent \$1\.00 of \$1\.00/);
    expect(said.slice(said.indexOf('pag0 to researcher-1'))).toMatch(/^ {2}executor-1 +\$0\.02/m);
    expect(flat).toContain('ralph-loop was ended after 20 iterations because ralph-loop has spent $3.00 of $3.00');
    expect(said).toContain('pag0 ended the loop at the Stop after attempt 20');
    expect(said).toMatch(/^ {2}attempt 20 /m);
    expect(said).not.toMatch(/^ {2}attempt 21 /m);
    expect(said.slice(said.indexOf('3. Afterwards'))).toMatch(/^ {2}executor-2 +\$0\.15/m);
    expect(flat).toMatch(/pag0 to executor-2: SESSION_BUDGET_EXCEEDED: .*this session has spent \$5\.00 of \$5\.00/);
    const [calls, requests, billed] = chainAvailable() ? [59, 54, '$4.85'] : [55, 55, '$5.00'];
    expect(said).toMatch(new RegExp(`^ {2}total +\\$5\\.00 in ${calls} requests \\(2 free\\)$`, 'm'));
    expect(flat).toContain(`The seller counts ${requests} requests and ${billed}; the report says ${requests} and ${billed} billed. They agree.`);
    expect(said).not.toContain('\u001b');
    expect(leftovers()).toEqual([]);
  });

  it.skipIf(!chainAvailable())('buys the document that five agents want with one payment, and its report agrees with the chain', async () => {
    const flat = (await seen()).replace(/\s+/g, ' ');
    expect(flat.match(/-1 x402 \/paid\/standards/g)).toHaveLength(5);
    expect(flat).toContain('All five have the document; it was paid for once, by the executor.');
    expect(flat).toContain('kinds $4.85 billed, $0.15 settled');
    expect(flat).toMatch(/The chain says that the wallet had \$10\.00 and has \$9\.85, by one transfer \(0x[0-9a-f]{8}…\) of \$0\.15; the report says \$0\.15 settled\. They agree\./);
  });

  it('leaves neither a daemon nor a chain nor a folder when it is interrupted', async () => {
    const demo = start();
    await expect.poll(() => demo.said(), { timeout: 15_000 }).toContain('researcher-1  $0.10');
    const [folder] = leftovers();
    const { pid } = JSON.parse(readFileSync(join(temp, folder!, 'home', '.pag0', 'daemon.json'), 'utf8')) as { pid: number };
    expect(process.kill(pid, 0)).toBe(true);
    const chain = childOf(demo.child.pid!, 'anvil');
    expect(chain !== null).toBe(chainAvailable());
    demo.child.kill('SIGINT');
    expect(await demo.ended, demo.said()).toBe(130);
    for (const gone of [pid, ...(chain === null ? [] : [chain])]) expect(() => process.kill(gone, 0)).toThrow('ESRCH');
    expect(leftovers()).toEqual([]);
    expect(demo.said()).not.toMatch(/^demo:/m);
  });
});
