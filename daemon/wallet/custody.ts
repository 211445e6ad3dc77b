import { existsSync, statSync } from 'node:fs';
import { openSecrets, type WalletSecrets } from '../contract/wallet-secrets.ts';
import type { KeySource, WalletView } from '../contract/wallet-views.ts';
import { unlock, type Keystore, type Unlocked } from './keystore.ts';
import { addressOf, readPrivateKey, type PrivateKey } from './private-key.ts';
import { readWalletFile } from './wallet-file.ts';

/** Who has the key, and nobody else: it is handed to the payer for each signature, and kept in memory only. */
export interface Custody {
  /** Where the key comes from now; null: there is no wallet. Says nothing of whether it can be used. */
  readonly source: KeySource | null;
  /** null: there is none, or `standing` says what is wrong with it. */
  key(): Promise<PrivateKey | null>;
  /** Another text as soon as `key` may answer another key; asked before every payment, so it opens nothing. */
  edition(): string;
  /** Whose money it is as far as that is known without opening anything: the key of a file takes a second. */
  owner(): string | null;
  /** What may be said of the wallet. */
  standing(): Promise<WalletView>;
  /** What a session's hook brought from the plugin's settings, sealed with the home's token. */
  offer(sealed: string, moment: 'start' | 'later'): void;
}

export interface CustodyOptions {
  walletFile: string;
  token: string;
  /** What stood in the daemon's own environment. */
  environment: WalletSecrets;
}

type Found = { source: KeySource; key: PrivateKey } | { source: KeySource; address: string | null; problem: string } | { source: null };

/**
 * The plugin's settings, then the keystore, then the environment. The first that is there counts, also when it is broken: a
 * person who mistyped one key does not want to pay with another.
 */
export function createCustody({ walletFile, token, environment }: CustodyOptions): Custody {
  const settings: WalletSecrets = {};
  let offers = 0;
  let derived: { key: PrivateKey; address: string } | null = null;
  let opened: { text: string; password: string; outcome: Promise<Unlocked> } | null = null;

  function source(): KeySource | null {
    if (settings.privateKey !== undefined) return 'userConfig';
    if (existsSync(walletFile)) return 'keystore';
    return environment.privateKey === undefined ? null : 'environment';
  }

  async function find(): Promise<Found> {
    if (settings.privateKey !== undefined) return written('userConfig', settings.privateKey, "the wallet's private key in the plugin's settings", 'correct it there, then start a session');
    const file = readWalletFile(walletFile);
    if (file.found === 'unusable') return { source: 'keystore', address: null, problem: `the wallet in ${walletFile} cannot be used, because ${file.problem}; put it right, or move it away and make one with \`pag0 wallet create\`` };
    if (file.found === 'keystore') return fromKeystore(file.text, file.keystore);
    if (environment.privateKey === undefined) return { source: null };
    return written('environment', environment.privateKey, "PAG0_WALLET_PRIVATE_KEY in the daemon's environment", 'correct it, then start the daemon again');
  }

  async function fromKeystore(text: string, keystore: Keystore): Promise<Found> {
    const no = (problem: string): Found => ({ source: 'keystore', address: keystore.address, problem });
    const password = settings.password ?? environment.password;
    if (password === undefined) return no(`the wallet in ${walletFile} is locked; give its password in the plugin's settings, or as PAG0_WALLET_PASSWORD to \`pag0 daemon start\``);
    // The derivation takes about a second, so it is done once for one file and one password, right or wrong.
    if (opened?.text !== text || opened.password !== password) opened = { text, password, outcome: unlock(keystore, password) };
    const outcome = await opened.outcome.catch((error: unknown) => {
      // Out of memory, say: the next one may fare better.
      opened = null;
      throw error;
    });
    if (outcome.ok) return { source: 'keystore', key: outcome.key };
    const repair = outcome.reason === 'WRONG_PASSWORD' ? `correct the password where it was given (${settings.password === undefined ? 'PAG0_WALLET_PASSWORD' : "the plugin's settings"})` : 'bring the file back from a copy of it';
    return no(`the wallet in ${walletFile} cannot be used, because ${outcome.problem}; ${repair}`);
  }

  /** Every payment asks, and a point on the curve takes a third of a millisecond. */
  function ownerOf(key: PrivateKey): string {
    if (derived?.key !== key) derived = { key, address: addressOf(key) };
    return derived.address;
  }

  return {
    get source() {
      return source();
    },
    async key() {
      const found = await find();
      return 'key' in found ? found.key : null;
    },
    edition() {
      const file = statSync(walletFile, { throwIfNoEntry: false });
      return file === undefined ? `${offers}` : `${offers} ${file.ino} ${file.size} ${file.mtimeMs}`;
    },
    owner() {
      if (source() === 'keystore') {
        const file = readWalletFile(walletFile);
        return file.found === 'keystore' ? file.keystore.address : null;
      }
      const read = readPrivateKey(settings.privateKey ?? environment.privateKey ?? '');
      return read.ok ? ownerOf(read.key) : null;
    },
    async standing() {
      const found = await find();
      if (found.source === null) return { source: null, address: null, problem: null };
      return 'key' in found ? { source: found.source, address: ownerOf(found.key), problem: null } : found;
    },
    offer(sealed, moment) {
      const told = openSecrets(token, sealed);
      if (told === null) return;
      // A session that began before the person changed a setting still has the old one, and brings it with every prompt.
      for (const name of ['privateKey', 'password'] as const) {
        const value = told[name];
        if (value === undefined || value === settings[name] || (moment === 'later' && settings[name] !== undefined)) continue;
        settings[name] = value;
        offers += 1;
      }
    },
  };
}

function written(source: KeySource, text: string, where: string, repair: string): Found {
  const read = readPrivateKey(text);
  return read.ok ? { source, key: read.key } : { source, address: null, problem: `${where} cannot be used, because ${read.problem}; ${repair}` };
}
