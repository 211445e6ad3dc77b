import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type PricedApi, startPricedApi } from './priced-api.ts';
import { marker, type Scripts } from './script.ts';
import { agent, type Stage } from './stage.ts';
import { staged } from './staged.ts';

/**
 * The client's own Bash sandbox, for real: bubblewrap, socat and ripgrep, and a kernel that lets a program make a
 * namespace. What runs in it has no network but the way to pag0.
 */
const { stage, closing } = staged();

const missing = whatIsMissing();
const sandboxed = it.skipIf(missing !== null);

function whatIsMissing(): string | null {
  if (process.platform !== 'linux') return 'written for the sandbox of Linux';
  for (const program of ['bwrap', 'socat', 'rg']) if (spawnSync(program, ['--version']).error !== undefined) return `${program} is not installed`;
  const { status } = spawnSync('bwrap', ['--ro-bind', '/', '/', '--dev', '/dev', '--unshare-net', '--unshare-pid', '--proc', '/proc', 'true']);
  return status === 0 ? null : 'the kernel lets nobody make a namespace here';
}

const SANDBOX = { enabled: true, allowUnsandboxedCommands: false };
const bash = (command: string, more: object = {}) => ({ name: 'Bash', input: { command, ...more } });
/** Says whether it runs in the sandbox, and where that leads. */
const python = (url: string) => bash(`echo "leads to \${CLAUDE_CODE_HOST_HTTP_PROXY_PORT-the open}"; python3 -c 'import urllib.request as u; print(u.urlopen("${url}").read().decode())'`);

interface Street {
  s: Stage;
  seller: PricedApi;
  settings(network: object): { settings: object };
}

/** A seller at an address that the sandbox's own exceptions do not name: every request has to go through the proxy. */
async function street(scripts: (seller: PricedApi, s: Stage) => Scripts, config: object = {}): Promise<Street> {
  const seller = closing(await startPricedApi('127.0.0.2'));
  const s = await stage('$0.02', (here) => scripts(seller, here), { prices: [{ endpoint: `127.0.0.2:${seller.port}/*`, price: '$0.10' }], cache: { enabled: true }, ...config });
  return { s, seller, settings: (network) => ({ settings: { sandbox: { ...SANDBOX, network } } }) };
}

const OURS = { httpProxyPort: 4402, allowedDomains: ['127.0.0.2'] };

