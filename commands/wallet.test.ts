import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { homeAt, type Home } from '../daemon/contract/home.ts';
import { parseKeystore, unlock } from '../daemon/wallet/keystore.ts';
import { checksummed } from '../daemon/wallet/private-key.ts';
import { ADDRESS, PASSWORD, PBKDF2, SECRET } from '../daemon/wallet/vectors.fixture.ts';
import { answered, runWith, type Script } from './terminal.fixture.ts';

const root = mkdtempSync(join(tmpdir(), 'pag0-wallet-'));
afterAll(() => rmSync(root, { recursive: true }));
const fresh = (): Home => homeAt(mkdtempSync(join(root, 'home-')));
const SHOWN = checksummed(ADDRESS);
const GONE: Script = { '/v1/wallet': { kind: 'absent' } };
const AGENTS = [{ CLAUDECODE: '1' }, { CLAUDE_CODE_CHILD_SESSION: '1' }, { PAG0_PARENT_SESSION: 's1' }];

async function keyIn(home: Home, password: string): Promise<string | null> {
  const parsed = parseKeystore(readFileSync(home.walletFile, 'utf8'));
  const opened = parsed.ok ? await unlock(parsed.keystore, password) : null;
  return opened !== null && opened.ok ? opened.key : null;
}

function withWallet(): Home {
  const home = fresh();
  writeFileSync(home.walletFile, JSON.stringify({ ...PBKDF2, address: ADDRESS }), { mode: 0o600 });
  return home;
}

describe('pag0 wallet create', () => {
  it('makes a wallet that its password opens, readable by its owner alone, and prints the address and nothing else', async () => {
    const home = fresh();
    const ran = await runWith(['wallet', 'create'], {}, { home, interactive: true, secrets: ['a good password', 'a good password'] });
    expect(ran).toMatchObject({ exit: 0, out: expect.stringMatching(/^0x[0-9a-fA-F]{40}\n$/) as string, asked: [] });
    expect(ran.err).toMatch(/keep a copy of it.*Wallet password/);
    expect(statSync(home.walletFile).mode & 0o777).toBe(0o600);
    const key = await keyIn(home, 'a good password');
    expect(key).toMatch(/^0x[0-9a-f]{64}$/);
    expect(ran.out + ran.err).not.toContain(key!.slice(2));
  });

  it.each([
    [[], /there is no terminal to type a password at/],
    [[''], /no password was typed/],
    [['short'], /fewer than 8 characters/],
    [['long enough', 'long enouhg'], /the two passwords differ; begin again/],
  ])('makes nothing with the passwords %j', async (secrets, says) => {
    const home = fresh();
    const ran = await runWith(['wallet', 'create'], {}, { home, interactive: true, secrets });
    expect(ran).toMatchObject({ exit: 1, out: '', err: expect.stringMatching(says) as string });
    expect(readdirSync(home.dir)).toEqual([]);
  });

  it('asks nothing where there is a wallet, and sets it aside when it is told to', async () => {
    const home = withWallet();
    const former = readFileSync(home.walletFile, 'utf8');
    const refused = await runWith(['wallet', 'create'], {}, { home, interactive: true, secrets: ['a good password', 'a good password'] });
    expect(refused).toMatchObject({ exit: 1, out: '', questions: [], err: expect.stringMatching(/already, so nothing was changed; with --force it is set aside/) as string });
    expect(readFileSync(home.walletFile, 'utf8')).toBe(former);
    const forced = await runWith(['wallet', 'create', '--force', '--json'], {}, { home, interactive: true, secrets: ['a good password', 'a good password'] });
    const told = JSON.parse(forced.out) as { address: string; file: string; former: string };
    expect(told).toMatchObject({ address: expect.stringMatching(/^0x/) as string, file: home.walletFile });
    expect(readFileSync(told.former, 'utf8')).toBe(former);
  });
});

