import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { TOOL_PAYMENT } from '../contract/tool-payment.ts';
import { toolPaymentRoutes } from './tool-payment-api.ts';

const ASKED = { server: 'd', name: 'node', tool: 'search', arguments: 'x', toolUseId: null as string | null, demand: '{}', pid: 7 };

function stage(caller: string | null, confined = false) {
  const begun: unknown[] = [];
  const signals: AbortSignal[] = [];
  const ended: unknown[] = [];
  const app = toolPaymentRoutes({
    payments: {
      begin: async (session, { gone, ...request }) => (begun.push([session, request]), signals.push(gone), { outcome: 'passed' }),
      end: async (id, result) => (ended.push(result), id === 'p1' ? { outcome: 'deliver' } : null),
    },
    doorway: { caller: async () => (caller === null ? null : { session: caller, confined }) },
    sessionOf: (toolUseId) => (toolUseId === 'toolu_1' ? 's1' : null),
  });
  const outgoing = Object.assign(new EventEmitter(), { destroyed: false, writableFinished: false });
  const post = async (path: string, body: unknown) => {
    const response = await app.request(path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }, { incoming: { socket: { remotePort: 9 } }, outgoing });
    return { status: response.status, body: (await response.json()) as unknown };
  };
  return { post, begun, ended, signals, outgoing };
}

describe('the route of a wrapper’s payments', () => {
  it('is told whose call it is by the connection, and by the call where that does not tell', async () => {
    const { demand, pid, ...called } = ASKED;
    for (const [caller, toolUseId, session] of [['s7', 'toolu_1', 's7'], [null, 'toolu_1', 's1'], [null, 'toolu_2', ''], [null, null, '']] as const) {
      const { post, begun } = stage(caller);
      expect(await post(TOOL_PAYMENT, { ...ASKED, toolUseId, session: 's9' })).toEqual({ status: 200, body: { outcome: 'passed' } });
      expect(begun).toEqual([[session, { called: { ...called, toolUseId }, demand, pid }]]);
    }
  });

  it.each(['{', [], { ...ASKED, pid: 0 }, { ...ASKED, tool: 7 }, { ...ASKED, demand: 'x'.repeat(70_000) }])('says that it cannot read %.40j', async (body) => {
    const { post, begun } = stage('s7');
    expect(await post(TOOL_PAYMENT, body)).toMatchObject({ status: 400, body: { error: { code: 'BAD_REQUEST' } } });
    expect(begun).toEqual([]);
  });

  it('gives nothing to what runs in the sandbox', async () => {
    const { post, begun } = stage('s7', true);
    expect(await post(TOOL_PAYMENT, { ...ASKED, toolUseId: 'toolu_1' })).toMatchObject({ status: 403, body: { error: { code: 'FORBIDDEN' } } });
    expect(begun).toEqual([]);
  });

  it('tells when its answer reached nobody', async () => {
    for (const isDelivered of [true, false]) {
      const { post, signals, outgoing } = stage('s7');
      await post(TOOL_PAYMENT, ASKED);
      outgoing.writableFinished = isDelivered;
      outgoing.emit('close');
      expect(signals.map(({ aborted }) => aborted)).toEqual([!isDelivered]);
    }
  });

  it('takes what came of it, for a payment that waits', async () => {
    const { post, ended } = stage('s7');
    const result = { demand: null, settlement: { success: true }, failed: false };
    expect(await post(`${TOOL_PAYMENT}/p1`, result)).toEqual({ status: 200, body: { outcome: 'deliver' } });
    expect(await post(`${TOOL_PAYMENT}/p1`, { lost: 'x' })).toMatchObject({ status: 200 });
    expect(await post(`${TOOL_PAYMENT}/p2`, result)).toMatchObject({ status: 404 });
    expect(await post(`${TOOL_PAYMENT}/p1`, { settlement: 'paid' })).toMatchObject({ status: 400 });
    expect(ended).toEqual([result, { lost: 'x' }, result]);
  });
});
