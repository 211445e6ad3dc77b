import { describe, expect, it } from 'vitest';
import { RECONCILIATION_VIEWS, type ReconciliationAnswer } from '../contract/reconciliation-views.ts';
import { widthOf } from '../contract/printable.ts';
import type { AuthorizationState, ChainReader, ChainTransfer } from '../ports.ts';
import { ASSET, createPaidGrove, hashOf, NETWORK, PAYEE, PAYER } from '../report/payments.fixture.ts';
import { reconciliationRoutes } from './reconciliation-api.ts';

const DAY = 24 * 60 * 60_000;
const STRANGER = `0x${'dd'.repeat(20)}`;
const move = (number: number, more: Partial<ChainTransfer> = {}): ChainTransfer => ({ transaction: hashOf(number), to: PAYEE, amount: 10_000n, nonce: hashOf(1_000 + number), block: number, ...more });

function asking(rpc: string | null = 'http://127.0.0.1:8545') {
  const grove = createPaidGrove();
  const live = grove.session('1a2b3c4d-1');
  const stage = {
    grove,
    live,
    transfers: [] as ChainTransfer[] | null,
    /** How far back the chain could be read, in seconds; by default as far as asked. */
    readSince: 0,
    authorization: { cashed: false, asOf: 0 } as AuthorizationState | null,
    address: PAYER as string | null,
    asked: [] as object[],
    whileRead: async () => {},
    read: async (query = '') => {
      const response = await app.request(`${RECONCILIATION_VIEWS.reconciliation}?${query}`);
      return { status: response.status, body: (await response.json()) as ReconciliationAnswer };
    },
  };
  const chain: Pick<ChainReader, 'transfers' | 'authorization'> = {
    async transfers(of) {
      stage.asked.push(of);
      await stage.whileRead();
      return stage.transfers === null ? null : { transfers: stage.transfers, since: Math.max(of.since, stage.readSince), asOf: grove.now / 1_000 };
    },
    authorization: () => Promise.resolve(stage.authorization),
  };
  const app = reconciliationRoutes({
    parts: grove.parts,
    chain,
    networks: () => [{ id: NETWORK, rpc, assets: [ASSET] }],
    standing: () => Promise.resolve({ source: stage.address === null ? null : 'keystore', address: stage.address, problem: null }),
  });
  return stage;
}

/** Two payments, both cashed and long over. */
async function paidTwice() {
  const stage = asking();
  await stage.grove.cheque(stage.live);
  await stage.grove.cheque(stage.live);
  stage.grove.now += 60 * 60_000;
  stage.transfers = [move(1), move(2)];
  return stage;
}

const kinds = ({ body }: { body: ReconciliationAnswer }) => body.accounts.flatMap(({ differences }) => differences.map(({ kind }) => kind));