describe('pag0 wallet import', () => {
  it('takes the key from stdin, and the password from the terminal behind it', async () => {
    const home = fresh();
    const ran = await runWith(['wallet', 'import'], {}, { home, input: `${SECRET}\n`, secrets: [PASSWORD] });
    expect(ran).toMatchObject({ exit: 0, out: `${SHOWN}\n` });
    expect(await keyIn(home, PASSWORD)).toBe(SECRET);
  });

  it('takes it typed, without showing it', async () => {
    const home = fresh();
    const ran = await runWith(['wallet', 'import'], {}, { home, interactive: true, secrets: [SECRET.slice(2), PASSWORD] });
    expect(ran).toMatchObject({ exit: 0, out: `${SHOWN}\n`, questions: [expect.stringMatching(/not shown/), expect.stringMatching(/not shown/)] });
    expect(ran.err).not.toContain(SECRET.slice(2));
  });

  it('takes none as an argument, where others could see it, and repeats nothing of it', async () => {
    const ran = await runWith(['wallet', 'import', SECRET], {}, { home: fresh(), interactive: true });
    expect(ran).toMatchObject({ exit: 64, out: '' });
    expect(ran.err).not.toContain(SECRET.slice(2));
  });

  it('says so when no key is given', async () => {
    for (const more of [{ input: ' \n' }, { interactive: true, secrets: [''] }]) {
      expect(await runWith(['wallet', 'import'], {}, { home: fresh(), ...more })).toMatchObject({ exit: 64, out: '', err: expect.stringMatching(/no key was given/) as string });
    }
  });

  it.each(['abandon ability able', `${SECRET}ff`, '0'.repeat(64)])('says what is wrong with %j without repeating it', async (input) => {
    const home = fresh();
    const ran = await runWith(['wallet', 'import'], {}, { home, input, secrets: [PASSWORD] });
    expect(ran).toMatchObject({ exit: 64, out: '', questions: [], err: expect.stringMatching(/^pag0: nothing was imported: it (is not 32 bytes in hex|lies outside the range)/) as string });
    expect(ran.err).not.toContain(input);
    expect(existsSync(home.walletFile)).toBe(false);
  });
});

describe('pag0 wallet address', () => {
  it('is that of the wallet the daemon pays with', async () => {
    const script = { '/v1/wallet': answered({ source: 'userConfig', address: ADDRESS, problem: null }) };
    expect(await runWith(['wallet', 'address'], script, { home: fresh() })).toMatchObject({ exit: 0, out: `${SHOWN}\n`, err: "pag0: its key comes from the plugin's settings.\n" });
    expect(JSON.parse((await runWith(['wallet', 'address', '--json'], script, { home: fresh() })).out)).toEqual({ source: 'userConfig', address: SHOWN, problem: null });
  });

  it('is read from the file while the daemon does not run, without a password', async () => {
    expect(await runWith(['wallet', 'address'], GONE, { home: withWallet() })).toMatchObject({ exit: 0, out: `${SHOWN}\n`, questions: [] });
  });

  it('comes with what keeps the wallet from paying', async () => {
    const script = { '/v1/wallet': answered({ source: 'keystore', address: ADDRESS, problem: 'the wallet is locked; give its password' }) };
    expect(await runWith(['wallet', 'address'], script, { home: fresh() })).toMatchObject({ exit: 0, out: `${SHOWN}\n`, err: 'pag0: the wallet is locked; give its password.\n' });
  });

  it('says how to come by one', async () => {
    expect(await runWith(['wallet', 'address'], GONE, { home: fresh() })).toMatchObject({ exit: 1, out: '', err: expect.stringMatching(/there is no wallet; make one with `pag0 wallet create`/) as string });
  });
});

describe('pag0 wallet balance', () => {
  const row = { network: 'eip155:84532', asset: '0x036cbd53842c5426634e7929541ec2318f3dcf7e', amount: '12500000', unknown: null };
  const view = { source: 'keystore', address: ADDRESS, problem: null, balances: [row] };
  const ask = (body: object, ...words: string[]) => runWith(['wallet', 'balance', ...words], { '/v1/wallet/balance': answered(body) });

  it('shows what there is, token by token', async () => {
    expect(await ask(view)).toMatchObject({ exit: 0, out: '      $12.50  USDC on Base Sepolia\n', err: '' });
    expect(JSON.parse((await ask(view, '--json')).out)).toEqual(view);
  });

  it('says what is unknown, and how it would be known', async () => {
    const ran = await ask({ ...view, balances: [row, { ...row, asset: '0xb', amount: null, unknown: 'NO_RPC' }] });
    expect(ran).toMatchObject({ exit: 1, out: '      $12.50  USDC on Base Sepolia\n     unknown  0xb on Base Sepolia\n', err: expect.stringMatching(/name an RPC that answers/) as string });
  });

  it('says how to come by a wallet', async () => {
    expect(await ask({ source: null, address: null, problem: null, balances: [] })).toMatchObject({ exit: 1, out: '', err: expect.stringMatching(/there is no wallet/) as string });
  });
});

