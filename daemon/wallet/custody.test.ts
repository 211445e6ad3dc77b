import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sealSecrets, type WalletSecrets } from '../contract/wallet-secrets.ts';
import { createCustody } from './custody.ts';
import { lock } from './keystore.ts';
import { addressOf } from './private-key.ts';

const root = mkdtempSync(join(tmpdir(), 'pag0-custody-'));
afterAll(() => rmSync(root, { recursive: true }));

const TOKEN = 'a'.repeat(64);
const key = (digit: string) => `0x${digit.repeat(64)}`;
const [FIRST, SECOND, THIRD] = [key('1'), key('2'), key('3')];
let count = 0;

async function custody(given: { settings?: WalletSecrets; file?: { key: string; password: string }; text?: string; environment?: WalletSecrets }) {
  const walletFile = join(root, `wallet-${(count += 1)}.json`);
  if (given.file !== undefined) writeFileSync(walletFile, await lock(given.file.key, given.file.password, 1_024));
  if (given.text !== undefined) writeFileSync(walletFile, given.text);
  const made = createCustody({ walletFile, token: TOKEN, environment: given.environment ?? {} });
  if (given.settings !== undefined) made.offer(sealSecrets(TOKEN, given.settings), 'start');
  return { ...made, made, walletFile };
}

describe('the key', () => {
  it('comes from the settings, else from the keystore, else from the environment, else from nowhere', async () => {
    const environment = { privateKey: THIRD, password: 'password' };
    const file = { key: SECOND, password: 'password' };
    const all = await custody({ settings: { privateKey: FIRST }, file, environment });
    const two = await custody({ file, environment });
    const one = await custody({ environment });
    const none = await custody({});
    expect([all, two, one, none].map(({ made }) => made.source)).toEqual(['userConfig', 'keystore', 'environment', null]);
    expect(await Promise.all([all, two, one, none].map(({ made }) => made.key()))).toEqual([FIRST, SECOND, THIRD, null]);
    expect(await Promise.all([all, two, one, none].map(({ made }) => made.standing()))).toEqual([
      { source: 'userConfig', address: addressOf(FIRST), problem: null },
      { source: 'keystore', address: addressOf(SECOND), problem: null },
      { source: 'environment', address: addressOf(THIRD), problem: null },
      { source: null, address: null, problem: null },
    ]);
  });

  it('is known by its owner without being opened: a locked file says whose it is', async () => {
    const file = { key: SECOND, password: 'password' };
    const all = [await custody({ settings: { privateKey: FIRST }, file }), await custody({ file }), await custody({ environment: { privateKey: THIRD } }), await custody({}), await custody({ text: '{}' })];
    expect(all.map(({ made }) => made.owner())).toEqual([addressOf(FIRST), addressOf(SECOND), addressOf(THIRD), null, null]);
  });

  it('is opened with the password from the settings before that of the environment', async () => {
    const file = { key: FIRST, password: 'from settings' };
    expect(await (await custody({ file, settings: { password: 'from settings' }, environment: { password: 'other' } })).made.key()).toBe(FIRST);
  });

  it('is never another one than the first that is there: what is broken is said, not passed over', async () => {
    const environment = { privateKey: THIRD };
    const file = { key: SECOND, password: 'password' };
    const cases: [Promise<Awaited<ReturnType<typeof custody>>>, string, RegExp][] = [
      [custody({ settings: { privateKey: '0xSECRET' }, environment }), 'userConfig', /^the wallet's private key in the plugin's settings cannot be used, because it is not 32 bytes in hex \(64 digits\); correct it there/],
      [custody({ file, environment }), 'keystore', /is locked; give its password in the plugin's settings, or as PAG0_WALLET_PASSWORD/],
      [custody({ file, settings: { password: 'SECRET' }, environment }), 'keystore', /because the password does not open it; correct the password where it was given \(the plugin's settings\)/],
      [custody({ file, environment: { ...environment, password: 'SECRET' } }), 'keystore', /\(PAG0_WALLET_PASSWORD\)/],
      [custody({ text: 'SECRET', environment }), 'keystore', /because it is not JSON; put it right, or move it away/],
      [custody({ environment: { privateKey: '0'.repeat(64) } }), 'environment', /^PAG0_WALLET_PRIVATE_KEY in the daemon's environment cannot be used, because it lies outside the range/],
    ];
    for (const [made, source, problem] of cases) {
      const standing = await (await made).made.standing();
      expect(standing).toMatchObject({ source, problem: expect.stringMatching(problem) as string });
      expect(standing.problem).not.toContain('SECRET');
      expect(await (await made).made.key()).toBeNull();
    }
  });

  it('of a locked wallet is not needed to say its address', async () => {
    expect((await (await custody({ file: { key: FIRST, password: 'password' } })).made.standing()).address).toBe(addressOf(FIRST));
  });

  it('follows the file: one that is made or replaced while the daemon runs is the wallet from then on', async () => {
    const { made, walletFile } = await custody({ environment: { password: 'password' } });
    expect(await made.key()).toBeNull();
    writeFileSync(walletFile, await lock(FIRST, 'password', 1_024));
    expect(await made.key()).toBe(FIRST);
    writeFileSync(walletFile, await lock(SECOND, 'password', 1_024));
    expect(await made.key()).toBe(SECOND);
  });

  it('has another edition whenever it may have changed, and the same while it has not', async () => {
    const { made, walletFile } = await custody({});
    const editions = [made.edition()];
    made.offer(sealSecrets(TOKEN, { password: 'password' }), 'start');
    editions.push(made.edition());
    writeFileSync(walletFile, await lock(FIRST, 'password', 1_024));
    editions.push(made.edition());
    made.offer(sealSecrets(TOKEN, { privateKey: SECOND }), 'later');
    editions.push(made.edition());
    expect(new Set(editions).size).toBe(4);
    made.offer(sealSecrets(TOKEN, { privateKey: SECOND, password: 'password' }), 'start');
    await made.key();
    expect(made.edition()).toBe(editions[3]);
  });
});

describe('what a session brings', () => {
  it('counts only when it is sealed with the token of this home', async () => {
    const { made } = await custody({});
    for (const text of ['', 'x', sealSecrets('b'.repeat(64), { privateKey: FIRST }), sealSecrets(TOKEN, { privateKey: FIRST }).slice(0, -4)]) made.offer(text, 'start');
    expect(made.source).toBeNull();
  });

  it('replaces what was there when the session starts, and fills what is missing later', async () => {
    const { made } = await custody({});
    const offer = (privateKey: string, moment: 'start' | 'later') => made.offer(sealSecrets(TOKEN, { privateKey }), moment);
    offer(FIRST, 'later');
    expect(await made.key()).toBe(FIRST);
    offer(SECOND, 'start');
    expect(await made.key()).toBe(SECOND);
    // A session from before the change still has the old one.
    offer(FIRST, 'later');
    expect(await made.key()).toBe(SECOND);
  });
});
