import { Hono } from 'hono';
import type { HttpBindings } from '@hono/node-server';
import { z } from 'zod';
import { WALLET_VIEWS, type BalanceRow, type BalanceView, type WalletView } from '../contract/wallet-views.ts';
import type { Persons } from '../pipeline/person.ts';
import { errorAnswer } from './error-answer.ts';

const personRequest = z.object({ by: z.object({ pid: z.number().int().positive(), tty: z.boolean() }) });

export interface WalletApiParts {
  standing(): Promise<WalletView>;
  persons: Persons;
}

/** What people ask about the wallet. The key never comes this way: who may see it decrypts the file with its password. */
export function walletRoutes({ standing, persons }: WalletApiParts): Hono<{ Bindings: HttpBindings }> {
  const api = new Hono<{ Bindings: HttpBindings }>();

  api.get(WALLET_VIEWS.wallet, async (c) => c.json(await standing()));

  api.post(WALLET_VIEWS.person, async (c) => {
    const asked = personRequest.safeParse(await c.req.json().catch(() => undefined));
    if (!asked.success) return errorAnswer(400, 'BAD_REQUEST', 'who asks must be named by process and terminal');
    const { by } = asked.data;
    const isPerson = by.tty && (await persons.atTerminal(by.pid, c.env.incoming.socket.remotePort ?? 0));
    return isPerson ? c.json({}) : errorAnswer(403, 'PERSON_REQUIRED', 'pag0 PERSON_REQUIRED: the wallet is shown to a person only, so nothing was; type the command in a terminal of your own that no agent started');
  });

  return api;
}

export interface BalanceApiParts {
  standing(): Promise<WalletView>;
  balances(owner: string): Promise<BalanceRow[]>;
}

/** What the wallet has. Only asked for by a person's command: whoever is asked learns whose wallet it is. */
export function balanceRoutes({ standing, balances }: BalanceApiParts): Hono {
  const api = new Hono();
  api.get(WALLET_VIEWS.balance, async (c) => {
    const view = await standing();
    return c.json<BalanceView>({ ...view, balances: view.address === null ? [] : await balances(view.address) });
  });
  return api;
}