describe('pag0 wallet export', () => {
  const PERSON = { '/v1/wallet/person': answered({}) };
  const NOBODY = { '/v1/wallet/person': answered({ error: { code: 'PERSON_REQUIRED', message: 'pag0 PERSON_REQUIRED: not you' } }, 403) };

  it('shows the key to a person who knows the password', async () => {
    const ran = await runWith(['wallet', 'export'], PERSON, { home: withWallet(), interactive: true, secrets: [PASSWORD] });
    expect(ran).toMatchObject({ exit: 0, out: `${SECRET}\n`, asked: [{ path: '/v1/wallet/person', body: { by: { tty: true, pid: 4711 } } }] });
    expect(JSON.parse((await runWith(['wallet', 'export', '--json'], PERSON, { home: withWallet(), interactive: true, secrets: [PASSWORD] })).out)).toEqual({ privateKey: SECRET });
  });

  it('shows nothing when the daemon does not take the caller for a person, and does not ask for the password', async () => {
    const ran = await runWith(['wallet', 'export'], NOBODY, { home: withWallet(), interactive: true, secrets: [PASSWORD] });
    expect(ran).toMatchObject({ exit: 1, out: '', questions: [], err: 'pag0 PERSON_REQUIRED: not you.\n' });
  });

  it.each([
    ['no terminal', {}, false],
    ...AGENTS.map((env): [string, Record<string, string>, boolean] => [`the mark of an agent (${Object.keys(env)[0]})`, env, true]),
  ])('shows nothing with %s', async (_, env, interactive) => {
    const ran = await runWith(['wallet', 'export'], PERSON, { home: withWallet(), env, interactive, secrets: [PASSWORD] });
    expect(ran).toMatchObject({ exit: 1, out: '', asked: [], questions: [], err: expect.stringMatching(/^pag0 PERSON_REQUIRED: /) as string });
  });

  it.each([
    ['a wrong password', ['wrong'], /the password does not open it; type it again/],
    ['none', [''], /no password was typed/],
  ])('shows nothing with %s', async (_, secrets, says) => {
    const ran = await runWith(['wallet', 'export'], PERSON, { home: withWallet(), interactive: true, secrets });
    expect(ran).toMatchObject({ exit: 1, out: '', err: expect.stringMatching(says) as string });
  });

  it('shows nothing while the daemon does not run', async () => {
    expect(await runWith(['wallet', 'export'], { '/v1/wallet/person': { kind: 'absent' } }, { home: withWallet(), interactive: true, secrets: [PASSWORD] })).toMatchObject({ exit: 5, out: '', questions: [] });
  });

  it('has nothing to show of a key that lies elsewhere', async () => {
    expect(await runWith(['wallet', 'export'], PERSON, { home: fresh(), interactive: true })).toMatchObject({ exit: 1, out: '', err: expect.stringMatching(/look where you put it/) as string });
  });
});

describe('an agent', () => {
  it.each(AGENTS)('makes and brings no wallet: %j', async (env) => {
    for (const words of [['wallet', 'create'], ['wallet', 'import', '--force']]) {
      const home = fresh();
      const ran = await runWith(words, {}, { home, env, interactive: true, input: SECRET, secrets: [SECRET, PASSWORD, PASSWORD] });
      expect(ran).toMatchObject({ exit: 1, out: '', questions: [], err: expect.stringMatching(/^pag0 PERSON_REQUIRED: /) as string });
      expect(existsSync(home.walletFile)).toBe(false);
    }
  });
});
