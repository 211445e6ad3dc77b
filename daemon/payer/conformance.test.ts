import { readFileSync } from 'node:fs';
import { recoverTypedDataAddress } from 'viem';
import { generatePrivateKey } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { choosePayment } from '../core/payment-choice.ts';
import { DEFAULT_PAYMENT } from '../core/payment-rules.ts';
import type { Fields } from '../ports.ts';
import { balancesOf } from '../wallet/balances.ts';
import { readDemand } from './demand.ts';
import { OBLIGATIONS, prove } from './obligations.fixture.ts';
import { createPayer } from './payer.ts';
import { base64, demandV1, demandV2, DOMAIN, offerV1, offerV2, SELLER, unbase64, USDC } from './sellers.fixture.ts';
import { readSettlement } from './settlement.ts';
import { guarded, openWallet, sign } from './sign.ts';

type Hex = `0x${string}`;
interface Authorization {
  from: Hex;
  to: Hex;
  value: string;
  validAfter: string;
  validBefore: string;
  nonce: Hex;
}
interface Sent {
  accepted: { payTo: string; extra: object };
  extensions: unknown;
  resource: unknown;
  payload: { signature: Hex; authorization: Authorization };
}

const wallet = openWallet(generatePrivateKey());
const payable = (read: ReturnType<typeof readDemand>) => (read !== null && 'options' in read ? read : null);
const inField = (value: unknown) => payable(readDemand([base64(value)], null));
const inBody = (value: unknown) => payable(readDemand([], JSON.stringify(value)));
const now = () => Math.floor(Date.now() / 1_000);
const without = (object: object, name: string): object => Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));

/** Signs an option of a demand, by default the first that can be paid. */
async function pay(demand: ReturnType<typeof payable>, { option = demand!.options[0]!, validSeconds = 3_600 } = {}) {
  const payment = await sign(wallet, { raw: demand!.raw, option, validSeconds });
  const sent = unbase64(Object.values(payment.fields)[0]) as Sent;
  return { payment, sent, ...sent.payload };
}
const payV2 = (offer: object = {}, more: object = {}) => pay(inField(demandV2([offerV2(offer)], more)));
const payV1 = (offer: object = {}, more: object = {}) => pay(inBody(demandV1([offerV1(offer)], more)));
type Paid = Awaited<ReturnType<typeof pay>>;

const TRANSFER = [['from', 'address'], ['to', 'address'], ['value', 'uint256'], ['validAfter', 'uint256'], ['validBefore', 'uint256'], ['nonce', 'bytes32']].map(([name, type]) => ({ name: name!, type: type! }));

/** Whose signature it is, as the token's contract finds out: from its own domain and what the authorization says. */
function signer({ signature, authorization: { value, validAfter, validBefore, ...others } }: Paid, domain: object = {}): Promise<Hex> {
  const message = { ...others, value: BigInt(value), validAfter: BigInt(validAfter), validBefore: BigInt(validBefore) };
  return recoverTypedDataAddress({ domain: { ...DOMAIN, chainId: 84_532, verifyingContract: USDC, ...domain }, types: { TransferWithAuthorization: TRANSFER }, primaryType: 'TransferWithAuthorization', message, signature });
}

/** What Circle's contracts ask of a signature's form: v is 27 or 28, and s in the lower half (EIP-2). */
async function isTaken(paid: Paid): Promise<void> {
  expect(paid.signature).toMatch(/^0x[0-9a-f]{128}(1b|1c)$/);
  expect(BigInt(`0x${paid.signature.slice(66, 130)}`) <= 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n).toBe(true);
  expect([await signer(paid), paid.authorization.from, paid.payment.from]).toEqual([wallet.address, wallet.address, wallet.address.toLowerCase()]);
}

