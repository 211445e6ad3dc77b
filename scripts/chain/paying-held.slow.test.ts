import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Receipt } from '../../daemon/ports.ts';
import { BUYER } from './accounts.ts';
import { type Chain, NETWORK, startChain } from './chain.ts';
import { type Facilitator, startFacilitator } from './facilitator.ts';
import { type HostileSeller, startHostileSeller } from './hostile-seller.ts';
import { buildProgram, configOf, curl, type Household, openHousehold, type Program, until } from './household.ts';
import { MODES } from './modes.ts';
import { onChain, spentIn } from './on-chain.fixture.ts';
import { expectAgreement } from './paying.fixture.ts';
import { startStepSeller, type StepSeller } from './step-seller.ts';

const CENT = 10_000n;

onChain('a payment whose end nobody told', () => {
  let program: Program;
  let chain: Chain;
  let facilitator: Facilitator;
  let seller: HostileSeller;
  let household: Household;
  beforeAll(async () => {
    program = await buildProgram();
  });
  afterAll(() => program?.remove());
  // Some of them pass time, so each has a chain of its own.
  beforeEach(async () => {
    chain = await startChain();
    await chain.mint(BUYER.address, 100n * CENT);
    facilitator = await startFacilitator(chain);
    seller = await startHostileSeller({ facilitator, mode: MODES['fails, cashes later'] });
    household = await openHousehold(program, configOf(chain, [seller], { dailyBudget: '$0.015' }));
  });
  afterEach(async () => {
    await household.close();
    await seller.close();
    await facilitator.close();
    await chain.stop();
  });

  const bought = (name: string) => curl(household.way, `${seller.url}/paid/${name}`);
  const states = async (): Promise<string[]> => (await household.receipts()).map(({ state }) => state);
  const newest = (state: Receipt['state']): Promise<Receipt> => until(async () => (await household.receipts())[0]!, (receipt) => receipt.state === state);

  it('counts against every budget, and the same is not bought again', async () => {
    expect(await bought('a')).toMatchObject({ status: 500, code: null });
    expect(await bought('a')).toMatchObject({ code: 'PAYMENT_UNKNOWN' });
    expect(await bought('b')).toMatchObject({ code: 'DAILY_BUDGET_EXCEEDED' });
    await household.restart('SIGKILL');
    expect(await bought('a')).toMatchObject({ code: 'PAYMENT_UNKNOWN' });
    expect(await bought('b')).toMatchObject({ code: 'DAILY_BUDGET_EXCEEDED' });
    expect([seller.kept.length, await states()]).toEqual([1, ['held']]);
  });

  it('is given back once the chain says that it expired uncashed, and then the same may be bought', async () => {
    Object.assign(seller, { mode: { ...MODES['fails, cashes later'], offers: [{ maxTimeoutSeconds: 3 }] } });
    await bought('a');
    await household.restart();
    expect((await newest('held')).amount).toBe(CENT);
    await sleep(3_500);
    // This machine's clock alone proves nothing: the newest block is older.
    await household.restart();
    await sleep(500);
    expect(await states()).toEqual(['held']);
    // And what the last blocks say may yet change.
    await chain.passTime(30);
    await household.restart();
    expect((await newest('void')).proof).toMatch(/expired/);
    seller.mode = MODES.fair;
    expect(await spentIn(chain, async () => expect(await bought('a')).toMatchObject({ status: 200 }))).toBe(CENT);
    expect(await states()).toEqual(['posted', 'void']);
    await expectAgreement(chain, household);
  });

  it('is spent once it was cashed, with the transaction as the proof, and the same needs a person’s yes', async () => {
    await bought('a');
    expect(await spentIn(chain, () => seller.cashLater())).toBe(CENT);
    await household.restart();
    expect((await newest('posted')).proof).toBe((await chain.transfersFrom(BUYER.address))[0]!.transaction);
    household.configure(configOf(chain, [seller]));
    await household.restart();
    seller.mode = MODES.fair;
    expect(await spentIn(chain, async () => expect(await bought('a')).toMatchObject({ code: 'APPROVAL_REQUIRED', json: { error: { details: { approval: expect.any(String) as string } } } }))).toBe(0n);
    expect(await spentIn(chain, async () => expect(await bought('b')).toMatchObject({ status: 200 }))).toBe(CENT);
    await expectAgreement(chain, household);
  });

  it('stays counted as long as nobody can be asked, and is found out when somebody can', async () => {
    household.configure(configOf(null, [seller]));
    await household.restart();
    await bought('a');
    await chain.passTime(3_600);
    for (const url of [null, 'http://127.0.0.1:1']) {
      household.configure({ ...configOf(null, [seller]), networks: [{ id: NETWORK, ...(url === null ? {} : { rpc: url }) }] });
      await household.restart();
      await sleep(500);
      expect(await states()).toEqual(['held']);
    }
    household.configure(configOf(chain, [seller]));
    await household.restart();
    await newest('void');
    expect(await spentIn(chain, async () => expect(await seller.cashLater()).toMatchObject({ success: false }))).toBe(0n);
    await expectAgreement(chain, household);
  });

  it('that bought an answer without a receipt is settled by the chain', async () => {
    seller.mode = MODES['cashes without a receipt'];
    expect(await spentIn(chain, async () => expect(await bought('a')).toMatchObject({ status: 200 }))).toBe(CENT);
    expect(await states()).toEqual(['held']);
    await household.restart();
    expect(await newest('posted')).toMatchObject({ answered: true, proof: (await chain.transfersFrom(BUYER.address))[0]!.transaction });
    await expectAgreement(chain, household);
  });
});

