import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { openHome } from '../daemon/contract/home.ts';
import { printable, printableJson } from '../daemon/contract/printable.ts';
import { WALLET_VIEWS, type BalanceRow, type BalanceView, type KeySource, type PersonRequest, type WalletView } from '../daemon/contract/wallet-views.ts';
import { formatDollars } from '../daemon/core/amount.ts';
import { tokenName } from '../daemon/core/token-names.ts';
import { fail, fetchAnswer, postAnswer, startedByAgent } from './ask-daemon.ts';
import { DONE, FAILED, MISUSED, type Exit, type Terminal } from './terminal.ts';

export interface WalletOptions {
  force?: boolean;
  json?: boolean;
}

/** Guessing is as cheap as a second each, so a password has to be worth more than its typing. */
const MIN_PASSWORD = 8;

const WHENCE: Record<KeySource, string> = {
  userConfig: "its key comes from the plugin's settings",
  keystore: 'its key lies encrypted in the wallet file',
  environment: "its key came with the daemon's environment",
};

const NO_WALLET = 'there is no wallet; make one with `pag0 wallet create`, or bring a key with `pag0 wallet import`.';

/** A new key that nobody has seen. */
export async function createWallet(terminal: Terminal, options: WalletOptions): Promise<Exit> {
  const { newPrivateKey } = await import('../daemon/wallet/private-key.ts');
  const refused = unfit(terminal, 'create', options);
  if (refused !== null) return refused;
  return keep(terminal, newPrivateKey(), options, true);
}

/** A key that exists already: typed, or through stdin; an argument would stand in the list of processes and in the shell's history. */
export async function importWallet(terminal: Terminal, options: WalletOptions): Promise<Exit> {
  const { readPrivateKey } = await import('../daemon/wallet/private-key.ts');
  const refused = unfit(terminal, 'import', options);
  if (refused !== null) return refused;
  const text = terminal.interactive ? await terminal.askSecret('Private key, 64 hex digits (it is not shown): ') : await terminal.readInput();
  if (text === null || text.trim() === '') return fail(terminal, 'nothing was imported: no key was given; type it, or send it to stdin.', MISUSED);
  const read = readPrivateKey(text);
  if (!read.ok) return fail(terminal, `nothing was imported: ${read.problem}; give the private key alone.`, MISUSED);
  return keep(terminal, read.key, options, false);
}

/** Before anything is asked of a person. An agent's command is refused by the hooks already; this is for what they cannot read. */
function unfit(terminal: Terminal, verb: string, { force }: WalletOptions): Exit | null {
  if (startedByAgent(terminal)) return fail(terminal, `pag0 PERSON_REQUIRED: \`wallet ${verb}\` is for a person, so nothing was changed; type it in a terminal of your own.`, FAILED, 'PERSON_REQUIRED');
  const opened = openHome(terminal.home.dir);
  if (!opened.ok) return fail(terminal, opened.problem.sentence);
  return force === true ? null : taken(terminal);
}

function taken(terminal: Terminal): Exit | null {
  const { walletFile } = terminal.home;
  if (!existsSync(walletFile)) return null;
  return fail(terminal, `there is a wallet in ${walletFile} already, so nothing was changed; with --force it is set aside, and no longer paid with.`);
}

async function keep(terminal: Terminal, key: string, options: WalletOptions, twice: boolean): Promise<Exit> {
  const password = await passwordFrom(terminal, twice);
  if ('problem' in password) return fail(terminal, password.problem);
  const [{ lock }, { addressOf, checksummed }, { writeWalletFile }] = await Promise.all([import('../daemon/wallet/keystore.ts'), import('../daemon/wallet/private-key.ts'), import('../daemon/wallet/wallet-file.ts')]);
  const { walletFile } = terminal.home;
  const written = writeWalletFile(walletFile, await lock(key, password.text), { replace: options.force === true, now: Date.now() });
  if (!written.ok) return fail(terminal, written.reason === 'EXISTS' ? `${written.problem}, so nothing was changed; with --force it is set aside.` : written.problem);
  const address = checksummed(addressOf(key));
  if (options.json === true) {
    terminal.out(printableJson({ address, file: walletFile, former: written.former }));
    return DONE;
  }
  terminal.out(printable(address));
  terminal.err(printable(`Kept in ${walletFile}; keep a copy of it, nobody can restore it or its password. Give the daemon the password: as "Wallet password" in the plugin's settings, or as PAG0_WALLET_PASSWORD to \`pag0 daemon start\`.`));
  if (written.former !== null) terminal.err(printable(`The wallet that was there is now ${written.former}.`));
  return DONE;
}

async function passwordFrom(terminal: Terminal, twice: boolean): Promise<{ text: string } | { problem: string }> {
  const text = await terminal.askSecret(`Password for the wallet file, ${MIN_PASSWORD} characters or more (it is not shown): `);
  if (text === null) return { problem: 'nothing was changed: there is no terminal to type a password at; type it in one.' };
  if (text === '') return { problem: 'nothing was changed: no password was typed.' };
  if ([...text].length < MIN_PASSWORD) return { problem: `nothing was changed: a password of fewer than ${MIN_PASSWORD} characters is guessed too soon; choose a longer one.` };
  if (twice && (await terminal.askSecret('The same once more: ')) !== text) return { problem: 'nothing was changed: the two passwords differ; begin again.' };
  return { text };
}

