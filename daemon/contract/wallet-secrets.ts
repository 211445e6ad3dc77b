import { sealed, unsealed } from './sealed.ts';

/** What opens a wallet: its key itself, or the password of the file it lies in. Text as a person typed it, not yet judged. */
export interface WalletSecrets {
  privateKey?: string;
  password?: string;
}

type Env = Record<string, string | undefined>;

/** In the daemon's own environment, and nowhere else. */
export const WALLET_VARIABLES = { privateKey: 'PAG0_WALLET_PRIVATE_KEY', password: 'PAG0_WALLET_PASSWORD' } as const;

/** Says that stdin holds them, as JSON; see `ensure.ts`. */
export const HANDED_OVER = 'PAG0_WALLET_STDIN';

/** In the environment of the plugin's command hooks: the client puts there what it took from the system's secret store. */
export const WALLET_OPTIONS = { privateKey: 'CLAUDE_PLUGIN_OPTION_WALLET_PRIVATE_KEY', password: 'CLAUDE_PLUGIN_OPTION_WALLET_PASSWORD' } as const;

/** null: none of them is there. */
export function walletSecretsIn(env: Env, names: Record<keyof WalletSecrets, string>): WalletSecrets | null {
  const [privateKey, password] = [env[names.privateKey], env[names.password]];
  const secrets = { ...(filled(privateKey) ? { privateKey } : {}), ...(filled(password) ? { password } : {}) };
  return Object.keys(secrets).length === 0 ? null : secrets;
}

/**
 * Made unreadable for whoever does not have the home's token. A request is proven by that token, but what is in it would be
 * read by a stranger who takes the port between the proof and the question; and what cannot be read in a request cannot
 * be left in a log of requests either.
 */
export function sealSecrets(token: string, secrets: WalletSecrets): string {
  return sealed(token, PURPOSE, secrets);
}

/** null: not sealed with this token. */
export function openSecrets(token: string, text: string): WalletSecrets | null {
  return (unsealed(token, PURPOSE, text) as WalletSecrets | undefined) ?? null;
}

const PURPOSE = 'wallet secrets';

function filled(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}
