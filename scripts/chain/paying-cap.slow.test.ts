import { rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Address } from 'viem';
import { freePort } from '../bench/free-port.ts';
import { BUYER, SELLER } from './accounts.ts';
import { type Chain, clientOf, NETWORK, receiptOf, startChain } from './chain.ts';
import { type Facilitator, startFacilitator } from './facilitator.ts';
import { bookOf, buildProgram, configOf, curl, type Household, newHome, openHousehold, type Program, startPaying, type Way } from './household.ts';
import { onChain, spentIn } from './on-chain.fixture.ts';
import { expectAgreement } from './paying.fixture.ts';
import { startStepSeller, type StepSeller } from './step-seller.ts';
import { TOKEN_ABI, USDC } from './token.ts';

/** $150 a day, in purchases of $7: the twenty-second would be above it. */
const CAP = 150_000_000n;
const PRICE = 7_000_000n;
const MOST = CAP / PRICE;
const OTHER: Address = '0x00000000000000000000000000000000000000a5';

onChain('a wallet with $1,000 and $150 a day', () => {
  let program: Program;
  let chain: Chain;
  let facilitator: Facilitator;
  let seller: StepSeller;
  const open: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    program = await buildProgram();
  });
  afterAll(() => program?.remove());
  beforeEach(async () => {
    chain = await startChain();
    open.push(() => chain.stop());
    await chain.mint(BUYER.address, 1_000_000_000n);
    facilitator = await startFacilitator(chain);
    open.push(() => facilitator.close());
    seller = await startStepSeller({ facilitator, offer: { amount: PRICE.toString() } });
    open.push(() => seller.close());
  });
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close();
  });

  const policy = { dailyBudget: '$150' };
  const household = async (config: object): Promise<Household> => {
    const opened = await openHousehold(program, config);
    open.push(() => opened.close());
    return opened;
  };
  const spent = (action: () => Promise<unknown>): Promise<bigint> => spentIn(chain, action);

  /** Buys one thing after the other until it is told that the day's money is spent; answers how many it had. */
  async function spree(way: Way, name: string, most = Number.POSITIVE_INFINITY, url = seller.url): Promise<number> {
    for (let had = 0, asked = 0; ; asked += 1) {
      if (had >= most) return had;
      const { status, code, text } = await curl(way, `${url}/paid/${name}-${asked}`);
      if (status === 200) had += 1;
      else if (code === 'DAILY_BUDGET_EXCEEDED') return had;
      // Ten processes wait for one file; who was turned away for that has spent nothing.
      else if (code !== 'LEDGER_UNAVAILABLE') throw new Error(`${status}: ${text}`);
    }
  }

  it('spends no more in processes that end, and are killed, one after the other', async () => {
    const house = await household(configOf(chain, [seller], policy));
    let had = 0;
    expect(await spent(async () => {
      for (const signal of ['SIGTERM', 'SIGKILL', 'SIGKILL'] as const) {
        had += await spree(house.way, `life-${had}`, 6);
        await house.restart(signal);
      }
      had += await spree(house.way, `life-${had}`);
    })).toBe(MOST * PRICE);
    expect(BigInt(had)).toBe(MOST);
    await expectAgreement(chain, house);
  });

  it('spends no more when ten programs ask at once', async () => {
    const house = await household(configOf(chain, [seller], policy));
    const ways = await Promise.all(Array.from({ length: 10 }, (_, index) => house.now().register(`session-${index}`)));
    const had: number[] = [];
    expect(await spent(async () => had.push(...(await Promise.all(ways.map((way, index) => spree(way, `program-${index}`))))))).toBe(MOST * PRICE);
    expect(BigInt(had.reduce((sum, one) => sum + one))).toBe(MOST);
    await expectAgreement(chain, house);
  });

  it('spends no more when ten daemons sign at once and share nothing but the ledger’s file', async () => {
    const home = newHome(configOf(chain, [seller], policy));
    open.push(async () => rmSync(home.dir, { recursive: true, force: true, maxRetries: 3 }));
    // The first makes the token and the book, and the others find them.
    const daemons = [await startPaying(program, home, await freePort())];
    open.push(async () => void (await Promise.all(daemons.map((daemon) => daemon.end()))));
    daemons.push(...(await Promise.all(Array.from({ length: 9 }, async () => startPaying(program, home, await freePort())))));
    const ways = await Promise.all(daemons.map((daemon, index) => daemon.register(`session-${index}`)));
    const had: number[] = [];
    expect(await spent(async () => had.push(...(await Promise.all(ways.map((way, index) => spree(way, `daemon-${index}`))))))).toBe(MOST * PRICE);
    expect(BigInt(had.reduce((sum, one) => sum + one))).toBe(MOST);
    expect(had.filter((one) => one > 0).length).toBeGreaterThan(1);
    await expectAgreement(chain, { receipts: () => bookOf(home, (ledger) => ledger.receipts({ all: true }, 1_000)) });
  });

  it('spends nothing in a token that its owner did not name, and no more in two that were named', async () => {
    const { code } = await plantOther(chain);
    expect(code).toBeDefined();
    const other = await startStepSeller({ facilitator, offer: { amount: PRICE.toString(), asset: OTHER } });
    open.push(() => other.close());
    const house = await household(configOf(chain, [seller, other], policy));
    expect(await curl(house.way, `${other.url}/paid/first`)).toMatchObject({ code: 'ASSET_NOT_ALLOWED' });
    expect([other.shown.size, await otherOf(chain, SELLER)]).toEqual([0, 0n]);

    house.configure({ ...configOf(chain, [seller, other], policy), networks: [{ id: NETWORK, rpc: chain.url, assets: [USDC, OTHER] }] });
    await house.restart();
    let had = await spree(house.way, 'usdc', 10);
    had += await spree(house.way, 'other', 10, other.url);
    had += await spree(house.way, 'more-usdc');
    had += await spree(house.way, 'more-other', 10, other.url);
    expect(BigInt(had)).toBe(MOST);
    expect((await chain.balanceOf(SELLER)) + (await otherOf(chain, SELLER))).toBe(MOST * PRICE);
    expect(await otherOf(chain, SELLER)).toBe(10n * PRICE);
  });
});

/** The same token once more, at another address, and as much of it for the buyer. */
async function plantOther(chain: Chain): Promise<{ code: string | undefined }> {
  const client = clientOf(chain.url);
  const code = await client.getCode({ address: USDC });
  await client.setCode({ address: OTHER, bytecode: code! });
  await receiptOf(client, await client.writeContract({ address: OTHER, abi: TOKEN_ABI, functionName: 'mint', args: [BUYER.address, 1_000_000_000n] }));
  return { code };
}

function otherOf(chain: Chain, owner: Address): Promise<bigint> {
  return clientOf(chain.url).readContract({ address: OTHER, abi: TOKEN_ABI, functionName: 'balanceOf', args: [owner] });
}
