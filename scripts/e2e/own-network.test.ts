import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startOwnProxy } from './own-proxy.ts';
import { startSecureApi } from './secure-api.ts';
import { marker } from './script.ts';
import type { Stage } from './stage.ts';
import { staged } from './staged.ts';

/** Networks as companies have them, seen through the real client: a CA that nobody else knows, a proxy that everything has to pass. */
const { stage, closing } = staged();

const bash = (command: string) => ({ name: 'Bash', input: { command } });
const urllib = (url: string) => `python3 -c 'import urllib.request as u; print(u.urlopen("${url}").read().decode().strip())'`;
const requests = (url: string) => `python3 -c 'import requests; r = requests.get("${url}"); r.raise_for_status(); print(r.text.strip())'`;
/** Whatever this machine says of certificates is none of a test's. */
const PYTHON = dirname(execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim());
const PATH = `${PYTHON}:${process.env['PATH'] ?? ''}`;

/** Two services of one company: the rules name one of them. */
async function company(commands: (priced: string, free: string, here: Stage) => readonly string[]) {
  const [priced, free] = [closing(await startSecureApi()), closing(await startSecureApi(undefined, '127.0.0.4'))];
  const s = await stage(
    '$0.02',
    (here) => ({ work: [...commands(priced.url, free.url, here).map((command) => [bash(command)]), 'Done.'] }),
    { prices: [{ endpoint: `127.0.0.2:${priced.port}/*`, price: '$0.10' }] },
  );
  // What they both trust, and nobody besides.
  const corp = join(s.workspace.home, 'corp.pem');
  await writeFile(corp, (await Promise.all([priced, free].map(({ caFile }) => readFile(caFile, 'utf8')))).join('\n'));
  const outcome = async (env: Record<string, string>) => {
    const session = await s.session(marker('work'), { env: { PATH, ...env }, timeoutMs: 80_000 });
    return session.toolCalls.map(({ result, isError }) => (isError ? `failed: ${result}` : (result?.trim() ?? '')));
  };
  return { s, priced, free, corp, outcome };
}

describe('whom a person has told programs to trust', () => {
  it('is trusted as before, and our CA with them, by each program and its own variable', { timeout: 180_000 }, async () => {
    const get = [
      (url: string) => urllib(url),
      (url: string) => `curl -sS ${url}/`,
      (url: string) => requests(url),
      (url: string) => `wget -qO- ${url}/`,
      (url: string) => `git ls-remote ${url}/g 2>&1 | grep -c "not valid: is this a git repository"`,
      (url: string) => `pip download -q --retries 0 --no-deps -d /nowhere -i ${url}/simple/ nothing 2>&1 | grep -o "No matching distribution"`,
      (url: string) => `npm view nothing --registry ${url}/ --fetch-retries 0 2>&1 | grep -oiE "self.signed|unable to|certificate" || echo reached`,
    ];
    const { s, corp, priced, free, outcome } = await company((priced, free) => get.flatMap((one) => [one(priced), one(free)]));
    await writeFile(join(s.workspace.home, '.wgetrc'), `ca_certificate = ${corp}\n`);
    const expected = ['untouched', 'untouched', 'untouched', 'untouched', '1', 'No matching distribution', 'reached'].flatMap((text) => [text, text]);
    const found = await outcome({ SSL_CERT_FILE: corp, REQUESTS_CA_BUNDLE: corp, GIT_SSL_CAINFO: corp, PIP_CERT: corp, NPM_CONFIG_CAFILE: corp, PIP_CONFIG_FILE: '/dev/null' });
    expect(found.map((text, at) => (expected[at] === '1' && Number(text) > 0 ? '1' : text))).toEqual(expected);
    expect(priced.paths.length).toBeGreaterThanOrEqual(7);
    expect(free.paths.length).toBeGreaterThanOrEqual(7);
    expect(Number((await s.report()).totalCost)).toBe(priced.paths.length * 100_000);
  });

  it("of git's own configuration holds at a priced host as at any other, with nothing in a variable", async () => {
    const { s, corp, priced, outcome } = await company((priced, free) => [`git ls-remote ${priced}/g 2>&1`, `git ls-remote ${free}/g 2>&1`]);
    await writeFile(join(s.workspace.home, '.gitconfig'), `[http]\n\tsslCAInfo = ${corp}\n`);
    for (const text of await outcome({})) expect(text).toContain('is this a git repository');
    expect(priced.paths).toEqual(['/g/info/refs?service=git-upload-pack']);
    expect(await s.report()).toMatchObject({ totalCost: '100000' });
  });

  it('is not more than they said: a host of somebody else is as unknown as before', async () => {
    const other = closing(await startSecureApi(undefined, '127.0.0.5'));
    const { corp, outcome } = await company(() => [urllib(other.url), `curl -sS ${other.url}/`]);
    const found = await outcome({ SSL_CERT_FILE: corp });
    expect(found[0]).toContain('CERTIFICATE_VERIFY_FAILED');
    expect(found[1]).toContain('(60)');
    expect(other.paths).toEqual([]);
  });
});