describe('the book against the chain', () => {
  it('differs in nothing where both tell the same', async () => {
    const { read, asked, grove } = await paidTwice();
    const { body } = await read('format=text');
    expect(body).toMatchObject({ address: PAYER, differences: 0, unknown: 0, accounts: [{ network: NETWORK, asset: ASSET, payer: PAYER, unknown: null, since: grove.now - 7 * DAY, asOf: grove.now, agreed: 2, agreedAmount: '20000', pending: 0, differences: [] }] });
    expect(asked).toEqual([{ network: NETWORK, asset: ASSET, from: PAYER, since: (grove.now - 7 * DAY) / 1_000 - 600 }]);
    expect(body.text).toBe(`pag0 reconcile, since 14 Nov 2026, 13:00\n\n${ASSET} on Base Sepolia\n  from ${PAYER}\n  2 payments agree, $0.02\n  no difference`);
  });

  it('shows a spend that was not the daemon’s', async () => {
    const stage = await paidTwice();
    stage.transfers!.push(move(3, { nonce: null, to: STRANGER, amount: 50_000n }));
    const { body } = await stage.read('format=text');
    expect(body).toMatchObject({ differences: 1, accounts: [{ agreed: 2, differences: [{ kind: 'OUTSIDE', payment: null, transfer: { to: STRANGER, amount: '50000', nonce: null, block: 3, transaction: hashOf(3) } }] }] });
    expect(body.text).toContain(`  1 difference\n\n  OUTSIDE: money left the wallet without pag0\n    chain, block 3: $0.05 to ${STRANGER}\n    ${hashOf(3)}`);
  });

  it('shows it also where nothing was ever paid', async () => {
    const stage = asking();
    stage.transfers = [move(3, { nonce: hashOf(7) })];
    expect(kinds(await stage.read())).toEqual(['OUTSIDE']);
  });

  it('shows what is not cashed, once the chain says so by its name', async () => {
    const stage = await paidTwice();
    stage.transfers = [move(1)];
    expect(kinds(await stage.read())).toEqual(['POSTED_NOT_CASHED']);
    stage.authorization = { cashed: true, transaction: null };
    expect(kinds(await stage.read())).toEqual(['POSTED_NOT_CASHED']);
    stage.authorization = { cashed: true, transaction: hashOf(2) };
    expect((await stage.read()).body).toMatchObject({ differences: 0, accounts: [{ agreed: 2 }] });
    stage.authorization = null;
    expect((await stage.read()).body).toMatchObject({ differences: 0, unknown: 1, accounts: [{ unknown: 'NO_ANSWER', differences: [] }] });
  });

  it('shows what is cashed and not posted, and another transaction than the seller named', async () => {
    const stage = asking();
    await stage.grove.cheque(stage.live, { ending: 'hold' });
    await stage.grove.cheque(stage.live, { proof: hashOf(99) });
    stage.transfers = [move(1), move(2)];
    expect(kinds(await stage.read()).toSorted()).toEqual(['CASHED_NOT_POSTED', 'DIFFERS']);
  });

  it('takes nothing for a difference that was signed or ended while the chain was read', async () => {
    const stage = asking();
    const key = await stage.grove.cheque(stage.live, { ending: 'open', validBefore: 1 });
    stage.transfers = [move(1), move(2)];
    stage.whileRead = async () => {
      await stage.grove.parts.ledger.post(key, stage.grove.now, undefined, hashOf(77));
      await stage.grove.cheque(stage.live, { proof: hashOf(78) });
    };
    expect((await stage.read()).body).toMatchObject({ differences: 0 });
  });

  it('knows a payment that was signed before the days asked for and cashed in them', async () => {
    const stage = asking();
    await stage.grove.cheque(stage.live);
    stage.grove.now += DAY + 60_000;
    stage.transfers = [move(1)];
    expect((await stage.read('days=1')).body).toMatchObject({ differences: 0, accounts: [{ agreed: 0 }] });
  });

  it('says how far back it looked, and judges no payment of before', async () => {
    const stage = await paidTwice();
    stage.transfers = [];
    stage.readSince = stage.grove.now / 1_000;
    const { body } = await stage.read('format=text');
    expect(body).toMatchObject({ differences: 0, accounts: [{ agreed: 0 }] });
    expect(body.text).toContain('the chain was read back to 21 Nov 2026, 13:10 and no further');
  });

  it('says plainly what it cannot know', async () => {
    const noRpc = asking(null);
    expect((await noRpc.read('format=text')).body).toMatchObject({ unknown: 1, accounts: [{ unknown: 'NO_RPC', since: null }], text: expect.stringContaining('unknown: NO_RPC, no node is named') as string });
    expect(noRpc.asked).toEqual([]);
    const silent = asking();
    silent.transfers = null;
    expect((await silent.read()).body).toMatchObject({ unknown: 1, accounts: [{ unknown: 'NO_ANSWER' }] });
  });

  it('asks for former wallets and networks as well, and for none where there is no wallet', async () => {
    const stage = asking();
    stage.address = null;
    expect((await stage.read('format=text')).body).toMatchObject({ accounts: [], text: expect.stringContaining('There is no wallet, and nothing was paid from one.') as string });
    await stage.grove.cheque(stage.live, { from: STRANGER });
    await stage.grove.cheque(stage.live, { network: 'eip155:1' });
    stage.address = PAYER;
    expect((await stage.read()).body.accounts.map(({ network, payer, unknown }) => [network, payer, unknown])).toEqual([[NETWORK, PAYER, null], ['eip155:1', PAYER, 'NO_RPC'], [NETWORK, STRANGER, null]]);
  });

  it('shows nothing that a terminal obeys', async () => {
    const stage = await paidTwice();
    await stage.grove.cheque(stage.live, { resource: '\u001b[2Jgone', endpoint: '\u202e'.repeat(9) + 'x'.repeat(200) });
    stage.grove.now += DAY;
    for (const line of (await stage.read('format=text')).body.text!.split('\n')) {
      expect(line).not.toMatch(/\p{C}/u);
      expect(widthOf(line)).toBeLessThanOrEqual(80);
    }
  });

  it.each(['days=0', 'days=x', 'days=1000'])('is not asked for %s', async (query) => {
    expect((await asking().read(query)).status).toBe(400);
  });
});
