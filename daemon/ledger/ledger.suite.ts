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

    it('keeps what shadow mode let pass apart from what was posted and refused, by code, and what it left unpaid with its amount', async () => {
      const ledger = create();
      const row = { origin, tool: 'Bash', endpoint: 'api.tavily.com/search', requests: 1, at: 2_000 };
      ledger.note({ ...row, what: 'shadow', code: 'SESSION_BUDGET_EXCEEDED' });
      ledger.note({ ...row, what: 'shadow', code: 'SESSION_BUDGET_EXCEEDED', requests: 2 });
      ledger.note({ ...row, what: 'shadow', saved: 30n });
      const sums = await ledger.sums({ session: 's1' });
      expect(sums).toHaveLength(2);
      expect(sums).toContainEqual(expect.objectContaining({ what: 'shadow', code: 'SESSION_BUDGET_EXCEEDED', requests: 3, amount: 0n }));
      expect(sums).toContainEqual(expect.objectContaining({ what: 'shadow', code: null, requests: 1, amount: 30n }));
      expect(await ledger.balances(['session:s1'])).toEqual([{ posted: 0n, reserved: 0n, held: 0n }]);
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

    const cheque = (key: string, extra: Partial<Cheque> = {}): Cheque => ({ key, network: 'eip155:84532', asset: '0xa', from: '0xf', payTo: '0xp', amount: 60n, nonce: `0x${key}`, validBefore: 1_700_000_000, resource: 'https://a.example/', request: `q${key}`, agreed: false, at: 1_500, ...extra });
    const settled = (key: string) => call(key, 60n, [scope('session:s1', 1_000n)], { kind: 'settled' });
    const pay = async (ledger: Ledger, key: string, extra: Partial<Cheque> = {}): Promise<Cheque> => {
      const written = cheque(key, extra);
      await ledger.reserve(settled(key));
      expect(await ledger.signed(written)).toBe(true);
      return written;
    };

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

    it('gives back what was never signed, and never what was', async () => {
      const ledger = create();
      for (const key of ['1', '2']) await ledger.reserve(settled(key));
      await ledger.signed(cheque('2'));
      expect([await ledger.voidUnsigned('1', 2_000, 'it was never signed'), await ledger.voidUnsigned('2', 2_000, 'it was never signed'), await ledger.voidUnsigned('3', 2_000, 'unknown')]).toEqual([true, false, false]);
      expect((await ledger.open({ session: 's1' })).map(({ key, signed }) => [key, signed])).toEqual([['2', true]]);
      expect(await ledger.signed(cheque('1'))).toBe(false);
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
      expect(receipts[0]).toEqual({ ...cheque('4', { at: 3_003 }), origin, tool: 'Bash', endpoint: 'api.tavily.com/search', state: 'open', proof: null, answered: false });
      expect(await ledger.receipts({ since: 3_001, until: 3_003 }, 1)).toMatchObject([{ key: '3' }]);
      expect(await ledger.receipts({ session: 's2' }, 10)).toEqual([]);
      await ledger.close();
    });

    it('says on a receipt which request it paid, whether a person agreed, and whether what it bought has come', async () => {
      const ledger = create();
      await pay(ledger, '1', { request: 'q', agreed: true });
      await pay(ledger, '2', { request: 'q', at: 1_600 });
      await ledger.answered('2', 2_000);
      expect((await ledger.receipts({ all: true }, 10)).map(({ key, request, agreed, answered }) => [key, request, agreed, answered])).toEqual([['2', 'q', false, true], ['1', 'q', true, false]]);
      await ledger.close();
    });

    it('tells of what is open which kind of money it is, and whether it has a cheque', async () => {
      const ledger = create();
      await ledger.reserve(call('1', 5n, []));
      await ledger.reserve(settled('2'));
      await pay(ledger, '3');
      await ledger.hold('3', 2_000, 'no answer');
      expect((await ledger.open({ session: 's1' })).map(({ key, kind, signed, held }) => [key, kind, signed, held])).toEqual([['1', 'billed', false, false], ['2', 'settled', false, false], ['3', 'settled', true, true]]);
      expect((await ledger.open({ session: 's1', kind: 'settled' })).map(({ key }) => key)).toEqual(['2', '3']);
      await ledger.close();
    });

    it('takes one that waits for proof for lost, though the clock has gone back since an answered one', async () => {
      const ledger = create();
      await pay(ledger, '1', { at: 9_000 });
      await Promise.all([ledger.post('1', 9_000), ledger.answered('1', 9_000)]);
      const second = await pay(ledger, '2', { at: 5_000, request: 'q1' });
      expect(await ledger.lost('q1')).toEqual({ cheque: second, posted: false });
    });

    it('takes what a cheque bought for lost until it has come: open, held or posted, and never when it is void', async () => {
      const ledger = create();
      expect(await ledger.lost('q1')).toBeNull();
      const written = await pay(ledger, '1');
      expect(await ledger.lost('q1')).toEqual({ cheque: written, posted: false });
      await ledger.hold('1', 2_000, 'no answer');
      expect(await ledger.lost('q1')).toEqual({ cheque: written, posted: false });
      await ledger.post('1', 3_000, undefined, '0xtx');
      expect(await ledger.lost('q1')).toEqual({ cheque: written, posted: true });
      await ledger.answered('1', 4_000);
      expect(await ledger.lost('q1')).toBeNull();
      await pay(ledger, '2');
      await ledger.void('2', 2_000, 'expired');
      expect(await ledger.lost('q2')).toBeNull();
      await ledger.close();
    });

    it('knows an answer at once that came in the same turn as the end of its reservation, whichever is said first', async () => {
      const ledger = create();
      for (const key of ['1', '2', '3']) await pay(ledger, key);
      const said = [ledger.post('1', 2_000), ledger.answered('1', 2_000), ledger.answered('2', 2_000), ledger.post('2', 2_000), ledger.hold('3', 2_000, 'no proof'), ledger.answered('3', 2_000)];
      expect(await Promise.all(['q1', 'q2', 'q3'].map((request) => ledger.lost(request)))).toEqual([null, null, null]);
      await Promise.all(said);
      expect((await ledger.receipts({ all: true }, 10)).map(({ key, state, answered }) => [key, state, answered])).toEqual([['3', 'held', true], ['2', 'posted', true], ['1', 'posted', true]]);
      await ledger.close();
    });

    it('hears of an answer once, however often it is said, and of none for a call without a cheque', async () => {
      const ledger = create();
      await pay(ledger, '1');
      await ledger.answered('1', 2_000);
      await ledger.answered('1', 3_000);
      await ledger.reserve(settled('2'));
      await ledger.answered('2', 2_000);
      await ledger.answered('nobody', 2_000);
      expect(await ledger.signed(cheque('2'))).toBe(true);
      expect((await ledger.receipts({ all: true }, 10)).map(({ key, answered }) => [key, answered])).toEqual([['2', false], ['1', true]]);
      await ledger.close();
    });

    it('goes by the newest cheque of a request that is not void', async () => {
      const ledger = create();
      await pay(ledger, '1', { request: 'a', at: 1_000 });
      await ledger.void('1', 1_100, 'expired');
      const second = await pay(ledger, '2', { request: 'a', at: 2_000 });
      expect(await ledger.lost('a')).toEqual({ cheque: second, posted: false });

      const third = await pay(ledger, '3', { request: 'b', at: 1_000 });
      await ledger.post('3', 1_100);
      await pay(ledger, '4', { request: 'b', at: 2_000 });
      await ledger.void('4', 2_100, 'expired');
      expect(await ledger.lost('b')).toEqual({ cheque: third, posted: true });
      await pay(ledger, '5', { request: 'b', at: 3_000 });
      await ledger.post('5', 3_100);
      await ledger.answered('5', 3_100);
      expect(await ledger.lost('b')).toBeNull();
      const sixth = await pay(ledger, '6', { request: 'b', at: 3_000 });
      expect(await ledger.lost('b')).toEqual({ cheque: sixth, posted: false });
      await ledger.close();
    });

    it('holds an endpoint to its first posted payment, and from then on to the last one a person agreed to', async () => {
      const ledger = create();
      const ENDPOINT = 'api.tavily.com/search';
      const post = async (key: string, extra: Partial<Cheque>) => {
        await pay(ledger, key, extra);
        await ledger.post(key, 2_000);
        return await ledger.terms(ENDPOINT);
      };
      expect(await ledger.terms(ENDPOINT)).toBeNull();
      expect(await post('1', { amount: 10n, payTo: '0xb' })).toEqual({ amount: 10n, payTo: '0xb' });
      expect(await post('2', { amount: 20n, payTo: '0xc' })).toEqual({ amount: 10n, payTo: '0xb' });
      expect(await post('3', { amount: 30n, payTo: '0xc', agreed: true })).toEqual({ amount: 30n, payTo: '0xc' });
      expect(await post('4', { amount: 40n, payTo: '0xd' })).toEqual({ amount: 30n, payTo: '0xc' });
      expect(await post('5', { amount: 50n, payTo: '0xd', agreed: true })).toEqual({ amount: 50n, payTo: '0xd' });
      expect(await ledger.terms('api.tavily.com/extract')).toBeNull();
      await ledger.close();
    });

    it('holds an endpoint to nothing that was never cashed or had no cheque', async () => {
      const ledger = create();
      const ENDPOINT = 'api.tavily.com/search';
      await pay(ledger, '1', { agreed: true });
      await ledger.void('1', 2_000, 'expired');
      await ledger.reserve(call('2', 60n, []));
      await ledger.post('2', 2_000);
      await ledger.reserve(settled('3'));
      await ledger.post('3', 2_000);
      await pay(ledger, '4', { agreed: true });
      await ledger.hold('4', 2_000, 'no answer');
      expect(await ledger.terms(ENDPOINT)).toBeNull();
      await ledger.post('4', 3_000, undefined, '0xtx');
      expect(await ledger.terms(ENDPOINT)).toEqual({ amount: 60n, payTo: '0xp' });
      await pay(ledger, '5', { agreed: true, amount: 70n });
      await ledger.void('5', 3_000, 'expired');
      expect(await ledger.terms(ENDPOINT)).toEqual({ amount: 60n, payTo: '0xp' });
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