describe("a person's own proxy", () => {
  it('is gone by as before, by tunnels and by requests that are looked at, and what is priced is counted', { timeout: 120_000 }, async () => {
    const proxy = closing(await startOwnProxy());
    const { s, corp, priced, free, outcome } = await company((priced, free, { seller }) => [
      `curl -sS ${priced}/a`,
      `curl -sS ${free}/b`,
      urllib(`${priced}/c`),
      `curl -sS http://127.0.0.6:${seller.port}/plain`,
      urllib(`http://127.0.0.6:${seller.port}/plain`),
      'echo "$HTTPS_PROXY" | sed "s/.*@//"',
    ]);
    const found = await outcome({ SSL_CERT_FILE: corp, HTTPS_PROXY: proxy.url, http_proxy: proxy.url });
    expect(found.slice(0, 3)).toEqual(['untouched', 'untouched', 'untouched']);
    expect(found[5]).toBe('127.0.0.1:4402');
    expect(proxy.refused()).toBe(0);
    expect(proxy.seen).toEqual(expect.arrayContaining([`CONNECT ${new URL(priced.url).host}`, `CONNECT ${new URL(free.url).host}`, `GET http://127.0.0.6:${s.seller.port}/plain`]));
    expect([priced.paths, free.paths]).toEqual([['/a', '/c'], ['/b']]);
    expect(await s.report()).toMatchObject({ totalCost: '200000', totalRequests: 2 });
    // Nothing of the way to us is shown to it, and its password lies nowhere as it is.
    expect(JSON.stringify(proxy.fields)).not.toMatch(/session-/);
    const folder = join(s.pag0Home, 'environment');
    expect(execFileSync('grep', ['-rlE', 'p(@|%40)ss', folder], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] , }).trim()).toBe('');
  });

  it('that denies a host denies it in its own words, and what it excepts goes past it', async () => {
    const denied = '127.0.0.4:9';
    const proxy = closing(await startOwnProxy(denied));
    const { corp, priced, outcome, s } = await company((priced) => [`curl -sS https://${denied}/; echo "exit $?"`, `curl -sSv https://${denied}/ 2>&1 | grep -i x-corp`, `curl -sS ${priced}/a`]);
    const found = await outcome({ SSL_CERT_FILE: corp, HTTPS_PROXY: proxy.url, NO_PROXY: '127.0.0.2' });
    expect(found[0]).toContain('exit 56');
    expect(found[0]).toContain('403');
    expect(found[2]).toBe('untouched');
    expect(proxy.seen).toContain(`CONNECT ${denied}`);
    expect(proxy.seen.filter((one) => one.includes('127.0.0.2'))).toEqual([]);
    expect(priced.paths).toEqual(['/a']);
    expect(await s.report()).toMatchObject({ totalCost: '100000' });
  });

  it('of a kind that cannot be passed on to is left alone, and said so at the start', async () => {
    const { outcome, s } = await company(() => ['echo "[${http_proxy-}] [${ALL_PROXY-}]"']);
    const session = await s.session(marker('work'), { env: { PATH, ALL_PROXY: 'socks5h://me:secret@127.0.0.3:1080', NO_PROXY: '127.0.0.1' } });
    expect(session.toolCalls[0]?.result).toBe('[] [socks5h://me:secret@127.0.0.3:1080]');
    expect(JSON.stringify(session.hookEvents)).toContain('your proxy socks5h://127.0.0.3:1080, which pag0 cannot pass requests on to');
    void outcome;
  });
});

describe('a Node that uses no proxy', () => {
  it.skipIf(Number(process.versions.node.split('.')[0]) >= 24)('is named where rules name hosts, once, and nowhere else', async () => {
    const { s } = await company(() => ['true']);
    const session = await s.session(marker('work'), { env: { PATH } });
    expect(JSON.stringify(session.hookEvents).match(/neither seen nor counted/g)?.length ?? 0).toBeGreaterThanOrEqual(1);
    await mkdir(s.pag0Home, { recursive: true });
    await writeFile(join(s.pag0Home, 'config.json'), '{}');
    const again = await s.session(marker('work'), { env: { PATH } });
    expect(JSON.stringify(again.hookEvents)).not.toContain('neither seen nor counted');
  });
});
