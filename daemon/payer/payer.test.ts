import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { verifyTypedData } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Pag0Error } from '../core/errors.ts';
import type { PaymentDemand, SignedPayment } from '../ports.ts';
import { createPayer, type PayerOptions } from './payer.ts';
import { base64, demandV1, demandV2, offerV1, offerV2, SELLER, unbase64, USDC } from './sellers.fixture.ts';

/** The thread as it ships: bundled from these sources. */
const folder = mkdtempSync(join(tmpdir(), 'pag0-payer-'));
const file = pathToFileURL(join(folder, 'payer.mjs'));
const entry = (name: string) => fileURLToPath(new URL(name, import.meta.url));
beforeAll(() => build({ entryPoints: [entry('./worker.ts')], outfile: fileURLToPath(file), bundle: true, platform: 'node', format: 'esm', banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" } }));
afterAll(() => rmSync(folder, { recursive: true }));

const KEY = generatePrivateKey();
const ADDRESS = privateKeyToAccount(KEY).address;

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});
const payer = (more: Partial<PayerOptions> = {}) => {
  const made = createPayer({ file, key: async () => KEY, ...more });
  open.push(made);
  return made;
};
const answerV2 = (demand: unknown = demandV2()) => ({ fields: { 'payment-required': base64(demand) }, body: Buffer.alloc(0) });
const answerV1 = (demand: unknown = demandV1()) => ({ fields: {}, body: Buffer.from(JSON.stringify(demand)) });
async function demandIn(one: ReturnType<typeof payer>, answer: Parameters<ReturnType<typeof payer>['demandOf']>[0]): Promise<PaymentDemand> {
  return (await one.demandOf(answer)) as PaymentDemand;
}
const now = () => Math.floor(Date.now() / 1_000);

async function signed(answer: ReturnType<typeof answerV1>, validSeconds = 120): Promise<{ demand: PaymentDemand; payment: SignedPayment }> {
  const one = payer();
  const demand = await demandIn(one, answer);
  return { demand, payment: await one.sign(demand, demand.options[0]!, validSeconds) };
}

const TYPES = { TransferWithAuthorization: [{ name: 'from', type: 'address' }, { name: 'to', type: 'address' }, { name: 'value', type: 'uint256' }, { name: 'validAfter', type: 'uint256' }, { name: 'validBefore', type: 'uint256' }, { name: 'nonce', type: 'bytes32' }] };
type Sent = { accepted: unknown; network: string; payload: { signature: `0x${string}`; authorization: Record<'from' | 'to' | 'value' | 'validAfter' | 'validBefore' | 'nonce', string> } };

/** As the token's contract would. */
async function isCheque({ payload: { signature, authorization } }: Sent): Promise<boolean> {
  const message = { ...authorization, value: BigInt(authorization.value), validAfter: BigInt(authorization.validAfter), validBefore: BigInt(authorization.validBefore) };
  return verifyTypedData({ address: ADDRESS, domain: { name: 'USDC', version: '2', chainId: 84_532, verifyingContract: USDC }, types: TYPES, primaryType: 'TransferWithAuthorization', message: message as never, signature });
}

describe('the payer', () => {
  it('signs what version 2 demands, and gives the seller its own offer back', async () => {
    const { payment } = await signed(answerV2(demandV2([offerV2({ surplus: { kept: [1] } })], { extensions: { bazaar: { info: 1 } } })));
    expect(Object.keys(payment.fields)).toEqual(['payment-signature']);
    const sent = unbase64(payment.fields['payment-signature']) as Sent;
    expect(await isCheque(sent)).toBe(true);
    expect(sent).toMatchObject({ x402Version: 2, resource: { url: 'https://shop.example/data' }, extensions: { bazaar: { info: 1 } } });
    expect(sent.accepted).toEqual(offerV2({ surplus: { kept: [1] } }));
    expect(sent.payload.authorization).toMatchObject({ from: ADDRESS, to: SELLER, value: '10000', nonce: payment.nonce, validBefore: String(payment.validBefore) });
    expect(JSON.parse(JSON.stringify(payment.payload))).toEqual(sent);
    expect(payment).toMatchObject({ from: ADDRESS.toLowerCase(), nonce: expect.stringMatching(/^0x[0-9a-f]{64}$/) });
  });

  it('signs what version 1 demands', async () => {
    const { payment } = await signed(answerV1());
    expect(Object.keys(payment.fields)).toEqual(['x-payment']);
    const sent = unbase64(payment.fields['x-payment']) as Sent;
    expect(await isCheque(sent)).toBe(true);
    expect(sent).toMatchObject({ x402Version: 1, scheme: 'exact', network: 'base-sepolia' });
  });

  it('lets no cheque live longer than it was told, whatever the seller wants', async () => {
    for (const answer of [answerV2(demandV2([offerV2({ maxTimeoutSeconds: 315_360_000 })])), answerV1(demandV1([offerV1({ maxTimeoutSeconds: 1e15 })]))]) {
      const { payment } = await signed(answer, 90);
      expect(payment.validBefore - now()).toBeLessThanOrEqual(90);
      expect(payment.validBefore - now()).toBeGreaterThan(80);
    }
    expect((await signed(answerV2(demandV2([offerV2({ maxTimeoutSeconds: 20 })])))).payment.validBefore - now()).toBeLessThanOrEqual(20);
  });

  it('never uses a nonce twice', async () => {
    const one = payer();
    const demand = await demandIn(one, answerV2());
    const payments = await Promise.all(Array.from({ length: 50 }, () => one.sign(demand, demand.options[0]!, 60)));
    expect(new Set(payments.map(({ nonce }) => nonce)).size).toBe(50);
  });

  it('signs nothing but an option of the demand', async () => {
    const one = payer();
    const demand = await demandIn(one, answerV2());
    const [option] = demand.options;
    for (const change of [{ amount: 1n }, { payTo: ADDRESS.toLowerCase() }, { asset: SELLER.toLowerCase() }, { network: 'eip155:8453' }, { index: 1 }]) {
      await expect(one.sign(demand, { ...option!, ...change }, 60)).rejects.toMatchObject({ code: 'PAYMENT_FAILED' });
    }
    await expect(one.sign({ ...demand, raw: '{' }, option!, 60)).rejects.toMatchObject({ code: 'PAYMENT_FAILED' });
  });

  it('reads what it cannot sign when there is no wallet', async () => {
    const one = payer({ key: async () => null });
    expect(await one.address()).toBeNull();
    const demand = await demandIn(one, answerV1());
    expect(demand.options).toHaveLength(1);
    await expect(one.sign(demand, demand.options[0]!, 60)).rejects.toMatchObject({ code: 'PAYMENT_FAILED', message: 'there is no wallet to pay from' });
  });

  it('asks for no key, and begins no thread, where nothing is to be signed or read', async () => {
    const key = vi.fn(async () => KEY);
    const one = payer({ key });
    expect(await one.demandOf({ fields: {}, body: Buffer.from('<html>Payment required') })).toBeNull();
    expect(await one.demandOf({ fields: { 'payment-required': 'A'.repeat(70_000) }, body: Buffer.from(`"x402Version"${' '.repeat(70_000)}`) })).toBeNull();
    expect(await one.settlementOf({ 'content-type': 'text/plain' })).toBeNull();
    expect(await one.demandOf(answerV2())).not.toBeNull();
    expect(key).not.toHaveBeenCalled();
  });

  it('signs with the wallet as it is now: made, replaced or taken away', async () => {
    let key: `0x${string}` | null = null;
    const one = payer({ key: async () => key });
    const demand = await demandIn(one, answerV2());
    const pay = async () => (await one.sign(demand, demand.options[0]!, 60)).from;
    expect(await one.address()).toBeNull();
    for (key of [generatePrivateKey(), generatePrivateKey()]) {
      expect([await one.address(), await pay()]).toEqual(Array(2).fill(privateKeyToAccount(key).address.toLowerCase()));
    }
    key = null;
    await expect(pay()).rejects.toMatchObject({ code: 'PAYMENT_FAILED' });
  });

  it('reads what the seller says of the payment, by the names of both versions', async () => {
    const said = base64({ success: true, transaction: `0x${'1'.repeat(64)}` });
    expect(await payer().settlementOf({ 'payment-response': said })).toEqual({ success: true, transaction: `0x${'1'.repeat(64)}`, reason: null });
    expect(await payer().settlementOf({ 'x-payment-response': said })).toMatchObject({ success: true });
    expect(await payer().settlementIn({ success: true, transaction: `0x${'1'.repeat(64)}` })).toEqual({ success: true, transaction: `0x${'1'.repeat(64)}`, reason: null });
    expect([await payer().settlementIn(null), await payer().settlementIn({ success: true, more: 'x'.repeat(70_000) })]).toEqual([null, null]);
  });
});

describe('the thread that signs', () => {
  const stub = (name: string, source: string): URL => {
    const at = join(folder, name);
    writeFileSync(at, `import{parentPort as port}from'node:worker_threads';${source}`);
    return pathToFileURL(at);
  };

  it('is told the key once', async () => {
    const counting = stub('counting.mjs', `let n=0;port.on('message',(m)=>{if('key'in m)n+=1;else port.postMessage({id:m.id,value:n})})`);
    const one = payer({ file: counting });
    expect(await Promise.all([one.address(), one.address()])).toEqual([1, 1]);
    expect(await one.address()).toBe(1);
  });

  it('that waits for a key for ever is given up', async () => {
    await expect(payer({ key: () => new Promise(() => {}), timeMs: 200 }).address()).rejects.toMatchObject({ code: 'PAYMENT_FAILED' });
  });

  it('that dies fails whoever waits, and the next call begins another', async () => {
    const dying = stub('dying.mjs', `let n=0;port.on('message',(m)=>{if('key'in m)return;if(++n===2)throw new Error('no');if(n===1)port.postMessage({id:m.id,value:'0x1'})})`);
    const one = payer({ file: dying });
    expect(await one.address()).toBe('0x1');
    await expect(one.address()).rejects.toMatchObject({ code: 'PAYMENT_FAILED' });
    expect(await one.address()).toBe('0x1');
  });

  it('that does not answer is given up', async () => {
    const one = payer({ file: stub('mute.mjs', `port.on('message',()=>{})`), timeMs: 100 });
    await expect(Promise.all([one.address(), one.demandOf(answerV2())])).rejects.toMatchObject({ code: 'PAYMENT_FAILED' });
  });

  it('that is not there fails the call', async () => {
    await expect(payer({ file: pathToFileURL(join(folder, 'missing.mjs')) }).address()).rejects.toMatchObject({ code: 'PAYMENT_FAILED' });
  });

  it('ends when there is nothing to pay, and what it knew with it', async () => {
    const counting = stub('lasting.mjs', `let n=0;port.on('message',(m)=>{if(!('key'in m))port.postMessage({id:m.id,value:n+=1})})`);
    const one = payer({ file: counting, idleMs: 10 });
    expect(await one.address()).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await one.address()).toBe(1);
    const lasting = payer({ file: counting });
    expect([await lasting.address(), await lasting.address()]).toEqual([1, 2]);
  });

  it('that is closed fails whoever waits', async () => {
    const one = payer();
    const waiting = one.address();
    await one.close();
    await expect(waiting).rejects.toMatchObject({ code: 'PAYMENT_FAILED' });
  });

  it('says nothing of the key, whatever it is and whatever goes wrong', async () => {
    const told: string[] = [];
    const listen = (stream: NodeJS.WriteStream) => vi.spyOn(stream, 'write').mockImplementation((text) => (told.push(String(text)), true));
    const spies = [listen(process.stdout), listen(process.stderr)];
    const leaking = stub('leaking.mjs', `port.on('message',(m)=>{if('key'in m){console.log(m.key);console.error(m.key);throw new Error('cannot use '+m.key)}})`);
    // Too short, no hex, zero, and beyond the order of the curve.
    const wrong = [`0x${'a'.repeat(63)}`, 'not a key at all, but a secret', `0x${'0'.repeat(64)}`, `0x${'f'.repeat(64)}`] as `0x${string}`[];
    const failures: unknown[] = [];
    for (const key of wrong) failures.push(await payer({ key: async () => key }).address().catch((error: unknown) => error));
    failures.push(await payer({ file: leaking }).address().catch((error: unknown) => error));
    failures.push(await payer({ key: () => Promise.reject(new Error(`cannot read ${KEY}`)) }).address());
    const signing = await payer().sign({ version: 2, resource: null, options: [], raw: 'x' }, { network: 'eip155:1', asset: '0x', payTo: '0x', amount: 1n, maxTimeoutSeconds: 1, index: 0 }, 60).catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (const spy of spies) spy.mockRestore();
    const shown = [...told, ...[...failures, signing].flatMap((error) => [JSON.stringify(error), String((error as Pag0Error | null)?.stack), String((error as Pag0Error | null)?.cause)])].join('\n');
    for (const secret of [...wrong, KEY]) expect(shown).not.toContain(secret.replace(/^0x/, ''));
    expect(failures).toEqual([...wrong, ''].map(() => expect.objectContaining({ code: 'PAYMENT_FAILED' })).concat(null as never));
  });

  it('alone has viem and x402: what the daemon itself loads has neither', async () => {
    const { metafile } = await build({ entryPoints: [entry('./payer.ts'), entry('./chain.ts')], outdir: folder, bundle: true, platform: 'node', format: 'esm', write: false, metafile: true });
    expect(Object.keys(metafile.inputs).filter((input) => input.includes('node_modules'))).toEqual([]);
  });
});
