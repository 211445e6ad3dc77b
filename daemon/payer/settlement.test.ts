import { describe, expect, it } from 'vitest';
import { readSettlement, readSettlementText } from './settlement.ts';
import { base64 } from './sellers.fixture.ts';

const HASH = `0x${'Ab'.repeat(32)}`;

describe('a settlement', () => {
  it.each([
    [{ success: true, transaction: HASH, network: 'base-sepolia', payer: '0x1' }, { success: true, transaction: HASH.toLowerCase(), reason: null }],
    [{ success: false, errorReason: 'insufficient_funds', transaction: '' }, { success: false, transaction: null, reason: 'insufficient_funds' }],
    [{ success: true }, { success: true, transaction: null, reason: null }],
    [{ success: true, transaction: { to: 'x' }, errorReason: 7 }, { success: true, transaction: null, reason: null }],
  ])('%o is read', (said, settlement) => {
    expect(readSettlement([base64(said)])).toEqual(settlement);
    expect(readSettlementText(JSON.stringify(said))).toEqual(settlement);
  });

  it('has no more of the seller’s words than a line', () => {
    expect(readSettlement([base64({ success: false, errorReason: 'x'.repeat(9_999) })])?.reason).toHaveLength(200);
  });

  it.each(['', '%', 'bm8=', base64([]), base64(null), base64({}), base64({ success: 'true' }), base64('['.repeat(30_000))])('that cannot be read is none', (field) => {
    expect(readSettlement([field])).toBeNull();
  });

  it.each(['', '{', '[]', 'null', '{}', '{"success":"true"}', '['.repeat(30_000)])('as JSON that cannot be read is none: %.9s', (text) => {
    expect(readSettlementText(text)).toBeNull();
  });
});