describe(missing === null ? "in the client's sandbox" : `in the client's sandbox (not seen here: ${missing})`, () => {
  sandboxed('a program that knows nothing of pag0 is charged to the agent whose Bash started it, and the second one is a hit', async () => {
    const { s, seller, settings } = await street((shop) => ({
      lead: [[agent('general-purpose', 'one')], [agent('general-purpose', 'two')], 'Both have it.'],
      ...Object.fromEntries(['one', 'two'].map((name) => [name, [[python(`${shop.url}/docs/guide`)], 'Read.']])),
    }));
    const session = await s.session(marker('lead'), settings(OURS));
    expect(session.result?.result).toBe('Both have it.');
    expect(JSON.stringify(s.model.requests)).toContain('leads to 4402');
    expect(seller.count('/docs/guide')).toBe(1);
    const report = await s.report();
    expect(report).toMatchObject({ totalCost: '100000', totalRequests: 2, cacheSavings: '100000' });
    expect(report.byAgent.filter((one) => one.id !== 'main').map(({ cost, requests }) => ({ cost, requests })).sort((a, b) => Number(b.cost) - Number(a.cost))).toEqual([
      { cost: '100000', requests: 1 },
      { cost: '0', requests: 1 },
    ]);
  });

  sandboxed('agents at work at once are each charged for their own, by what their commands say of themselves', async () => {
    const names = ['a', 'b', 'c'];
    const { s, seller, settings } = await street((shop) => ({
      lead: [names.map((name) => agent('general-purpose', name)), 'All have it.'],
      ...Object.fromEntries(names.map((name, index) => [name, [[bash(`for n in $(seq ${index + 1}); do curl -s ${shop.url}/${name}/$n; done; sleep 1`)], 'Read.']])),
    }));
    const session = await s.session(marker('lead'), settings(OURS));
    expect(session.result?.result).toBe('All have it.');
    expect(seller.count()).toBe(6);
    const report = await s.report();
    expect(report.byAgent.filter((one) => one.id !== 'main').map((one) => one.cost).sort()).toEqual(['100000', '200000', '300000']);
  });

  sandboxed('what the settings allow passes, and nothing else: by curl, by others, over TLS', async () => {
    const { s, seller, settings } = await street((shop, here) => ({
      work: [
        [bash('curl -s http://elsewhere.example.com/x')],
        [bash('curl -s https://elsewhere.example.com/x')],
        [python('http://elsewhere.example.com/x')],
        [bash(`curl -s ${shop.url}/a; echo; curl -s -H 'Host: 127.0.0.2' http://127.0.0.3:${shop.port}/b`)],
        [bash('echo "$CLAUDE_CODE_HOST_HTTP_PROXY_PORT $http_proxy $SSL_CERT_FILE"; head -c 27 "$SSL_CERT_FILE"')],
        [bash(`NO_PROXY= no_proxy= curl -s http://localhost:${here.seller.port}/c`)],
        'Done.',
      ],
    }));
    const session = await s.session(marker('work'), settings({ ...OURS, deniedDomains: ['localhost'] }));
    const results = session.toolCalls.map(({ result }) => result ?? '');
    for (const index of [0, 1]) expect(results[index]).toContain('elsewhere.example.com is not among the 1 in the sandbox\'s `allowedDomains`');
    expect(results[2]).toContain('HTTP Error 403');
    expect(results[3]).toContain('"path":"/a"');
    expect(results[3]).toContain('127.0.0.3 is not among the 1');
    // Its own way out, and our word whom to trust there, in a file that can be read from inside.
    expect(results[4]).toMatch(/^4402 http:\/\/session-[\w-]+\.t[\d-]+:[\w-]+@localhost:3128 .*\/\.pag0\/ca\/.*\n-----BEGIN CERTIFICATE-----/);
    expect(results[5]).toContain("the sandbox's settings deny localhost");
    expect([seller.count(), s.seller.count()]).toEqual([1, 0]);
    expect(await s.report()).toMatchObject({ totalCost: '100000', totalRequests: 1 });
  });

  sandboxed('nobody speaks to the daemon itself, which would ask others in their place or take them for the client', async () => {
    const post = `import socket as s
for t in ("/hook", "http://127.0.0.1:%d/hook" % (4400 + 2), "/v1/quote"):
  c = s.create_connection(("localhost", 3128)); c.sendall(("POST %s HTTP/1.1\\r\\nHost: 127.0.0.1:%d\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\n{}" % (t, 4400 + 2)).encode()); print(c.makefile().read())`;
    const { s, settings } = await street(() => ({ work: [[bash(`python3 -c '${post}'`)], 'Done.'] }));
    const session = await s.session(marker('work'), settings(OURS));
    expect(session.toolCalls[0]?.result?.match(/HTTP\/1.1 403|"FORBIDDEN"/g)).toEqual(['HTTP/1.1 403', '"FORBIDDEN"', 'HTTP/1.1 403', '"FORBIDDEN"', 'HTTP/1.1 403', '"FORBIDDEN"']);
  });

  sandboxed('it is one word of a person that leads it here, and an agent cannot say it', async () => {
    const { s, seller } = await street((shop) => ({ work: [[bash('pag0 setup --undo')], [python(`${shop.url}/a`)], 'Done.'] }));
    const file = join(s.workspace.home, '.claude', 'settings.json');
    await mkdir(dirname(file));
    await writeFile(file, JSON.stringify({ sandbox: { ...SANDBOX, network: { allowedDomains: ['127.0.0.2'] } } }));
    expect(await s.pag0('setup', '--yes')).toContain('sandbox.network.httpProxyPort is 4402');
    const session = await s.session(marker('work'));
    expect(session.toolCalls[0]?.result).toContain('PERSON_REQUIRED');
    expect(session.toolCalls[1]).toMatchObject({ isError: false, result: expect.stringMatching(/^leads to 4402\n.*"path":"\/a"/) as string });
    expect(seller.count()).toBe(1);
    expect(await s.report()).toMatchObject({ totalCost: '100000', totalRequests: 1 });
    expect(JSON.parse(await s.pag0('setup', '--json'))).toMatchObject({ sandbox: { leadsHere: true, enabled: true } });
  });

  sandboxed('a command that may leave it is charged all the same, and is not held to its domains', async () => {
    const { s, seller, settings } = await street((shop) => ({ work: [[bash(`echo "[\${CLAUDE_CODE_HOST_HTTP_PROXY_PORT-}]"; curl -s ${shop.url}/a`, { dangerouslyDisableSandbox: true })], 'Done.'] }));
    const { settings: inside } = settings({ httpProxyPort: 4402, allowedDomains: ['nowhere.example.com'] }) as { settings: { sandbox: object } };
    const session = await s.session(marker('work'), { settings: { sandbox: { ...inside.sandbox, allowUnsandboxedCommands: true } } });
    expect(session.toolCalls[0]?.result).toMatch(/^\[\]\n\{"ok":true/);
    expect(seller.count()).toBe(1);
    expect(await s.report()).toMatchObject({ totalCost: '100000', totalRequests: 1 });
  });

  sandboxed("curl works when the sandbox leads elsewhere, and is charged by the command's text", async () => {
    const { s, seller, settings } = await street((shop) => ({ work: [[bash(`curl -s ${shop.url}/a`)], 'Done.'] }));
    const session = await s.session(marker('work'), settings({ allowedDomains: ['127.0.0.2'] }));
    expect(session.toolCalls[0]).toMatchObject({ isError: false, result: expect.stringContaining('"path":"/a"') as string });
    expect(seller.count()).toBe(1);
    expect(await s.report()).toMatchObject({ totalCost: '100000', totalRequests: 1 });
  });

  sandboxed('while the daemon is gone nothing gets out uncounted: the call finds it started again', async () => {
    const { s, seller, settings } = await street((shop, here) => ({
      work: [
        [bash('true')],
        async () => {
          await here.killDaemon();
          return [python(`${shop.url}/a`)];
        },
        'Done.',
      ],
    }));
    const session = await s.session(marker('work'), settings(OURS));
    expect(session.toolCalls[1]?.isError).toBe(false);
    expect(seller.count()).toBe(1);
    expect(await s.report()).toMatchObject({ totalCost: '100000', totalRequests: 1 });
  });
});
