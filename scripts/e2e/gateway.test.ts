import { describe, expect, it } from 'vitest';
import { marker } from './script.ts';
import { agent } from './stage.ts';
import { staged } from './staged.ts';

/** What the gateway adds, seen through the real client: real curl, a real seller that counts. */
const { stage } = staged();

const bash = (command: string) => ({ name: 'Bash', input: { command } });

describe('the shared cache', () => {
  it('answers five subagents that ask for one $0.10 document at once with one request, and a second round with none', async () => {
    const readers = ['r1', 'r2', 'r3', 'r4', 'r5'];
    const s = await stage(
      '$0.10',
      (here) => ({
        lead: [readers.map((name) => agent('general-purpose', name)), readers.map((name) => agent('general-purpose', `${name}-again`)), 'All have read it.'],
        ...Object.fromEntries(readers.flatMap((name) => [name, `${name}-again`]).map((name) => [name, [[here.curl('/docs/guide')], 'Read.']])),
      }),
      { cache: { enabled: true } },
    );
    const session = await s.session(marker('lead'));
    expect(session.result?.result).toBe('All have read it.');
    expect(s.seller.count('/docs/guide')).toBe(1);
    const report = await s.report();
    expect(report).toMatchObject({ totalCost: '100000', totalRequests: 10, cacheHitRate: 0.9, cacheSavings: '900000' });
    // Their commands are equal and run at once, so nobody can tell whose was first: it is charged to what is above them all.
    const charged = report.byAgent.filter((one) => one.cost !== '0');
    expect(charged.map(({ cost }) => cost)).toEqual(['100000']);
    // Every one of them has the document in hand.
    expect(JSON.stringify(s.model.requests).split('\\"path\\":\\"/docs/guide\\"').length - 1).toBeGreaterThanOrEqual(10);
  });

  it('makes the use case’s session of $4.60 cost $2.90 or less, by the report and by the seller’s own count', async () => {
    const post = (path: string, ask: string) => `curl -s -X POST http://127.0.0.1:$SELLER${path} -H 'content-type: application/json' -d '${ask}'`;
    const s = await stage(
      '$0.02',
      (here) => {
        const seller = (command: string) => bash(command.replaceAll('$SELLER', String(here.seller.port)));
        return {
          work: [
            [seller(`for q in $(seq 15) $(seq 15); do curl -s "http://127.0.0.1:$SELLER/search?q=$q"; done`)],
            [seller(`for n in $(seq 16) $(seq 9); do ${post('/v1/chat/completions', `{"model":"m","messages":[{"role":"user","content":"'$n'"}]}`)}; done`)],
            [seller(`for t in a b a b a; do ${post('/translate', `{"text":"'$t'"}`)}; done`)],
            'Done.',
          ],
        };
      },
      (port) => ({
        prices: [
          { endpoint: `127.0.0.1:${port}/search`, price: '$0.02' },
          { endpoint: `127.0.0.1:${port}/v1/chat/completions`, price: '$0.15' },
          { endpoint: `127.0.0.1:${port}/translate`, price: '$0.05' },
        ],
        cache: { enabled: true, reuse: [{ endpoint: `127.0.0.1:${port}/*`, method: 'POST' }] },
      }),
    );
    const session = await s.session(marker('work'));
    expect(session.result?.result).toBe('Done.');
    const report = await s.report();
    expect(report.totalRequests).toBe(60);
    expect([s.seller.count('/search'), s.seller.count('/v1/chat/completions'), s.seller.count('/translate')]).toEqual([15, 16, 2]);
    expect(report.totalCost).toBe('2800000');
    expect(BigInt(report.totalCost) + BigInt(report.cacheSavings)).toBe(4_600_000n);
    expect(Number(report.cacheSavings) / 4_600_000).toBeGreaterThanOrEqual(0.37);
  });
});

describe('a command', () => {
  it('charges every request of a loop whose length nobody knew, and refuses those that do not fit', async () => {
    const s = await stage('$0.02', (here) => ({ loop: [[bash(`seq 5 > numbers; for n in $(cat numbers); do curl -s "http://127.0.0.1:${here.seller.port}/search?q=$n"; done`)], 'Done.'] }), { policy: { sessionBudget: '$0.07' } });
    const session = await s.session(marker('loop'));
    expect(s.seller.count('/search')).toBe(3);
    expect(session.toolCalls[0]?.result).toContain('SESSION_BUDGET_EXCEEDED');
    expect(await s.report()).toMatchObject({ totalCost: '60000', totalRequests: 3, refused: { total: 2 } });
  });

  it('keeps what the command does: its output file, its format, its exit code, its pipe', async () => {
    const s = await stage('$0.02', (here) => {
      const url = `http://127.0.0.1:${here.seller.port}`;
      return { shapes: [[bash(`curl -s -o out.json -w '%{http_code}\\n' ${url}/search?q=1 && cat out.json | head -c 20; curl -sf ${url}/status/500; echo "exit $?"`)], 'Done.'] };
    });
    const session = await s.session(marker('shapes'));
    expect(session.toolCalls[0]?.result).toMatch(/^200\n\{"query":"1"/);
    expect(session.toolCalls[0]?.result).toContain('exit 22');
    expect(await s.report()).toMatchObject({ totalCost: '40000', totalRequests: 2 });
  });
});
