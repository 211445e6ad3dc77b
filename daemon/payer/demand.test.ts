import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { optionIn, readDemand } from './demand.ts';
import { base64, demandV1, demandV2, offerV1, offerV2, SELLER, USDC } from './sellers.fixture.ts';

const payable = (read: ReturnType<typeof readDemand>) => (read !== null && 'options' in read ? read : null);
const inField = (value: unknown) => payable(readDemand([base64(value)], null));
const inBody = (value: unknown) => payable(readDemand([], typeof value === 'string' ? value : JSON.stringify(value)));
const OPTION = { network: 'eip155:84532', asset: USDC.toLowerCase(), payTo: SELLER.toLowerCase(), amount: 10_000n, index: 0 };

describe('a demand', () => {
  it('of version 2 is read from its field', () => {
    expect(inField(demandV2())).toEqual({ version: 2, resource: 'https://shop.example/data', options: [{ ...OPTION, maxTimeoutSeconds: 3_600 }], raw: JSON.stringify(demandV2()) });
  });

  it('of version 1 is read from the body, its networks by the names they have there', () => {
    expect(inBody(demandV1())).toEqual({ version: 1, resource: 'https://shop.example/data', options: [{ ...OPTION, maxTimeoutSeconds: 60 }], raw: JSON.stringify(demandV1()) });
    expect(inBody(demandV1([offerV1({ network: 'base' })]))?.options[0]?.network).toBe('eip155:8453');
  });

  it('of version 2 is also read from the body, where MCP has it', () => {
    expect(inBody(demandV2())?.options).toEqual([{ ...OPTION, maxTimeoutSeconds: 3_600 }]);
  });

  it('in both places is the one in the field, unless only the body’s can be paid', () => {
    const body = JSON.stringify(demandV1([offerV1({ network: 'base', maxAmountRequired: '7' })]));
    expect(readDemand([base64(demandV2())], body)).toMatchObject({ version: 2 });
    expect(readDemand([base64(demandV2([offerV2({ network: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp' })]))], body)).toMatchObject({ version: 1, options: [{ amount: 7n }] });
  });

  it('loses nothing of the options that are known by one that is not', () => {
    const strange = [{ scheme: 'exact', network: 'solana-devnet' }, 'x', null, [], offerV1({ network: 'somechain' }), offerV1({ scheme: 'upto' }), offerV1({ network: 'constructor' }), offerV1({ network: '__proto__' })];
    expect(inBody(demandV1([...strange, offerV1()]))?.options.map(({ index }) => index)).toEqual([strange.length]);
    expect(inField(demandV2([offerV2({ network: 'eip155:*' }), offerV2({ network: 'eip155:084532' }), offerV2()]))?.options.map(({ index }) => index)).toEqual([2]);
  });

  it('is not lost for what concerns nobody who pays', () => {
    expect(inField(demandV2(undefined, { resource: { url: 'https://shop.example/', serviceName: 'x'.repeat(33), tags: ['1', '2', '3', '4', '5', '6'] } }))).not.toBeNull();
    expect(inField(demandV2(undefined, { resource: undefined }))?.resource).toBeNull();
  });

  it.each(['0', '-1', '0x2710', '1e4', '10000.0', ' 10000', '', '01', '1'.repeat(20), 1.5, 1e19, -1, null, ['10000']])('of the amount %o cannot be paid', (amount) => {
    expect(inField(demandV2([offerV2({ amount })]))).toBeNull();
    expect(inBody(demandV1([offerV1({ maxAmountRequired: amount })]))).toBeNull();
  });

  it.each([
    { payTo: 'shop.eth' },
    { payTo: SELLER.slice(0, -1) },
    { asset: `${USDC}00` },
    { asset: 'USDC' },
    { maxTimeoutSeconds: 0 },
    { maxTimeoutSeconds: -5 },
    { maxTimeoutSeconds: 1.5 },
    { maxTimeoutSeconds: '60' },
    { extra: undefined },
    { extra: { name: 'USDC' } },
    { extra: { name: 'USDC', version: '2', assetTransferMethod: 'permit2' } },
    { extra: { name: 'USDC', version: '2', paymentFlow: 'upfront' } },
    { extra: { name: 'USDC', version: '2', paymentFlow: 'escrow' } },
    { scheme: 'batch-settlement' },
  ])('with %o cannot be paid', (more) => {
    expect(inField(demandV2([offerV2(more)]))).toBeNull();
    expect(inBody(demandV1([offerV1(more)]))).toBeNull();
  });

  it.each(['', '<html>', '{}', '[]', 'null', '7', '{"x402Version":3,"accepts":[]}', '{"x402Version":1,"accepts":{}}', '{"x402Version":"1","accepts":[]}', '['.repeat(60_000), `{"x402Version":2,"accepts":${'['.repeat(20_000)}${']'.repeat(20_000)}}`])('that is none is null', (text) => {
    expect(inBody(text)).toBeNull();
    expect(inField(text)).toBeNull();
    expect(payable(readDemand([text], null))).toBeNull();
  });

  it('that requires an identifier, of which there is none, cannot be paid', () => {
    const identified = (required: boolean) => demandV2(undefined, { extensions: { 'payment-identifier': { info: { required }, schema: {} } } });
    expect([inField(identified(true)), inField(identified(false))?.options.length]).toEqual([null, 1]);
  });

  it('has fifty options at most', () => {
    expect(inField(demandV2(Array.from({ length: 200 }, () => offerV2())))?.options).toHaveLength(50);
  });

  it('law: whatever a seller sends, it is null or can be paid, and it is read the same again when it is signed', () => {
    const odd = fc.jsonValue({ maxDepth: 3 });
    const mutated = (offer: object) =>
      fc.array(fc.tuple(fc.constantFrom(...Object.keys(offer), 'surplus'), odd), { maxLength: 2 }).map((changes) => ({ ...offer, ...Object.fromEntries(changes) }));
    const offers = (offer: object) => fc.array(fc.oneof({ weight: 4, arbitrary: mutated(offer) }, odd), { maxLength: 4 });
    const demands = fc.oneof(
      fc.record({ x402Version: fc.constant(1), accepts: offers(offerV1()) }),
      fc.record({ x402Version: fc.constant(2), accepts: offers(offerV2()), resource: odd, extensions: odd }),
    );
    const anything = fc.oneof({ weight: 6, arbitrary: demands }, odd, fc.record({ x402Version: odd, accepts: odd }));
    let read = 0;
    fc.assert(
      fc.property(anything, fc.boolean(), (value, asField) => {
        const demand = asField ? inField(value) : inBody(value);
        if (demand === null) return;
        read += 1;
        expect(demand.options.length).toBeGreaterThan(0);
        for (const option of demand.options) {
          expect(option.network).toMatch(/^eip155:[1-9]\d*$/);
          expect(option.asset + option.payTo).toMatch(/^(0x[0-9a-f]{40}){2}$/);
          expect(option.amount > 0n && option.amount < 10n ** 19n && option.maxTimeoutSeconds >= 1).toBe(true);
          expect(optionIn(demand.raw, option.index)?.option).toEqual(option);
        }
      }),
      { numRuns: 1_000 },
    );
    expect(read).toBeGreaterThan(200);
  });
});
