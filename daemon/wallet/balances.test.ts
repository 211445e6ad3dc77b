import { expect, it } from 'vitest';
import { balancesOf } from './balances.ts';

it('a balance is asked for every token that may pay, and what cannot be known says why', async () => {
  const asked: object[] = [];
  const chain = { balance: (of: { network: string; asset: string; owner: string }) => (asked.push(of), Promise.resolve(of.asset === '0xa' ? 12_000_000n : null)) };
  const networks = [
    { id: 'eip155:1', rpc: 'http://127.0.0.1:8545', assets: ['0xa', '0xb'] },
    { id: 'eip155:2', rpc: null, assets: ['0xc'] },
  ];
  expect(await balancesOf(chain, networks, '0xme')).toEqual([
    { network: 'eip155:1', asset: '0xa', amount: '12000000', unknown: null },
    { network: 'eip155:1', asset: '0xb', amount: null, unknown: 'NO_ANSWER' },
    { network: 'eip155:2', asset: '0xc', amount: null, unknown: 'NO_RPC' },
  ]);
  expect(asked).toEqual(['0xa', '0xb'].map((asset) => ({ network: 'eip155:1', asset, owner: '0xme' })));
});
