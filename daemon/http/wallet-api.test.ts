import { describe, expect, it } from 'vitest';
import { WALLET_VIEWS, type WalletView } from '../contract/wallet-views.ts';
import { balanceRoutes, walletRoutes } from './wallet-api.ts';

const VIEW: WalletView = { source: 'keystore', address: '0x008aeeda4d805471df9b2a5b0f38a0c3bcba786b', problem: null };

async function ask(path: string, body?: unknown, isPerson = false) {
  const asked: [pid: number, remotePort: number][] = [];
  const persons = { sentByClient: () => Promise.resolve(false), typedIn: () => Promise.resolve(false), atTerminal: (pid: number, remotePort: number) => (asked.push([pid, remotePort]), Promise.resolve(isPerson)) };
  const app = walletRoutes({ standing: () => Promise.resolve(VIEW), persons });
  const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  const response = await app.request(path, init, { incoming: { socket: { remotePort: 5_555 } } });
  return { status: response.status, body: (await response.json()) as unknown, asked };
}

describe('the route of the balance', () => {
  const row = { network: 'eip155:84532', asset: '0xa', amount: '1', unknown: null };
  it('asks the chain for the address in force, and nobody while there is none', async () => {
    const asked: string[] = [];
    const balances = (owner: string) => (asked.push(owner), Promise.resolve([row]));
    const read = async (view: WalletView) => (await balanceRoutes({ standing: () => Promise.resolve(view), balances }).request(WALLET_VIEWS.balance)).json();
    expect(await read(VIEW)).toEqual({ ...VIEW, balances: [row] });
    expect(await read({ source: null, address: null, problem: null })).toEqual({ source: null, address: null, problem: null, balances: [] });
    expect(asked).toEqual([VIEW.address]);
  });
});

describe('the routes of the wallet', () => {
  it('say what may be said of it', async () => {
    expect(await ask(WALLET_VIEWS.wallet)).toMatchObject({ status: 200, body: VIEW });
  });

  it('tell a person from everybody else by the connection, not by what is claimed', async () => {
    const by = { by: { pid: 4_711, tty: true } };
    expect(await ask(WALLET_VIEWS.person, by, true)).toEqual({ status: 200, body: {}, asked: [[4_711, 5_555]] });
    expect(await ask(WALLET_VIEWS.person, by, false)).toMatchObject({ status: 403, body: { error: { code: 'PERSON_REQUIRED', message: expect.stringMatching(/type the command in a terminal of your own/) as string } } });
  });

  it('look at nobody who does not even sit at a terminal', async () => {
    expect(await ask(WALLET_VIEWS.person, { by: { pid: 4_711, tty: false } }, true)).toMatchObject({ status: 403, asked: [] });
    expect(await ask(WALLET_VIEWS.person, { by: 'me' }, true)).toMatchObject({ status: 400, body: { error: { code: 'BAD_REQUEST' } } });
  });
});
