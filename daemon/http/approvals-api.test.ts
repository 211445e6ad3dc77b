import { describe, expect, it } from 'vitest';
import { APPROVAL_VIEWS } from '../contract/approval-views.ts';
import { createOrders } from '../pipeline/orders.ts';
import { createGrove } from '../report/grove.fixture.ts';
import { approvalRoutes } from './approvals-api.ts';

const PAYEE = `0x${'b'.repeat(40)}`;

function setUp(isPerson = true) {
  const grove = createGrove();
  const live = grove.session('s1');
  grove.agent(live, 'r1', 'researcher');
  grove.agent(grove.nested('n1', live, 'r1'), 'x1', 'executor');
  const { approvals } = grove.parts;
  approvals.ask({ session: 'n1', request: 'r', network: 'eip155:84532', asset: '0xa', payTo: PAYEE, amount: 300_000n }, { agent: 'x1', label: 'a.com/x', code: 'APPROVAL_REQUIRED', why: "costs $0.30, above what needs a person's yes" });
  const asked: [pid: number, remotePort: number][] = [];
  const persons = { sentByClient: () => Promise.resolve(true), typedIn: () => Promise.resolve(true), atTerminal: (pid: number, remotePort: number) => (asked.push([pid, remotePort]), Promise.resolve(isPerson)) };
  const app = approvalRoutes({ parts: grove.parts, orders: createOrders(grove.parts), persons });
  const ask = async (query: string, body?: unknown) => {
    const init = body === undefined ? {} : { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) };
    const response = await app.request(`${APPROVAL_VIEWS.approvals}${query}`, init, { incoming: { socket: { remotePort: 5_555 } } });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return { grove, approvals, asked, ask };
}

const by = { pid: 4_711, tty: true };

describe('the payments that wait', () => {
  it('are listed with everything a person decides by', async () => {
    const { ask, grove } = setUp();
    expect(await ask('')).toEqual({
      status: 200,
      body: {
        at: grove.now,
        approvals: [
          { id: 'ask1', session: 'n1', agentId: 'researcher-1/claude-1/executor-1', endpoint: 'a.com/x', code: 'APPROVAL_REQUIRED', why: "costs $0.30, above what needs a person's yes", amount: '300000', network: 'eip155:84532', asset: '0xa', payTo: PAYEE, expiresAt: grove.now + 900_000, approved: false },
        ],
      },
    });
    expect((await ask('?format=text')).body['text']).toMatch(/^1 payment asked about:\n {2}ask1: a\.com\/x costs[^]*pag0 approve ID allows one, once; pag0 approve --no ID declines it\.$/);
  });

  it('are allowed and declined by a person at a terminal', async () => {
    const { ask, approvals, asked, grove } = setUp();
    expect(await ask('', { id: 'ask1', yes: true, by })).toMatchObject({ status: 200, body: { sentence: expect.stringContaining('Allowed once') as string } });
    expect(approvals.list()).toMatchObject([{ approved: true }]);
    expect(grove.parts.sessions.get('n1')!.hints).toMatchObject([{ agent: 'x1' }]);
    expect(await ask('', { id: 'ask1', yes: false, by })).toMatchObject({ status: 200, body: { sentence: expect.stringContaining('Declined') as string } });
    expect(await ask('', { id: 'ask1', yes: true, by })).toMatchObject({ status: 404, body: { error: { code: 'NOT_FOUND' } } });
    expect(asked).toEqual([[4_711, 5_555], [4_711, 5_555], [4_711, 5_555]]);
  });

  it('are answered by nobody else, whatever is claimed', async () => {
    const stranger = setUp(false);
    for (const yes of [true, false]) expect(await stranger.ask('', { id: 'ask1', yes, by })).toMatchObject({ status: 403, body: { error: { code: 'PERSON_REQUIRED' } } });
    expect(stranger.approvals.list()).toMatchObject([{ approved: false }]);
    const noTerminal = setUp(true);
    expect(await noTerminal.ask('', { id: 'ask1', yes: true, by: { ...by, tty: false } })).toMatchObject({ status: 403 });
    expect(noTerminal.asked).toEqual([]);
  });

  it.each([{ id: '', yes: true, by }, { id: 'ask1', yes: 'yes', by }, { id: 'ask1', yes: true }, { id: 'x'.repeat(65), yes: true, by }, '{'])('are not answered by %j', async (body) => {
    const { ask, approvals } = setUp();
    expect(await ask('', body)).toMatchObject({ status: 400, body: { error: { code: 'BAD_REQUEST' } } });
    expect(approvals.list()).toMatchObject([{ approved: false }]);
  });
});
