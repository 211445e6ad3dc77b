import { DatabaseSync } from '@photostructure/sqlite';
import type { PaymentPayload } from '@x402/core/types';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RECONCILIATION_VIEWS, type ReconciliationAnswer } from '../../daemon/contract/reconciliation-views.ts';
import { reconciliationRoutes } from '../../daemon/http/reconciliation-api.ts';
import type { Database } from '../../daemon/ledger/database.ts';
import { sqliteBook } from '../../daemon/ledger/sqlite.ts';
import { createChainReader } from '../../daemon/payer/chain.ts';
import type { Ledger } from '../../daemon/ports.ts';
import { createGrove } from '../../daemon/report/grove.fixture.ts';
import { createUpstream } from '../../daemon/upstream/upstream.ts';
import { BUYER, STRANGER } from './accounts.ts';
import { clientOf, NETWORK } from './chain.ts';
import { createNaiveBuyer } from './naive-buyer.ts';
import { onChain } from './on-chain.fixture.ts';
import { openPaymentStage, type PaymentStage } from './stage.ts';
import { TOKEN_ARTIFACT, USDC } from './token.ts';
import { authorizationIn } from './wire.ts';

const ASSET = USDC.toLowerCase();
const buyer = createNaiveBuyer();

/** One story on one chain: each part goes on where the one before it ended. */
onChain('the book and a real chain', () => {
  let stage: PaymentStage;
  let ledger: Ledger;
  let reconcile: () => Promise<ReconciliationAnswer>;
  let close: () => Promise<void>;
  let made = 0;

  beforeAll(async () => {
    stage = await openPaymentStage();
    const book = sqliteBook(new DatabaseSync(':memory:') as unknown as Database);
    ledger = book.ledger;
    const grove = createGrove({}, book);
    const upstream = createUpstream({});
    const chain = createChainReader({ upstream, rpcOf: (network) => (network === NETWORK ? stage.chain.url : null) });
    const networks = [{ id: NETWORK, rpc: stage.chain.url, assets: [ASSET] }];
    const app = reconciliationRoutes({ parts: { ...grove.parts, clock: Date.now }, chain, networks: () => networks, standing: () => Promise.resolve({ source: 'keystore', address: BUYER.address.toLowerCase(), problem: null }) });
    reconcile = async () => (await (await app.request(`${RECONCILIATION_VIEWS.reconciliation}?days=1&format=text`)).json()) as ReconciliationAnswer;
    close = async () => {
      await upstream.close();
      await ledger.close();
      await stage.close();
    };
  });
  afterAll(() => close());

  const sign = async (): Promise<PaymentPayload> => buyer.sign(await buyer.ask(`${stage.honestV2.url}/paid/document`));
  const show = async (payment: PaymentPayload): Promise<string> => (await buyer.send(`${stage.honestV2.url}/paid/document`, payment)).receipt!.transaction;

  /** As the daemon writes it down before it leaves. */
  async function book(payment: PaymentPayload): Promise<string> {
    const { from, to, value, nonce, validBefore } = authorizationIn(payment);
    const [key, amount] = [`s1/toolu_1#${(made += 1)}`, BigInt(value)];
    await ledger.reserve({ key, origin: { session: 's1', agent: 'main', run: 's1', project: '/work' }, lines: [{ tool: 'Bash', endpoint: 'seller.example/paid', amount, requests: 1 }], scopes: [], kind: 'settled', at: Date.now() });
    await ledger.signed({ key, network: NETWORK, asset: ASSET, from: from.toLowerCase(), payTo: to.toLowerCase(), amount, nonce, validBefore: Number(validBefore), resource: null, request: key, agreed: false, at: Date.now() });
    return key;
  }

  const differences = ({ accounts }: ReconciliationAnswer) => accounts.flatMap((one) => one.differences.map(({ kind, payment, transfer }) => ({ kind, nonce: payment?.nonce ?? transfer?.nonce ?? null, transaction: transfer?.transaction ?? null })));

  it('agree on payments that were made and booked', async () => {
    for (let count = 0; count < 3; count += 1) {
      const payment = await sign();
      const key = await book(payment);
      await ledger.post(key, Date.now(), undefined, await show(payment));
    }
    expect(await reconcile()).toMatchObject({ differences: 0, unknown: 0, accounts: [{ network: NETWORK, asset: ASSET, agreed: 3, agreedAmount: '30000', pending: 0 }] });
  });

  it('differ in exactly the transfer that somebody else made with the key', async () => {
    const client = clientOf(stage.chain.url);
    await client.setBalance({ address: BUYER.address, value: 10n ** 18n });
    const transaction = await client.writeContract({ account: BUYER, address: USDC, abi: TOKEN_ARTIFACT.abi, functionName: 'transfer', args: [STRANGER, 70_000n] });
    await client.waitForTransactionReceipt({ hash: transaction });
    const found = await reconcile();
    expect(found).toMatchObject({ differences: 1, accounts: [{ agreed: 3, differences: [{ kind: 'OUTSIDE', payment: null, transfer: { to: STRANGER.toLowerCase(), amount: '70000', nonce: null, transaction } }] }] });
    expect(found.text).toContain(`$0.07 to ${STRANGER.toLowerCase()}`);
  });

  it('differ also in a payment that the daemon did not sign, and in one it holds although it was cashed', async () => {
    const foreign = await sign();
    const [outside, held] = [await show(foreign), await sign()];
    const key = await book(held);
    await ledger.hold(key, Date.now(), 'no answer');
    expect(await reconcile()).toMatchObject({ differences: 2, accounts: [{ pending: 1 }] });
    const cashed = await show(held);
    expect(differences(await reconcile()).slice(1)).toEqual([
      { kind: 'OUTSIDE', nonce: authorizationIn(foreign).nonce, transaction: outside },
      { kind: 'CASHED_NOT_POSTED', nonce: authorizationIn(held).nonce, transaction: cashed },
    ]);
    await ledger.post(key, Date.now(), undefined, cashed);
    expect(await reconcile()).toMatchObject({ differences: 2, accounts: [{ agreed: 4 }] });
  });

  it('differ in a payment on a seller’s word alone, once nobody can cash it', async () => {
    const payment = await sign();
    await ledger.post(await book(payment), Date.now(), undefined, `0x${'ab'.repeat(32)}`);
    expect(await reconcile()).toMatchObject({ differences: 2, accounts: [{ agreed: 4, pending: 1 }] });
    await stage.chain.passTime(600);
    expect(differences(await reconcile()).at(-1)).toEqual({ kind: 'POSTED_NOT_CASHED', nonce: authorizationIn(payment).nonce, transaction: null });
  });
});
