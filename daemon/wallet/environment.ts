import { readFileSync } from 'node:fs';
import { HANDED_OVER, WALLET_VARIABLES, walletSecretsIn, type WalletSecrets } from '../contract/wallet-secrets.ts';

/**
 * What the daemon was given at its start, taken out of its environment before anything else runs, so that no program it
 * starts inherits it. From our own hooks and commands it comes through stdin: what once stood in a process's environment the
 * system shows to every program of its user for as long as the process lives.
 */
export function takeSecrets(env: Record<string, string | undefined>, readInput: () => string = () => readFileSync(0, 'utf8')): WalletSecrets {
  const own = walletSecretsIn(env, WALLET_VARIABLES);
  const isHandedOver = env[HANDED_OVER] === '1';
  for (const name of [...Object.values(WALLET_VARIABLES), HANDED_OVER]) delete env[name];
  return own ?? (isHandedOver ? parsed(readInput) : {});
}

function parsed(readInput: () => string): WalletSecrets {
  try {
    return JSON.parse(readInput()) as WalletSecrets;
  } catch {
    // Whoever started us was ended in the middle of it: there is no key, and a payment will say so.
    return {};
  }
}