/** The daemon knows which wallet it pays with; while it does not run, the file is all there is. */
export async function showAddress(terminal: Terminal, options: WalletOptions): Promise<Exit> {
  const outcome = await terminal.client.get<WalletView>(WALLET_VIEWS.wallet);
  const view = outcome.kind === 'answer' && outcome.status === 200 ? outcome.body : await viewOfFile(terminal);
  if (view.source === null) return fail(terminal, NO_WALLET, FAILED, 'NOT_FOUND');
  const { checksummed } = await import('../daemon/wallet/private-key.ts');
  const address = view.address === null ? null : checksummed(view.address);
  if (options.json === true) {
    terminal.out(printableJson({ ...view, address }));
    return address === null ? FAILED : DONE;
  }
  if (address !== null) terminal.out(printable(address));
  if (view.problem !== null) return fail(terminal, `${view.problem}.`, address === null ? FAILED : DONE);
  terminal.err(`pag0: ${WHENCE[view.source]}.`);
  return DONE;
}

async function viewOfFile(terminal: Terminal): Promise<WalletView> {
  const { readWalletFile } = await import('../daemon/wallet/wallet-file.ts');
  const { walletFile } = terminal.home;
  const file = readWalletFile(walletFile);
  if (file.found === 'none') return { source: null, address: null, problem: null };
  if (file.found === 'unusable') return { source: 'keystore', address: null, problem: `the wallet in ${walletFile} cannot be used, because ${file.problem}; put it right, or move it away` };
  return { source: 'keystore', address: file.keystore.address, problem: file.keystore.address === null ? `the wallet in ${walletFile} does not say its address; start the daemon with its password to learn it` : null };
}

/** Of every token that the configuration lets it pay with. */
export async function showBalance(terminal: Terminal, options: WalletOptions): Promise<Exit> {
  const answer = await fetchAnswer<BalanceView>(terminal, WALLET_VIEWS.balance);
  if (!answer.ok) return answer.exit;
  const { source, address, problem, balances } = answer.body;
  if (source === null) return fail(terminal, NO_WALLET, FAILED, 'NOT_FOUND');
  if (options.json === true) terminal.out(printableJson(answer.body));
  else for (const row of balances) terminal.out(printable(`${balanceText(row)}  ${tokenName(row.network, row.asset)}`));
  if (problem !== null) return fail(terminal, `${problem}.`, address === null ? FAILED : DONE);
  const isKnown = balances.every(({ unknown }) => unknown === null);
  return isKnown ? DONE : fail(terminal, 'a balance is unknown; name an RPC that answers for its network under "networks" in config.json.');
}

/** Every token here is worth a dollar and has six decimals, as the budgets count. */
function balanceText({ amount }: BalanceRow): string {
  return (amount === null ? 'unknown' : formatDollars(BigInt(amount))).padStart(12);
}

/** Prints the key of the wallet file. Whether a person asks the daemon finds out, as before a limit is raised; that it is theirs, the password shows. */
export async function exportKey(terminal: Terminal, options: WalletOptions): Promise<Exit> {
  if (!terminal.interactive || startedByAgent(terminal)) return fail(terminal, 'pag0 PERSON_REQUIRED: the key is shown to a person at a terminal only, so it was not; type the command in one of your own.', FAILED, 'PERSON_REQUIRED');
  const { readWalletFile } = await import('../daemon/wallet/wallet-file.ts');
  const { walletFile } = terminal.home;
  const file = readWalletFile(walletFile);
  if (file.found === 'none') return fail(terminal, `there is no wallet in ${walletFile}; a key from the plugin's settings or the environment is not shown, look where you put it.`);
  if (file.found === 'unusable') return fail(terminal, `the wallet in ${walletFile} cannot be used, because ${file.problem}; put it right first.`);
  const request: PersonRequest = { by: { tty: terminal.interactive, pid: terminal.pid } };
  const person = await postAnswer<object>(terminal, WALLET_VIEWS.person, request);
  if (!person.ok) return person.exit;
  const password = await terminal.askSecret('Password of the wallet file (it is not shown; the key will be): ');
  if (password === null || password === '') return fail(terminal, 'nothing was shown: no password was typed.');
  const { unlock } = await import('../daemon/wallet/keystore.ts');
  const opened = await unlock(file.keystore, password);
  if (!opened.ok) return fail(terminal, `nothing was shown, because ${opened.problem}; ${opened.reason === 'WRONG_PASSWORD' ? 'type it again' : 'bring the file back from a copy of it'}.`);
  terminal.out(options.json === true ? printableJson({ privateKey: opened.key }) : opened.key);
  return DONE;
}

export function addWallet(program: Command, run: (work: (terminal: Terminal) => Promise<Exit>) => Promise<void>): void {
  const wallet = program.command('wallet').description('what pag0 pays with');
  const verbs: [name: string, description: string, makes: boolean, work: (terminal: Terminal, options: WalletOptions) => Promise<Exit>][] = [
    ['create', 'a new wallet, in a file that a password of yours encrypts', true, createWallet],
    ['import', 'a wallet from a private key, typed or through stdin', true, importWallet],
    ['address', 'where to send money', false, showAddress],
    ['balance', 'what there is to pay with', false, showBalance],
    ['export', 'show the private key, which only a person can see', false, exportKey],
  ];
  for (const [name, description, makes, work] of verbs) {
    const verb = wallet.command(name).description(description);
    if (makes) verb.option('--force', 'although there is one; it is set aside');
    verb.option('--json', 'as JSON').action((options: WalletOptions) => run((terminal) => work(terminal, options)));
  }
}
