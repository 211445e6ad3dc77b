import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { counted, type Scope } from '../core/transfer.ts';
import type { Cheque, Ledger, Origin, Reserve } from '../ports.ts';

/** The promises of every ledger. One suite, every implementation. */
const QUARTER = 15 * 60_000;

export function ledgerSuite(name: string, create: () => Ledger): void {
  const origin: Origin = { session: 's1', agent: 'main', run: 'r1', project: '/p' };
  const scope = (key: string, limit: bigint | null, kind: Scope['kind'] = 'session'): Scope => ({ key, kind, label: key, limit });
  const call = (key: string, amount: bigint, scopes: Scope[], extra: Partial<Reserve> = {}): Reserve => ({
    key,
    origin,
    lines: [{ tool: 'Bash', endpoint: 'api.tavily.com/search', amount, requests: 1 }],
    scopes,
    kind: 'billed',
    at: 1_000,
    ...extra,
  });
  const one = async (ledger: Ledger, key: string) => (await ledger.balances([key]))[0]!;

  describe(`${name} ledger`, () => {
    it('charges every scope at once, or none', async () => {
      const ledger = create();
      const wide = scope('session:s1', 1_000n);
      const tight = scope('agent:s1/a', 100n, 'agent');
      expect(await ledger.reserve(call('1', 80n, [tight, wide]))).toEqual({ outcome: 'reserved' });
      const refused = await ledger.reserve(call('2', 80n, [tight, wide]));
      expect(refused).toMatchObject({ outcome: 'exceeded', exceeded: { spent: 80n, limit: 100n, scope: { key: 'agent:s1/a' } } });
      expect(await ledger.balances(['agent:s1/a', 'session:s1'])).toEqual([
        { posted: 0n, reserved: 80n, held: 0n },
        { posted: 0n, reserved: 80n, held: 0n },
      ]);
      await ledger.close();
    });

    it('names the narrowest scope when several are spent', async () => {
      const ledger = create();
      const outcome = await ledger.reserve(call('1', 5n, [scope('agent:x', 4n, 'agent'), scope('session:x', 4n)]));
      expect(outcome).toMatchObject({ outcome: 'exceeded', exceeded: { scope: { kind: 'agent' } } });
      await ledger.close();
    });

    it('charges the same call once, however often it is asked, also after it has ended', async () => {
      const ledger = create();
      const scopes = [scope('session:s1', 100n)];
      await ledger.reserve(call('1', 60n, scopes));
      expect(await ledger.reserve(call('1', 60n, scopes))).toEqual({ outcome: 'duplicate', ended: false });
      expect(await ledger.post('1', 2_000)).toBe(true);
      expect(await ledger.reserve(call('1', 60n, scopes))).toEqual({ outcome: 'duplicate', ended: true });
      expect(await ledger.post('1', 2_000)).toBe(false);
      expect(counted(await one(ledger, 'session:s1'))).toBe(60n);
      await ledger.close();
    });

    it('frees what a void returns, and counts what a post says was really spent', async () => {
      const ledger = create();
      const scopes = [scope('session:s1', 100n)];
      await ledger.reserve(call('1', 60n, scopes));
      await ledger.void('1', 2_000, 'never sent');
      expect(counted(await one(ledger, 'session:s1'))).toBe(0n);
      await ledger.reserve(call('2', 100n, scopes));
      await ledger.post('2', 2_000, 37n);
      expect(await one(ledger, 'session:s1')).toEqual({ posted: 37n, reserved: 0n, held: 0n });
      await ledger.close();
    });

    it('keeps an unknown outcome counted until it is proved', async () => {
      const ledger = create();
      const scopes = [scope('session:s1', 100n)];
      await ledger.reserve(call('1', 60n, scopes));
      expect(await ledger.hold('1', 2_000, 'no answer')).toBe(true);
      expect(await ledger.hold('1', 2_000, 'no answer')).toBe(false);
      expect(await one(ledger, 'session:s1')).toEqual({ posted: 0n, reserved: 0n, held: 60n });
      expect(await ledger.reserve(call('2', 60n, scopes))).toMatchObject({ outcome: 'exceeded' });
      expect(await ledger.sums({ session: 's1' })).toMatchObject([{ what: 'held', amount: 60n }]);
      expect(await ledger.void('1', 3_000, 'proved unspent')).toBe(true);
      expect(counted(await one(ledger, 'session:s1'))).toBe(0n);
      await ledger.close();
    });

    it('lets exactly ten of fifty through at once when the cap fits ten', async () => {
      for (let round = 0; round < 100; round += 1) {
        const ledger = create();
        const scopes = [scope('session:s1', 1_000n)];
        const outcomes = await Promise.all(Array.from({ length: 50 }, (_, index) => ledger.reserve(call(`${index}`, 100n, scopes))));
        expect(outcomes.filter((outcome) => outcome.outcome === 'reserved')).toHaveLength(10);
        expect(counted(await one(ledger, 'session:s1'))).toBe(1_000n);
        await ledger.close();
      }
    });

    it('lists what is open by session and agent, and nothing that has ended', async () => {
      const ledger = create();
      await ledger.reserve(call('1', 5n, [scope('session:s1', null)]));
      await ledger.reserve(call('2', 6n, [], { origin: { ...origin, agent: 'a2' } }));
      await ledger.reserve(call('3', 7n, [], { origin: { ...origin, session: 's2' } }));
      await ledger.post('1', 2_000);
      expect((await ledger.openSessions()).sort()).toEqual(['s1', 's2']);
      expect((await ledger.open({ session: 's1' })).map((open) => [open.key, open.amount, open.origin.agent])).toEqual([['2', 6n, 'a2']]);
      expect(await ledger.open({ session: 's1', agent: 'main' })).toEqual([]);
      await ledger.close();
    });

    it('adds up what was posted, free and refused by agent, tool and endpoint', async () => {
      const ledger = create();
      for (const key of ['1', '2']) {
        await ledger.reserve(call(key, 20n, []));
        await ledger.post(key, 2_000);
      }
      ledger.note({ what: 'free', origin, tool: 'WebFetch', endpoint: 'example.com/', requests: 3, at: 2_000 });
      ledger.note({ what: 'refused', origin, tool: 'Bash', endpoint: 'api.tavily.com/search', requests: 1, at: 2 * QUARTER, code: 'SESSION_BUDGET_EXCEEDED' });
      const sums = await ledger.sums({ session: 's1' });
      expect(sums).toHaveLength(3);
      expect(sums).toContainEqual({ session: 's1', agent: 'main', tool: 'Bash', endpoint: 'api.tavily.com/search', what: 'posted', code: null, kind: 'billed', amount: 40n, requests: 2 });
      expect(sums).toContainEqual({ session: 's1', agent: 'main', tool: 'WebFetch', endpoint: 'example.com/', what: 'free', code: null, kind: 'billed', amount: 0n, requests: 3 });
      expect(await ledger.sums({ since: QUARTER, until: 9 * QUARTER })).toMatchObject([{ what: 'refused', code: 'SESSION_BUDGET_EXCEEDED', requests: 1 }]);
      expect(await ledger.sums({ run: 'r1' })).toHaveLength(3);
      expect(await ledger.sums({ project: '/elsewhere' })).toEqual([]);
      await ledger.close();
    });

    it('puts the difference of a learnt price on the line that was priced', async () => {
      const ledger = create();
      await ledger.reserve(call('1', 0n, [], { lines: [{ tool: 'Bash', endpoint: 'free.example/', amount: 0n, requests: 1 }, { tool: 'Bash', endpoint: 'api.openai.com/v1', amount: 90n, requests: 1 }] }));
      await ledger.post('1', 2_000, 31n);
      expect(await ledger.sums({ all: true })).toContainEqual(expect.objectContaining({ endpoint: 'api.openai.com/v1', amount: 31n }));
      await ledger.close();
    });

    it('sets a mark once', async () => {
      const ledger = create();
      expect(await ledger.mark('alert:session:s1', 1)).toBe(true);
      expect(await ledger.mark('alert:session:s1', 2)).toBe(false);
      await ledger.close();
    });

    const cheque = (key: string, extra: Partial<Cheque> = {}): Cheque => ({ key, network: 'eip155:84532', asset: '0xa', from: '0xf', payTo: '0xp', amount: 60n, nonce: `0x${key}`, validBefore: 1_700_000_000, resource: 'https://a.example/', at: 1_500, ...extra });
    const settled = (key: string) => call(key, 60n, [scope('session:s1', 1_000n)], { kind: 'settled' });

    it('lets one signature leave for a reservation, and none without', async () => {
      const ledger = create();
      expect(await ledger.signed(cheque('1'))).toBe(false);
      await ledger.reserve(settled('1'));
      expect(await ledger.signed(cheque('1'))).toBe(true);
      expect(await ledger.signed(cheque('1', { nonce: '0xother' }))).toBe(false);
      await ledger.post('1', 2_000);
      expect(await ledger.signed(cheque('1', { nonce: '0xlater' }))).toBe(false);
      await ledger.close();
    });

    it('keeps a cheque uncashed until its reservation has an end, held ones too, oldest first', async () => {
      const ledger = create();
      for (const [index, key] of ['1', '2', '3'].entries()) {
        await ledger.reserve(settled(key));
        await ledger.signed(cheque(key, { at: 3_000 - index }));
      }
      await ledger.hold('1', 4_000, 'no answer');
      await ledger.post('2', 4_000, undefined, '0xtx');
      expect(await ledger.uncashed()).toEqual([cheque('3', { at: 2_998 }), cheque('1', { at: 3_000 })]);
      await ledger.close();
    });

    it('gives a receipt for every cheque, newest first, with who asked, what became of it and the proof', async () => {
      const ledger = create();
      for (const [index, key] of ['1', '2', '3', '4'].entries()) {
        await ledger.reserve(settled(key));
        await ledger.signed(cheque(key, { at: 3_000 + index }));
      }
      await ledger.post('1', 4_000, undefined, '0xtx');
      await ledger.void('2', 4_000, 'expired');
      await ledger.hold('3', 4_000, 'no answer');
      const receipts = await ledger.receipts({ session: 's1' }, 10);
      expect(receipts.map(({ key, state, proof }) => [key, state, proof])).toEqual([['4', 'open', null], ['3', 'held', null], ['2', 'void', 'expired'], ['1', 'posted', '0xtx']]);
      expect(receipts[0]).toEqual({ ...cheque('4', { at: 3_003 }), origin, tool: 'Bash', endpoint: 'api.tavily.com/search', state: 'open', proof: null });
      expect(await ledger.receipts({ since: 3_001, until: 3_003 }, 1)).toMatchObject([{ key: '3' }]);
      expect(await ledger.receipts({ session: 's2' }, 10)).toEqual([]);
      await ledger.close();
    });

    it('law: whatever happens in whatever order, no cap is passed by reservations and every balance is the fold of its calls', async () => {
      const step = fc.oneof(
        fc.record({ do: fc.constant('reserve' as const), key: fc.integer({ min: 0, max: 12 }), amount: fc.bigInt({ min: 0n, max: 60n }) }),
        fc.record({ do: fc.constantFrom('post' as const, 'void' as const, 'hold' as const), key: fc.integer({ min: 0, max: 12 }), amount: fc.constant(0n) }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
          const ledger = create();
          const LIMIT = 100n;
          const expected = new Map<number, { amount: bigint; state: string }>();
          const outcomes = await Promise.all(
            steps.map((one) => {
              const key = String(one.key);
              if (one.do === 'reserve') return ledger.reserve(call(key, one.amount, [scope('cap', LIMIT), scope('wide', null)]));
              if (one.do === 'post') return ledger.post(key, 2_000);
              return ledger[one.do](key, 2_000, 'law');
            }),
          );
          steps.forEach((one, index) => {
            const outcome = outcomes[index]!;
            if (one.do === 'reserve') {
              if (typeof outcome === 'object' && outcome.outcome === 'reserved') expected.set(one.key, { amount: one.amount, state: 'reserved' });
            } else if (outcome === true) expected.get(one.key)!.state = one.do;
          });
          const sum = (...states: string[]) => [...expected.values()].filter((entry) => states.includes(entry.state)).reduce((total, entry) => total + entry.amount, 0n);
          const balance = { posted: sum('post'), reserved: sum('reserved'), held: sum('hold') };
          expect(await ledger.balances(['cap', 'wide'])).toEqual([balance, balance]);
          expect(counted(balance) <= LIMIT).toBe(true);
          await ledger.close();
        }),
        { numRuns: 150 },
      );
    });
  });
}