onChain('an answer that was paid for', () => {
  let program: Program;
  let chain: Chain;
  let facilitator: Facilitator;
  let sellers: { kept: StepSeller; unkept: StepSeller };
  let household: Household;
  beforeAll(async () => {
    [program, chain] = await Promise.all([buildProgram(), startChain()]);
    await chain.mint(BUYER.address, 1_000n * CENT);
    facilitator = await startFacilitator(chain);
    sellers = { kept: await startStepSeller({ facilitator }), unkept: await startStepSeller({ facilitator, fields: { 'cache-control': 'no-store' } }) };
    household = await openHousehold(program, configOf(chain, Object.values(sellers)));
  });
  afterAll(async () => {
    await household?.close();
    await Promise.all([sellers?.kept.close(), sellers?.unkept.close()]);
    await facilitator?.close();
    await chain?.stop();
    program?.remove();
  });
  afterEach(() => {
    for (const seller of Object.values(sellers)) seller.at = () => {};
  });

  const spent = (action: () => Promise<unknown>): Promise<bigint> => spentIn(chain, action);
  /** Once the first half is through: a reset overtakes what nobody has read. */
  const breaks = async (): Promise<never> => {
    await sleep(100);
    throw new Error('the seller breaks');
  };

  describe.each(['kept', 'unkept'] as const)('and may be %s', (which) => {
    it.each(['GET', 'POST'])('is lost when it breaks off, and the same %s needs a person’s yes', async (method) => {
      const seller = sellers[which];
      const url = `${seller.url}/paid/broken`;
      seller.at = (step) => (step === 'begun' ? breaks() : undefined);
      expect(await spent(async () => expect(await curl(household.way, url, { method })).toMatchObject({ status: 200, exit: 18 }))).toBe(CENT);
      seller.at = () => {};
      expect(await spent(async () => expect(await curl(household.way, url, { method })).toMatchObject({ code: 'APPROVAL_REQUIRED' }))).toBe(0n);
      expect(seller.shown.get(`${method} /paid/broken `)).toHaveLength(1);
    });

    it('that is still on its way is not taken for lost by others who ask the same', async () => {
      const seller = sellers[which];
      const began = new Map<string, () => void>();
      seller.at = (step, what) => (step === 'begun' && !began.has(what) ? new Promise<void>((resolve) => began.set(what, resolve)) : undefined);
      for (const method of ['GET', 'POST']) {
        const ask = () => curl(household.way, `${seller.url}/paid/slow`, { method });
        const first = ask();
        await until(async () => began.has(`${method} /paid/slow `), (has) => has);
        const second = ask();
        await sleep(300);
        began.get(`${method} /paid/slow `)!();
        expect([(await first).status, (await second).status]).toEqual([200, 200]);
      }
    });
  });

  it('is waited for by a daemon that is asked to end, and is there after its restart', async () => {
    const url = `${sellers.kept.url}/paid/drained`;
    let goOn = (): void => {};
    const begun = new Promise<void>((resolve) => {
      sellers.kept.at = async (step) => {
        if (step !== 'begun') return;
        resolve();
        await new Promise<void>((go) => (goOn = go));
      };
    });
    expect(await spent(async () => {
      const answer = curl(household.way, url);
      await begun;
      const restarted = household.restart('SIGTERM');
      await sleep(200);
      goOn();
      expect(await answer).toMatchObject({ status: 200, exit: 0 });
      await restarted;
      expect(await curl(household.way, url)).toMatchObject({ status: 200, fields: { 'x-pag0-cache': 'hit' } });
    })).toBe(CENT);
  });

  it('is lost with a daemon that was killed before it was kept, and the same needs a person’s yes', async () => {
    const url = `${sellers.kept.url}/paid/killed`;
    const begun = new Promise<void>((resolve) => {
      sellers.kept.at = (step) => (step === 'begun' ? new Promise<void>(() => resolve()) : undefined);
    });
    const answer = curl(household.way, url);
    await begun;
    await household.restart('SIGKILL');
    sellers.kept.at = () => {};
    expect((await answer).exit).not.toBe(0);
    expect(await spent(async () => expect(await curl(household.way, url)).toMatchObject({ code: 'APPROVAL_REQUIRED' }))).toBe(0n);
    expect(sellers.kept.shown.get('GET /paid/killed ')).toHaveLength(1);
  });

  it('comes to what the chain says', async () => {
    await household.restart();
    await until(household.receipts, (all) => all.every(({ state }) => state === 'posted'));
    await expectAgreement(chain, household);
  });
});
