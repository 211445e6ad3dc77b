import { describe, expect, it } from 'vitest';
import { demandV2 } from '../payer/sellers.fixture.ts';
import type { ToolPaymentAnswer } from '../contract/tool-payment.ts';
import { NO_WALLET } from './exchange.fixture.ts';
import { createPaidToolCalls } from './paid-tool-call.ts';
import { createPayingWorld, TRANSACTION } from './paying.fixture.ts';
import { createToolPayments, type ToolPaymentsParts } from './tool-payments.ts';

const CENT = 10_000n;
const called = { server: 'digest', name: 'node', tool: 'search', arguments: 'x', toolUseId: 'toolu_1' };
const GONE = 2 ** 22 - 1;

function stage(config: object = {}, more: Partial<ToolPaymentsParts> = {}) {
  const one = createPayingWorld(config);
  let ids = 0;
  const payments = createToolPayments({ calls: createPaidToolCalls({ parts: one.world.parts, payer: one.payer, purchases: one.purchases, paidRequests: NO_WALLET }), nextId: () => `p${(ids += 1)}`, ...more });
  const begin = async (demand: object = demandV2(), pid = process.pid, gone = new AbortController().signal): Promise<ToolPaymentAnswer> => {
    await one.world.send({ hook_event_name: 'PreToolUse', tool_name: 'mcp__node__search', tool_use_id: called.toolUseId, tool_input: {} });
    return payments.begin('s1', { called, demand: JSON.stringify(demand), pid, gone });
  };
  return { one, payments, begin };
}

const ANSWERED = { demand: null, settlement: { success: true, transaction: TRANSACTION }, failed: false };
const until = async (holds: () => Promise<boolean>): Promise<void> => {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
};

describe('a payment for a call that a wrapper makes', () => {
  it('is given when it is written down, and ends with what the wrapper says', async () => {
    const { one, payments, begin } = stage();
    expect(await begin()).toMatchObject({ outcome: 'pay', id: 'p1', payment: { x402Version: 2 } });
    expect(await one.spent()).toEqual({ posted: 0n, reserved: CENT, held: 0n });
    expect(await payments.end('p1', ANSWERED)).toEqual({ outcome: 'deliver' });
    expect(await one.spent()).toEqual({ posted: CENT, reserved: 0n, held: 0n });
  });

  it('is told of once, and under its own id', async () => {
    const { one, payments, begin } = stage();
    await begin();
    expect(await payments.end('p2', ANSWERED)).toBeNull();
    await payments.end('p1', ANSWERED);
    expect(await payments.end('p1', { lost: 'x' })).toBeNull();
    expect((await one.spent()).posted).toBe(CENT);
  });

  it('is none where nothing is ours to pay, and a sentence where it may not be', async () => {
    expect(await stage().begin({ x402Version: 2, accepts: [] })).toEqual({ outcome: 'passed' });
    expect(await stage({ policy: { maxPerRequest: '$0.001' } }).begin()).toEqual({ outcome: 'refused', sentence: expect.stringContaining('pag0 REQUEST_LIMIT_EXCEEDED') as string });
  });

  it('is held when the answer is lost or demands once more, and the wrapper is told what to say', async () => {
    for (const result of [{ lost: 'ended before it answered' }, { demand: JSON.stringify(demandV2()), settlement: null, failed: true }]) {
      const { one, payments, begin } = stage();
      await begin();
      expect(await payments.end('p1', result)).toMatchObject({ outcome: 'refused', sentence: expect.stringMatching(/^pag0 PAYMENT_(UNKNOWN|FAILED): /) as string });
      expect(await one.spent()).toEqual({ posted: 0n, reserved: 0n, held: CENT });
    }
  });

  it('is held when the wrapper says nothing in time', async () => {
    const { one, begin } = stage({}, { limitMs: 20 });
    await begin();
    await until(async () => (await one.spent()).held === CENT);
  });

  it('is held as soon as the wrapper is gone, unless its number never meant anything here', async () => {
    const { spawn } = await import('node:child_process');
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)']);
    const { one, begin } = stage({}, { lookMs: 10 });
    await begin(demandV2(), child.pid);
    child.kill('SIGKILL');
    await until(async () => (await one.spent()).held === CENT);

    expect(await begin()).toMatchObject({ outcome: 'refused', sentence: expect.stringContaining('pag0 PAYMENT_UNKNOWN') as string });

    const other = stage({}, { lookMs: 5 });
    await other.begin(demandV2(), GONE);
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect((await other.one.spent()).reserved).toBe(CENT);
  });

  it('is not asked for again by a wrapper that was started anew: what the one before was given counts as lost at once', async () => {
    const { spawn } = await import('node:child_process');
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)']);
    const { one, begin } = stage({}, { lookMs: 3_600_000 });
    await begin(demandV2(), child.pid);
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    expect(await begin()).toMatchObject({ outcome: 'refused', sentence: expect.stringContaining('pag0 PAYMENT_UNKNOWN') as string });
    expect([one.payer.signed, await one.spent()]).toEqual([1, { posted: 0n, reserved: 0n, held: CENT }]);
  });

  it('that could not be handed over counts as lost, and one that nobody waits for any more is not signed for', async () => {
    const { one, begin } = stage();
    const asker = new AbortController();
    expect(await begin(demandV2(), process.pid, asker.signal)).toMatchObject({ outcome: 'pay' });
    asker.abort();
    expect(await begin()).toMatchObject({ outcome: 'refused', sentence: expect.stringContaining('pag0 PAYMENT_UNKNOWN') as string });
    expect(one.payer.signed).toBe(1);

    const other = stage();
    await other.begin(demandV2(), process.pid, AbortSignal.abort());
    expect(await other.one.spent()).toEqual({ posted: 0n, reserved: 0n, held: 0n });
  });
});
