import { describe, expect, it } from 'vitest';
import { memoryLedger } from '../ledger/memory.ts';
import type { AuthorizationState, Cheque } from '../ports.ts';
import { createCheques } from './cheques.ts';

const VALID_BEFORE = 1_800_000_000;
const CHEQUE: Cheque = { key: 's1/t1#1', network: 'eip155:84532', asset: `0x${'01'.repeat(20)}`, from: `0x${'02'.repeat(20)}`, payTo: `0x${'03'.repeat(20)}`, amount: 10_000n, nonce: `0x${'04'.repeat(32)}`, validBefore: VALID_BEFORE, resource: null, request: 'r', agreed: false, at: 1 };
const TRANSACTION = `0x${'c4'.repeat(32)}`;

async function world({ rpc = true, underway = false } = {}) {
  const ledger = memoryLedger();
  const one = { now: (VALID_BEFORE - 60) * 1_000, state: null as AuthorizationState | null, asked: 0, ledger };
  await ledger.reserve({ key: CHEQUE.key, origin: { session: 's1', agent: 'main', run: 's1', project: 'p' }, lines: [{ tool: 'Bash', endpoint: 'shop.example/data', amount: 10_000n, requests: 1 }], scopes: [{ key: 'session:s1', kind: 'session', label: 'this session', limit: null }], kind: 'settled', at: 1 });
  await ledger.signed(CHEQUE);
  const authorization = async () => {
    one.asked += 1;
    return one.state;
  };
  const cheques = createCheques({ parts: { ledger, clock: () => one.now, underway: new Set(underway ? [CHEQUE.key] : []) }, chain: { authorization }, hasRpc: () => rpc, failed: () => {} });
  return Object.assign(one, { cheques, balance: async () => (await ledger.balances(['session:s1']))[0]!, receipt: async () => (await ledger.receipts({ all: true }, 1))[0]! });
}

describe('a payment whose outcome nobody knows', () => {
  it('is held and counts while the chain says that it was not cashed and it still could be', async () => {
    const one = await world();
    one.state = { cashed: false, asOf: VALID_BEFORE - 1 };
    await one.cheques.settle();
    await one.cheques.settle();
    expect([await one.balance(), (await one.receipt()).state]).toEqual([{ posted: 0n, reserved: 0n, held: 10_000n }, 'held']);
  });

  it('is spent, with its transaction, once the chain says that it was cashed', async () => {
    const one = await world();
    one.state = { cashed: true, transaction: TRANSACTION };
    await one.cheques.settle();
    expect([await one.balance(), await one.receipt()]).toMatchObject([{ posted: 10_000n, held: 0n }, { state: 'posted', proof: TRANSACTION }]);
    await one.cheques.settle();
    expect(one.asked).toBe(1);
  });

  it('is given back half a minute after it has expired by the clock of the chain, whatever our own says', async () => {
    const one = await world();
    one.now = (VALID_BEFORE + 86_400) * 1_000;
    for (const asOf of [VALID_BEFORE - 1, VALID_BEFORE, VALID_BEFORE + 29]) {
      one.state = { cashed: false, asOf };
      await one.cheques.settle();
      expect(await one.balance()).toMatchObject({ held: 10_000n });
    }
    one.state = { cashed: false, asOf: VALID_BEFORE + 30 };
    await one.cheques.settle();
    expect([await one.balance(), (await one.receipt()).state]).toEqual([{ posted: 0n, reserved: 0n, held: 0n }, 'void']);
  });

  it('goes on counting while the chain does not answer', async () => {
    const one = await world();
    one.now = (VALID_BEFORE + 86_400) * 1_000;
    await one.cheques.settle();
    expect(await one.balance()).toMatchObject({ held: 10_000n });
  });

  it('is written down as spent, never as given back, where there is nobody to ask', async () => {
    const one = await world({ rpc: false });
    await one.cheques.settle();
    expect(await one.balance()).toMatchObject({ held: 10_000n });
    one.now = (VALID_BEFORE + 600) * 1_000;
    await one.cheques.settle();
    expect([await one.balance(), one.asked]).toMatchObject([{ posted: 10_000n, held: 0n }, 0]);
  });

  it('is left alone while its request is on its way', async () => {
    const one = await world({ underway: true });
    one.state = { cashed: true, transaction: TRANSACTION };
    await one.cheques.settle();
    expect([one.asked, (await one.receipt()).state]).toEqual([0, 'open']);
  });

  it('is asked about once, however often it is looked for at the same time', async () => {
    const one = await world();
    await Promise.all([one.cheques.settle(), one.cheques.settle(), one.cheques.settle()]);
    expect(one.asked).toBe(1);
  });
});
