import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { BUYER, SELLER, STRANGER } from './accounts.ts';
import { SETPRIV } from './anvil.ts';
import { type Chain, startChain } from './chain.ts';
import { onChain } from './on-chain.fixture.ts';
import { TOKEN_ABI, TOKEN_ARTIFACT } from './token.ts';

describe('the token', () => {
  it('has all that is asked of it in what was compiled', () => {
    const compiled = TOKEN_ARTIFACT.abi.map((item) => shapeOf(item));
    expect(compiled).toEqual(expect.arrayContaining(TOKEN_ABI.map((item) => shapeOf(item))));
  });
});

onChain('a chain of this machine', () => {
  let chain: Chain;
  beforeAll(async () => {
    chain = await startChain();
  });
  afterAll(() => chain.stop());

  it('gives money to whom it is told', async () => {
    await chain.mint(STRANGER, 5n);
    await chain.mint(STRANGER, 7n);
    expect(await chain.balanceOf(STRANGER)).toBe(12n);
    expect(await chain.transfersFrom(STRANGER)).toEqual([]);
  });

  it('shares nothing with another one', async () => {
    const other = await startChain();
    try {
      await other.mint(SELLER, 1n);
      expect(other.url).not.toBe(chain.url);
      expect(await chain.balanceOf(SELLER)).toBe(0n);
    } finally {
      await other.stop();
    }
  });

  it('is in the present however many blocks it made, until it is told to pass time', async () => {
    await chain.mine(100);
    const began = await chain.now();
    expect(Math.abs(began - Date.now() / 1_000)).toBeLessThan(30);
    await chain.passTime(3_600);
    expect((await chain.now()) - began).toBeGreaterThanOrEqual(3_600);
  });

  it('knows no authorization that nobody cashed', async () => {
    expect(await chain.authorizationState(BUYER.address, `0x${'ab'.repeat(32)}`)).toBe(false);
  });

  it('is gone once it was stopped', async () => {
    const other = await startChain();
    expect(isThere(other.pid)).toBe(true);
    await other.stop();
    expect(isThere(other.pid)).toBe(false);
  });

  it.skipIf(!existsSync(SETPRIV))('goes with whoever started it, even one that was killed', async () => {
    const program = `import { startAnvil } from ${JSON.stringify(fileURLToPath(new URL('anvil.ts', import.meta.url)))}; console.log((await startAnvil(1)).pid);`;
    const starter = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = (await once(starter.stdout, 'data')) as [Buffer];
    const pid = Number(said.toString());
    expect(isThere(pid)).toBe(true);
    starter.kill('SIGKILL');
    await vi.waitFor(() => expect(isThere(pid)).toBe(false), 5_000);
  });
});

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Of an ABI's item what a caller depends on: the compiler also names inner types, and a name by hand may differ. */
function shapeOf(item: (typeof TOKEN_ARTIFACT.abi)[number]): unknown {
  const types = (list: readonly { type: string; indexed?: boolean }[] = []): string[] => list.map(({ type, indexed = false }) => (indexed ? `${type} indexed` : type));
  const { type, name, inputs, outputs } = item as { type: string; name?: string; inputs?: readonly { type: string }[]; outputs?: readonly { type: string }[] };
  return { type, name, inputs: types(inputs), outputs: types(outputs) };
}