/** A domain that is another's in one part recovers to somebody else. */
async function isForDomainAlone(paid: Paid): Promise<void> {
  expect(await signer(paid)).toBe(wallet.address);
  for (const domain of [{ name: 'USD Coin' }, { version: '1' }, { chainId: 8_453 }, { verifyingContract: SELLER }]) expect(await signer(paid, domain)).not.toBe(wallet.address);
}

async function isValidAtOnceAndNoLonger(begin: () => Promise<Paid>, most: number): Promise<void> {
  const before = now();
  const { authorization } = await begin();
  expect(Number(authorization.validAfter)).toBeLessThanOrEqual(before);
  expect(Number(authorization.validBefore)).toBeGreaterThan(now());
  expect(Number(authorization.validBefore)).toBeLessThanOrEqual(now() + most);
}

function hasSixFields({ payload }: Sent): void {
  expect(Object.keys(payload).toSorted()).toEqual(['authorization', 'signature']);
  const decimal = expect.stringMatching(/^(0|[1-9]\d*)$/);
  const address = expect.stringMatching(/^0x[0-9a-fA-F]{40}$/);
  expect(payload.authorization).toEqual({ from: address, to: address, value: decimal, validAfter: decimal, validBefore: decimal, nonce: expect.stringMatching(/^0x[0-9a-f]{64}$/) });
}

async function noncesDiffer(again: () => Promise<Paid>): Promise<void> {
  const nonces = await Promise.all(Array.from({ length: 20 }, async () => (await again()).authorization.nonce));
  expect(nonces.every((nonce) => /^0x[0-9a-f]{64}$/.test(nonce))).toBe(true);
  expect(new Set(nonces).size).toBe(nonces.length);
}

/** The payer's door with a thread that gives back what it was asked: which field of an answer is read. */
const ECHO = new URL(`data:text/javascript,import{parentPort as p}from'node:worker_threads';p.on('message',(m)=>p.postMessage({id:m.id,value:m}))`);
async function atTheDoor<T>(ask: (door: ReturnType<typeof createPayer>) => Promise<T>): Promise<{ fields: string[]; body: string | null }> {
  const door = createPayer({ file: ECHO, key: async () => null });
  try {
    return (await ask(door)) as never;
  } finally {
    await door.close();
  }
}
const demandAt = async (fields: Fields, body = '') => {
  const asked = await atTheDoor((door) => door.demandOf({ fields, body: Buffer.from(body) }));
  return payable(readDemand(asked.fields, asked.body));
};
const settlementAt = async (fields: Fields) => readSettlement((await atTheDoor((door) => door.settlementOf(fields))).fields);

const HASH = `0x${'12'.repeat(32)}`;
const FAILED = { success: false, errorReason: 'insufficient_funds', transaction: '', network: 'eip155:84532', payer: SELLER };
const CODES = [
  ...['insufficient_funds', 'invalid_network', 'invalid_payload', 'invalid_payment_requirements', 'invalid_scheme', 'unsupported_scheme', 'invalid_x402_version', 'invalid_transaction_state', 'unexpected_verify_error', 'unexpected_settle_error'],
  ...['authorization_valid_after', 'authorization_valid_before', 'signature', 'recipient_mismatch'].map((code) => `invalid_exact_evm_payload_${code}`),
];
function keepsCodes(codes: readonly string[]): void {
  for (const errorReason of codes) expect(readSettlement([base64({ ...FAILED, errorReason })])).toEqual({ success: false, transaction: null, reason: errorReason });
}
const SOLANA = { network: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', asset: 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v', payTo: 'CKPKJWNdJEqa81x7CkZ14BVPiY6y16Sxs7owznqtWYp5' };
/** More than a double holds, and the token's smallest unit still. */
const LARGE = '9007199254740993';

