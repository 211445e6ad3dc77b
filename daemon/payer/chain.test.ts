import { Readable } from 'node:stream';
import { decodeFunctionData, encodeFunctionResult, numberToHex, parseAbi, toEventSelector } from 'viem';
import { describe, expect, it } from 'vitest';
import type { Upstream } from '../ports.ts';
import { createChainReader } from './chain.ts';

const ABI = parseAbi(['function authorizationState(address authorizer, bytes32 nonce) view returns (bool)', 'function balanceOf(address owner) view returns (uint256)']);
const ASSET = '0x036cbd53842c5426634e7929541ec2318f3dcf7e';
const FROM = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8';
const NONCE = `0x${'5e'.repeat(32)}`;
const HASH = `0x${'c4'.repeat(32)}`;
const ASKED = { network: 'eip155:84532', asset: ASSET, from: FROM, nonce: NONCE };
const RPC = 'https://rpc.example/v1/secret';

type Results = Record<string, (...params: never[]) => unknown>;

/** A node that keeps to the protocol, with a token that knows one authorization. */
function node(changes: Results = {}, answer: (result: unknown) => { status: number; text: string } = (result) => ({ status: 200, text: JSON.stringify({ jsonrpc: '2.0', id: 1, result }) })) {
  const seen: { method: string; params: unknown[] }[] = [];
  const results: Results = {
    eth_chainId: () => numberToHex(84_532),
    eth_getBlockByNumber: () => ({ number: numberToHex(20_000), timestamp: numberToHex(1_800_000_000) }),
    eth_call: ({ to, data }: { to: string; data: `0x${string}` }) => {
      const { functionName, args } = decodeFunctionData({ abi: ABI, data });
      if (to !== ASSET) return '0x';
      if (functionName === 'balanceOf') return encodeFunctionResult({ abi: ABI, functionName, result: 12_345n });
      return encodeFunctionResult({ abi: ABI, functionName, result: args[0].toLowerCase() === FROM && args[1] === NONCE });
    },
    eth_getLogs: () => [{ transactionHash: HASH }],
    ...changes,
  };
  const upstream: Upstream = {
    async send(request) {
      expect(request).toMatchObject({ method: 'POST', url: RPC });
      const { method, params } = JSON.parse(String(request.body)) as { method: string; params: never[] };
      seen.push({ method, params });
      const { status, text } = answer(results[method]!(...params));
      return { status, fields: {}, body: Readable.from([Buffer.from(text.slice(0, 7)), Buffer.from(text.slice(7))]) };
    },
    close: async () => {},
  };
  const chain = createChainReader({ upstream, rpcOf: (network) => (network.startsWith('eip155:') ? RPC : null), timeMs: 200 });
  return { chain, seen };
}

describe('the chain', () => {
  it('says that an authorization was cashed, and by which transaction', async () => {
    const { chain, seen } = node();
    expect(await chain.authorization(ASKED)).toEqual({ cashed: true, transaction: HASH });
    expect(seen.at(-1)).toEqual({
      method: 'eth_getLogs',
      params: [{ address: ASSET, topics: [toEventSelector('AuthorizationUsed(address,bytes32)'), `0x${'0'.repeat(24)}${FROM.slice(2)}`, NONCE], fromBlock: numberToHex(11_000), toBlock: 'latest' }],
    });
  });

  it('says that it was not, and as of when, about one block and no other', async () => {
    const { chain, seen } = node();
    expect(await chain.authorization({ ...ASKED, nonce: `0x${'00'.repeat(32)}` })).toEqual({ cashed: false, asOf: 1_800_000_000 });
    expect(seen.find(({ method }) => method === 'eth_call')?.params[1]).toBe(numberToHex(20_000));
  });

  it('knows that it was cashed also where nobody finds the transaction', async () => {
    const refused = () => {
      throw new Error('range too wide');
    };
    for (const logs of [() => [], () => null, () => [{ transactionHash: 'x' }], () => 'no', refused]) {
      expect(await node({ eth_getLogs: logs }).chain.authorization(ASKED)).toEqual({ cashed: true, transaction: null });
    }
  });

  it('says what a wallet has', async () => {
    expect(await node().chain.balance({ network: ASKED.network, asset: ASSET, owner: FROM })).toBe(12_345n);
  });

  it('is not asked where the user names no RPC', async () => {
    const { chain, seen } = node();
    expect(await chain.authorization({ ...ASKED, network: 'solana:x' })).toBeNull();
    expect(seen).toEqual([]);
  });

  it('is another one behind an RPC of another: its "no" proves nothing', async () => {
    expect(await node({ eth_chainId: () => '0x1' }).chain.authorization(ASKED)).toBeNull();
    expect(await node({ eth_chainId: () => '0x1' }).chain.balance({ network: ASKED.network, asset: ASSET, owner: FROM })).toBeNull();
  });

  it('without that token there says nothing of it', async () => {
    const { chain } = node();
    expect(await chain.authorization({ ...ASKED, asset: FROM })).toBeNull();
    expect(await chain.balance({ network: ASKED.network, asset: FROM, owner: FROM })).toBeNull();
  });

  it.each<[string, (result: unknown) => { status: number; text: string }]>([
    ['an error', () => ({ status: 200, text: '{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"header not found"}}' })],
    ['a page', () => ({ status: 200, text: '<html>' })],
    ['null', () => ({ status: 200, text: 'null' })],
    ['another status', (result) => ({ status: 429, text: JSON.stringify({ result }) })],
    ['more than it may', (result) => ({ status: 200, text: JSON.stringify({ result, more: 'x'.repeat(300_000) }) })],
  ])('that answers with %s has not been asked', async (_, answer) => {
    expect(await node({}, answer).chain.authorization(ASKED)).toBeNull();
  });

  it.each<[string, Results]>([
    ['a block without a time', { eth_getBlockByNumber: () => ({ number: '0x1' }) }],
    ['no block', { eth_getBlockByNumber: () => null }],
    ['a state that is neither', { eth_call: () => `0x${'0'.repeat(63)}2` }],
    ['half a word', { eth_call: () => '0x0' }],
    ['a number that is none', { eth_chainId: () => 84_532 }],
  ])('with %s has not been asked', async (_, changes) => {
    expect(await node(changes).chain.authorization(ASKED)).toBeNull();
  });

  it('that hangs is given up', async () => {
    const upstream: Upstream = { send: (_, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error(`gave up ${RPC}`)))), close: async () => {} };
    expect(await createChainReader({ upstream, rpcOf: () => RPC, timeMs: 20 }).authorization(ASKED)).toBeNull();
  });
});
