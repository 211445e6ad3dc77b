import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeFolder } from './node.ts';
import { startSecureApi } from './secure-api.ts';
import { marker } from './script.ts';
import { agent } from './stage.ts';
import { staged } from './staged.ts';

/** The environment of a session, seen through the real client: programs that know nothing of pag0, each as it comes. */
const { stage, closing } = staged();

const bash = (command: string) => ({ name: 'Bash', input: { command } });
const python = (url: string) => bash(`python3 -c 'import urllib.request as u; print(u.urlopen("${url}").read().decode())'`);
const CACHED = { cache: { enabled: true } };
const SHOW = bash('echo "[${http_proxy-}] [${SSL_CERT_FILE-}]"');

describe("a session's environment", () => {
  it("charges Python's requests to the agent whose Bash made them, and answers the second agent from what the first one paid for", async () => {
    const s = await stage('$0.10', (here) => ({ lead: [[agent('general-purpose', 'one')], [agent('general-purpose', 'two')], 'Both have it.'], ...Object.fromEntries(['one', 'two'].map((name) => [name, [[python(`${here.seller.url}/docs/guide`)], 'Read.']])) }), CACHED);
    const session = await s.session(marker('lead'));
    expect(session.result?.result).toBe('Both have it.');
    expect(JSON.stringify(s.model.requests).split('\\"path\\":\\"/docs/guide\\"').length - 1).toBeGreaterThanOrEqual(2);
    expect(s.seller.count('/docs/guide')).toBe(1);
    const report = await s.report();
    expect(report).toMatchObject({ totalCost: '100000', totalRequests: 2, cacheHitRate: 0.5, cacheSavings: '100000' });
    expect(report.byAgent.filter((one) => one.id !== 'main').map(({ cost, requests, parent }) => ({ cost, requests, parent: parent?.agent })).sort((a, b) => Number(b.cost) - Number(a.cost))).toEqual([
      { cost: '100000', requests: 1, parent: 'main' },
      { cost: '0', requests: 1, parent: 'main' },
    ]);
  });

  it('refuses what does not fit with the numbers, in a program that reads no hook', async () => {
    const s = await stage('$0.02', (here) => ({ spend: [[python(`${here.seller.url}/a`)], [python(`${here.seller.url}/b`)], 'End.'] }), { policy: { sessionBudget: '$0.03' } });
    const session = await s.session(marker('spend'));
    expect(session.toolCalls.map(({ isError }) => isError)).toEqual([false, true]);
    expect(session.toolCalls[1]?.result).toContain('HTTP Error 403');
    expect(s.seller.count()).toBe(1);
    expect(await s.report()).toMatchObject({ totalCost: '20000', refused: { total: 1 } });
  });

  it("charges the fetch of a Node that knows proxy variables, and a second one is a hit", { timeout: 300_000 }, async () => {
    const folder = await nodeFolder(24);
    const s = await stage('$0.10', (here) => {
      const fetch = bash(`node -e 'fetch("${here.seller.url}/docs/guide").then((r) => r.text()).then(console.log)'`);
      return { work: [[fetch], [fetch], 'Done.'] };
    }, CACHED);
    const session = await s.session(marker('work'), { env: { PATH: `${folder}:${process.env['PATH'] ?? ''}` } });
    for (const call of session.toolCalls) expect(call).toMatchObject({ isError: false, result: expect.stringContaining('/docs/guide') as string });
    expect(s.seller.count('/docs/guide')).toBe(1);
    expect(await s.report()).toMatchObject({ totalCost: '100000', totalRequests: 2, cacheSavings: '100000' });
  });

  it('is a blind tunnel to a host that no rule names, as git, pip and npm need it: nobody stands between', async () => {
    const far = await startSecureApi();
    closing(far);
    const program = `import os, ssl, urllib.request as u; print(u.getproxies()["https"].split("@")[1], u.proxy_bypass("127.0.0.2:${far.port}")); print(u.urlopen("${far.url}/simple/", context=ssl.create_default_context(cafile="${far.caFile}")).read().decode())`;
    const s = await stage('$0.10', () => ({ work: [[bash(`python3 -c '${program}'`)], 'Done.'] }));
    const session = await s.session(marker('work'));
    expect(session.toolCalls[0]?.result).toMatch(/^127\.0\.0\.1:4402 (0|False)\nuntouched/);
    expect(far.paths).toEqual(['/simple/']);
    expect(await s.report()).toMatchObject({ totalCost: '0', totalRequests: 0 });
  });

  it('is left alone when the person wants none', async () => {
    const s = await stage('$0.10', (here) => ({ work: [[SHOW], [python(`${here.seller.url}/a`)], 'Done.'] }), { gateway: { environment: false } });
    const session = await s.session(marker('work'));
    expect(session.toolCalls.map(({ result }) => result?.trim())).toEqual(['[] []', expect.stringContaining('"path":"/a"')]);
    expect(await s.report()).toMatchObject({ totalCost: '0', totalRequests: 0 });
  });

  it('is there again when the daemon was killed: the next call that names http starts it, and is metered', async () => {
    const s = await stage('$0.10', (here) => ({
      work: [
        [SHOW],
        [python(`${here.seller.url}/a`)],
        async () => {
          await here.killDaemon();
          return [SHOW];
        },
        [python(`${here.seller.url}/b`)],
        'Done.',
      ],
    }));
    const session = await s.session(marker('work'));
    const bundle = join(s.pag0Home, 'ca', 'bundle.pem');
    expect(session.toolCalls[0]?.result).toMatch(new RegExp(`^\\[http://session-.*@127\\.0\\.0\\.1:4402\\] \\[.*\\]`));
    expect(await readFile(bundle, 'utf8').catch(() => null)).not.toBeNull();
    expect(session.toolCalls.slice(1).map(({ result, isError }) => [isError, result?.trim()])).toEqual([
      [false, expect.stringContaining('"path":"/a"')],
      [false, expect.stringMatching(/^\[http:\/\/session-.*@127\.0\.0\.1:4402\]/)],
      [false, expect.stringContaining('"path":"/b"')],
    ]);
    expect(s.seller.count()).toBe(2);
    expect(await s.report()).toMatchObject({ totalCost: '200000', totalRequests: 2 });
  });
});