describe('x402, as a buyer', () => {
  prove('payer', {
    'v2-core-2': () => {
      for (const x402Version of [0, 3, '2', null, undefined]) expect([inField({ ...demandV2(), x402Version }), inBody({ ...demandV2(), x402Version })]).toEqual([null, null]);
    },
    'v2-core-3': () => {
      for (const name of ['scheme', 'network', 'amount', 'asset', 'payTo', 'maxTimeoutSeconds']) expect(inField(demandV2([without(offerV2(), name)]))).toBeNull();
      expect(inField(without(demandV2(), 'accepts'))).toBeNull();
    },
    'v2-core-4': async () => {
      expect(Object.keys((await payV2()).sent).toSorted()).toEqual(['accepted', 'payload', 'resource', 'x402Version']);
      expect((await payV2()).sent.resource).toEqual({ url: 'https://shop.example/data' });
    },
    'v2-core-5': async () => {
      const cheaper = { amount: '1' };
      const accepts = [offerV2({ ...SOLANA, ...cheaper }), offerV2({ scheme: 'upto', ...cheaper }), offerV2({ network: 'eip155:1', ...cheaper }), offerV2({ amount: '20000' }), offerV2({ amount: '15000' })];
      const demand = inField(demandV2(accepts));
      const choice = choosePayment({ label: 'shop.example/data', options: demand!.options, rules: DEFAULT_PAYMENT, wallet: wallet.address.toLowerCase(), limit: null, first: null });
      if (choice.outcome !== 'chosen') throw new Error(choice.outcome);
      expect((await pay(demand, { option: choice.option })).sent.accepted).toEqual(accepts[4]);
    },
    'v2-core-6': async () => {
      expect(inField(demandV2([offerV2({ amount: LARGE })]))?.options[0]?.amount).toBe(BigInt(LARGE));
      expect((await payV2({ amount: LARGE })).authorization.value).toBe(LARGE);
    },
    'v2-core-7': () => {
      for (const offer of [{ asset: 'USD' }, { payTo: 'merchant' }, { network: 'sepa:eu' }]) expect(inField(demandV2([offerV2(offer)]))).toBeNull();
    },
    'v2-core-8': async () => {
      const extensions = { bazaar: { info: { input: { type: 'http' }, list: [1, { two: null }] }, schema: { type: 'object' } }, 'x/unknown': { info: { required: true }, schema: {}, more: '✓' } };
      expect((await payV2({}, { extensions })).sent.extensions).toEqual(extensions);
    },
    'v2-core-9': async () => {
      const { sent } = await payV2({}, { extensions: {}, error: 'pay', strange: 1 });
      expect(Object.keys(sent).filter((name) => !['x402Version', 'resource', 'accepted', 'payload', 'extensions'].includes(name))).toEqual([]);
      expect(sent).toMatchObject({ x402Version: 2, accepted: {}, payload: {} });
    },
    'v2-core-10': async () => {
      const resource = { url: 'https://shop.example/größe?a=1', description: 'Größe ✓', mimeType: 'application/json', serviceName: 'x'.repeat(40) };
      expect((await payV2({}, { resource })).sent.resource).toEqual(resource);
    },
    'v2-core-11': async () => {
      const accepts = [offerV2(), offerV2({ amount: '7', payTo: SELLER.toLowerCase(), extra: { ...DOMAIN, assetTransferMethod: 'eip3009', memo: [1] }, strange: { kept: null } })];
      const demand = inField(demandV2(accepts));
      expect((await pay(demand, { option: demand!.options[1]!, validSeconds: 60 })).sent.accepted).toEqual(accepts[1]);
    },
    'v2-core-12': async () => hasSixFields((await payV2()).sent),
    'v2-core-13': () => noncesDiffer(payV2),
    'v2-core-14': () => {
      expect(readSettlement([base64({ success: true, transaction: HASH, network: 'eip155:84532', payer: SELLER })])).toEqual({ success: true, transaction: HASH, reason: null });
      expect(readSettlement([base64(FAILED)])).toEqual({ success: false, transaction: null, reason: 'insufficient_funds' });
    },
    'v2-core-15': () => {
      const said = { success: true, transaction: HASH, network: 'eip155:84532' };
      for (const more of [{}, { amount: '10000', extensions: { receipt: { info: {}, schema: {} } } }, { unknown: [1] }]) expect(readSettlement([base64({ ...said, ...more })])).toEqual({ success: true, transaction: HASH, reason: null });
    },
    'v2-core-17': () => keepsCodes([...CODES, 'invalid_exact_evm_payload_authorization_value_mismatch']),
    'v2-core-19': async () => {
      await isValidAtOnceAndNoLonger(() => payV2({ maxTimeoutSeconds: 20 }), 20);
      await isValidAtOnceAndNoLonger(() => pay(inField(demandV2()), { validSeconds: 30 }), 30);
    },
    'v2-core-20': async () => {
      for (const chainId of [84_532, 8_453, 43_113, 43_114]) expect(await signer(await payV2({ network: `eip155:${chainId}` }), { chainId })).toBe(wallet.address);
      for (const network of ['basechain', 'eip155:', 'eip155:*', 'eip155:0x1', '8453']) expect(inField(demandV2([offerV2({ network })]))).toBeNull();
    },
    'v2-http-1': async () => expect((await demandAt({ 'payment-required': base64(demandV2()) }, '{}'))?.version).toBe(2),
    'v2-http-3': async () => expect((await demandAt({ 'payment-required': base64(demandV2()) }, JSON.stringify(demandV2([offerV2({ amount: '1', network: 'eip155:8453' })]))))?.options).toMatchObject([{ amount: 10_000n, network: 'eip155:84532' }]),
    'v2-http-4': async () => {
      const { fields } = (await payV2()).payment;
      expect(Object.keys(fields)).toEqual(['payment-signature']);
      expect(unbase64(fields['payment-signature'])).toMatchObject({ x402Version: 2 });
    },
    'v2-http-5': async () => {
      const paid = await payV2({ extra: { name: 'USD₮0', version: '2' } }, { resource: { url: 'https://shop.example/', description: 'Größe ✓' } });
      expect(paid.payment.fields['payment-signature']).toMatch(/^[A-Za-z0-9+/]+={0,2}$/);
      expect(paid.sent).toMatchObject({ resource: { description: 'Größe ✓' }, accepted: { extra: { name: 'USD₮0' } } });
      expect(await signer(paid, { name: 'USD₮0' })).toBe(wallet.address);
    },
    'v2-http-9': async () => expect(await settlementAt({ 'payment-response': base64({ success: true, transaction: HASH, network: 'eip155:84532' }) })).toMatchObject({ success: true, transaction: HASH }),
    'v2-exact-1': async () => expect((await payV2({ amount: '12345' })).authorization.value).toBe('12345'),
    'v2-exact-2': () => {
      const flow = (paymentFlow?: string) => offerV2({ extra: paymentFlow === undefined ? DOMAIN : { ...DOMAIN, paymentFlow } });
      expect(inField(demandV2([flow('upfront'), flow('authorization'), flow(), flow('escrow')]))?.options.map(({ index }) => index)).toEqual([1, 2]);
    },
    'v2-evm-1': async () => isTaken(await payV2()),
    'v2-evm-2': async () => isForDomainAlone(await payV2()),
    'v2-evm-3': () => {
      for (const extra of [undefined, null, {}, { name: 'USDC' }, { version: '2' }, { name: '', version: '2' }, { name: 'USDC', version: 2 }]) expect(inField(demandV2([offerV2({ extra })]))).toBeNull();
    },
    'v2-evm-4': async () => {
      for (const extra of [DOMAIN, { ...DOMAIN, assetTransferMethod: 'eip3009' }]) {
        const paid = await payV2({ extra });
        expect([await signer(paid), paid.sent.accepted.extra]).toEqual([wallet.address, extra]);
      }
    },
    'v2-evm-5': async () => {
      const option = inField(demandV2())!.options[0]!;
      const typed = (message: object = {}, primaryType = 'TransferWithAuthorization') => ({
        domain: { ...DOMAIN, chainId: 84_532, verifyingContract: USDC },
        types: { [primaryType]: TRANSFER },
        primaryType,
        message: { from: wallet.address, to: SELLER, value: 10_000n, validAfter: 0n, validBefore: BigInt(now() + 60), nonce: HASH, ...message },
      });
      for (const other of [typed({ value: 10_001n }), typed({ value: 9_999n }), typed({ to: USDC }), typed({}, 'ReceiveWithAuthorization'), typed({}, 'Permit')]) {
        await expect(guarded(wallet, option, 60).signTypedData(other)).rejects.toThrow('not what was decided on');
      }
      const lent = guarded(wallet, option, 60);
      await lent.signTypedData(typed());
      await expect(lent.signTypedData(typed())).rejects.toThrow('not what was decided on');
    },
    'v2-evm-6': async () => {
      const [asset, payTo, chainId] = [`0x${'ab'.repeat(20)}`, `0x${'cd'.repeat(20)}`, 43_114];
      const paid = await payV2({ asset, payTo, network: `eip155:${chainId}` });
      expect(paid.authorization.to.toLowerCase()).toBe(payTo);
      expect(await signer(paid, { verifyingContract: asset, chainId })).toBe(wallet.address);
    },
    'v2-mcp-6': async () => {
      const { payment, sent } = await payV2({}, { extensions: { a: { info: {}, schema: {} } } });
      expect(JSON.parse(JSON.stringify(payment.payload))).toEqual(sent);
    },
    'v2-mcp-7': () => {
      const demand = demandV2(undefined, { resource: { url: 'mcp://tool/financial_analysis' } });
      expect(inBody(demand)).toEqual(inField(demand));
      expect(inBody(demand)?.resource).toBe('mcp://tool/financial_analysis');
    },

    'v1-core-1': () => expect(inBody(demandV1([offerV1({ maxAmountRequired: '12345', amount: '12345' })]))).toMatchObject({ version: 1, resource: 'https://shop.example/data', options: [{ amount: 12_345n, network: 'eip155:84532' }] }),
    'v1-core-2': () => {
      for (const name of ['scheme', 'network', 'maxAmountRequired', 'asset', 'payTo', 'maxTimeoutSeconds']) expect(inBody(demandV1([without(offerV1(), name)]))).toBeNull();
    },
    'v1-core-3': async () => {
      for (const offer of [{ mimeType: undefined, outputSchema: undefined }, { outputSchema: null }, { outputSchema: { type: 'object' } }]) expect(await signer(await payV1(offer))).toBe(wallet.address);
    },
    'v1-core-4': async () => {
      const { sent } = await payV1({}, { extensions: {}, resource: { url: 'x' } });
      expect(sent).toEqual({ x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload: expect.anything() });
    },
    'v1-core-5': async () => hasSixFields((await payV1()).sent),
    'v1-core-6': () => noncesDiffer(payV1),
    'v1-core-7': () => {
      expect(readSettlement([base64({ success: true, transaction: HASH, network: 'base-sepolia', payer: SELLER })])).toEqual({ success: true, transaction: HASH, reason: null });
      expect(readSettlement([base64({ ...FAILED, network: 'base-sepolia' })])).toEqual({ success: false, transaction: null, reason: 'insufficient_funds' });
    },
    'v1-core-8': async () => expect((await payV1({ maxAmountRequired: LARGE })).authorization.value).toBe(LARGE),
    'v1-core-9': async () => {
      await isValidAtOnceAndNoLonger(() => payV1({ maxTimeoutSeconds: 20 }), 20);
      await isValidAtOnceAndNoLonger(() => pay(inBody(demandV1()), { validSeconds: 30 }), 30);
    },
    'v1-core-10': () => keepsCodes([...CODES, 'invalid_exact_evm_payload_authorization_value']),
    'v1-core-11': async () => {
      for (const [network, chainId] of [['base-sepolia', 84_532], ['base', 8_453], ['avalanche-fuji', 43_113], ['avalanche', 43_114]] as const) {
        const paid = await payV1({ network });
        expect([paid.sent, await signer(paid, { chainId })]).toEqual([expect.objectContaining({ network }), wallet.address]);
      }
      for (const network of ['eip155:1234567', 'eip155:', 'b\u0430se', 'basechain', 'solana', '']) expect(inBody(demandV1([offerV1({ network })]))).toBeNull();
    },
    'v1-http-1': async () => expect(await demandAt({ 'content-type': 'application/json' }, JSON.stringify(demandV1()))).toEqual(inBody(demandV1())),
    'v1-http-3': async () => {
      const { fields } = (await payV1({ extra: { name: 'USD₮0', version: '2' } })).payment;
      expect(Object.keys(fields)).toEqual(['x-payment']);
      expect(fields['x-payment']).toMatch(/^[A-Za-z0-9+/]+={0,2}$/);
      expect(unbase64(fields['x-payment'])).toMatchObject({ x402Version: 1 });
    },
    'v1-http-5': async () => expect(await settlementAt({ 'x-payment-response': base64(FAILED) })).toMatchObject({ success: false, reason: 'insufficient_funds' }),
    'v1-evm-1': async () => isTaken(await payV1()),
    'v1-evm-2': async () => {
      await isForDomainAlone(await payV1());
      const [asset, payTo] = [`0x${'ab'.repeat(20)}`, `0x${'cd'.repeat(20)}`];
      const paid = await payV1({ asset, payTo, network: 'base' });
      expect([paid.authorization.to.toLowerCase(), await signer(paid, { verifyingContract: asset, chainId: 8_453 })]).toEqual([payTo, wallet.address]);
    },
    'v1-evm-3': () => {
      for (const extra of [undefined, null, {}, { name: 'USDC' }, { version: '2' }]) expect(inBody(demandV1([offerV1({ extra })]))).toBeNull();
    },
    'v1-mcp-4': async () => {
      const { payment, sent } = await payV1();
      expect(JSON.parse(JSON.stringify(payment.payload))).toEqual(sent);
    },
  });

  prove('wallet', {
    'v2-evm-7': async () => {
      const networks = [{ ...DEFAULT_PAYMENT.networks[1]!, rpc: 'https://rpc.example' }];
      const chain = { balance: async ({ asset }: { asset: string }) => (asset === USDC.toLowerCase() ? 9_999n : null) };
      expect(await balancesOf(chain, networks, wallet.address)).toEqual([{ network: 'eip155:84532', asset: USDC.toLowerCase(), amount: '9999', unknown: null }]);
    },
  });
});

describe('the obligations', () => {
  it('have an id each, by version and document', () => {
    expect(new Set(OBLIGATIONS.map(({ id }) => id)).size).toBe(OBLIGATIONS.length);
    expect(OBLIGATIONS.filter(({ id, version }) => !new RegExp(`^v${version}-(core|http|exact|evm|ext|mcp)-[1-9]\\d*$`).test(id))).toEqual([]);
  });

  it('have each a place where they are proved, or a reason', () => {
    const places = ['payer', 'exchange', 'mcp', 'wallet'];
    expect(OBLIGATIONS.filter(({ proof }) => (typeof proof === 'string' ? !places.includes(proof) : proof.none === ''))).toEqual([]);
  });

  it('that are not met are those of docs/x402.md', () => {
    const rows = readFileSync(new URL('../../docs/x402.md', import.meta.url), 'utf8').split('\n').filter((line) => /^\| v[12]-/.test(line));
    expect(rows).toEqual(OBLIGATIONS.flatMap(({ id, section, says, proof }) => (typeof proof === 'string' ? [] : [`| ${id} | ${section} | ${says} | ${proof.none} |`])));
  });
});
