import { encodeAbiParameters, encodeEventTopics, numberToHex, parseAbi, type Hex } from 'viem';
import { describe, expect, it } from 'vitest';
import type { Upstream } from '../ports.ts';
import { createChainReader } from './chain.ts';

const ABI = parseAbi(['event Transfer(address indexed from, address indexed to, uint256 value)', 'event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)']);
const ASSET = '0x036cbd53842c5426634e7929541ec2318f3dcf7e';
const FROM = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8';
const TO = '0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc';
const NETWORK = 'eip155:84532';
/** A block every two seconds, as on Base. */
const START = 1_800_000_000;
const timeOf = (block: number): number => START + 2 * block;
const hash = (digits: string): Hex => `0x${digits.padStart(64, '0')}`;

interface Log {
  address: string;
  topics: readonly unknown[];
  data: string;
  transactionHash: string;
  blockNumber: string;
  logIndex: string;
  removed?: boolean;
}

let logIndex = 0;
const place = (block: number, transaction: string) => ({ address: ASSET, transactionHash: hash(transaction), blockNumber: numberToHex(block), logIndex: numberToHex((logIndex += 1)) });
const moved = (block: number, transaction: string, amount: bigint, more: Partial<Log> = {}): Log => ({ ...place(block, transaction), topics: encodeEventTopics({ abi: ABI, eventName: 'Transfer', args: { from: FROM, to: TO } }), data: encodeAbiParameters([{ type: 'uint256' }], [amount]), ...more });
const used = (block: number, transaction: string, nonce: string): Log => ({ ...place(block, transaction), topics: encodeEventTopics({ abi: ABI, eventName: 'AuthorizationUsed', args: { authorizer: FROM, nonce: hash(nonce) } }), data: '0x' });

interface Asked {
  topics: unknown[];
  fromBlock: Hex;
  toBlock: Hex;
}

/** A node with that many blocks, which gives no more than `most` of them at once. */
function node(latest: number, logs: readonly Log[], { most = 10_000, timestamp = timeOf, odd = {} as Record<string, unknown> } = {}) {
  const ranges: [from: number, to: number][] = [];
  const answer = (method: string, params: unknown[]): unknown => {
    if (method in odd) return odd[method];
    if (method === 'eth_chainId') return numberToHex(84_532);
    if (method === 'eth_getBlockByNumber') {
      const number = params[0] === 'latest' ? latest : Number(params[0]);
      return { number: numberToHex(number), timestamp: numberToHex(timestamp(number)) };
    }
    const { topics, fromBlock, toBlock } = params[0] as Asked;
    expect([method, (topics[0] as string[]).length, topics[1]]).toEqual(['eth_getLogs', 2, `0x${'0'.repeat(24)}${FROM.slice(2)}`]);
    const [from, to] = [Number(fromBlock), Number(toBlock)];
    ranges.push([from, to]);
    if (to - from + 1 > most) return null;
    return logs.filter(({ blockNumber }) => Number(blockNumber) >= from && Number(blockNumber) <= to);
  };
  const upstream: Upstream = {
    async send(request) {
      const { method, params } = JSON.parse(String(request.body)) as { method: string; params: unknown[] };
      return { status: 200, fields: {}, body: Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, result: answer(method, params) })) };
    },
    close: async () => {},
  };
  const chain = createChainReader({ upstream, rpcOf: (network) => (network.startsWith('eip155:') ? 'https://rpc.example' : null) });
  return { ranges, read: (since: number, network = NETWORK) => chain.transfers({ network, asset: ASSET, from: FROM, since }) };
}

describe('what left a wallet', () => {
  it('is every transfer since then, oldest first, each with the authorization it cashed', async () => {
    const { read } = node(100, [moved(90, 'b', 7n), used(50, 'a', '1'), moved(50, 'a', 10_000n), moved(9, 'old', 1n)]);
    expect(await read(timeOf(10))).toEqual({
      transfers: [
        { transaction: hash('a'), to: TO, amount: 10_000n, nonce: hash('1'), block: 50 },
        { transaction: hash('b'), to: TO, amount: 7n, nonce: null, block: 90 },
      ],
      since: timeOf(10),
      asOf: timeOf(100),
    });
  });

  it('is told apart where one transaction moves money many times', async () => {
    const { read } = node(9, [moved(5, 'a', 1n), used(5, 'a', '2'), moved(5, 'a', 2n), used(5, 'a', '3'), moved(5, 'a', 3n), moved(5, 'a', 4n), moved(6, 'b', 5n), used(6, 'b', '5')]);
    expect((await read(START))?.transfers.map(({ amount, nonce }) => [amount, nonce])).toEqual([[1n, null], [2n, hash('2')], [3n, hash('3')], [4n, null], [5n, hash('5')]]);
  });

  it('is read in chunks that leave no block out and none twice', async () => {
    const { read, ranges } = node(30_000, [moved(12_000, 'a', 1n), moved(3_000, 'b', 2n), moved(2_999, 'c', 4n)]);
    expect((await read(timeOf(3_000)))?.transfers.map(({ amount }) => amount)).toEqual([2n, 1n]);
    expect(ranges).toEqual([[21_001, 30_000], [12_001, 21_000], [3_001, 12_000], [3_000, 3_000]]);
  });

  it('is as much as fifty questions give, and says how far back that is', async () => {
    const { read, ranges } = node(1_000_000, [moved(560_000, 'a', 1n), moved(540_000, 'b', 2n)]);
    expect(await read(START)).toMatchObject({ transfers: [{ amount: 1n }], since: timeOf(1_000_000 - 450_000 + 1) });
    expect(ranges).toHaveLength(50);
  });

  it('is all there is where the chain is younger than asked', async () => {
    expect(await node(100, [moved(0, 'a', 1n)]).read(START - 1_000)).toMatchObject({ transfers: [{ amount: 1n }], since: START - 1_000 });
  });

  it('is nothing where the chain has not come that far', async () => {
    expect(await node(100, [moved(99, 'a', 1n)]).read(timeOf(5_000))).toMatchObject({ transfers: [], asOf: timeOf(100) });
  });

  it('is asked for in smaller pieces where a node gives no more at once, and then not as far back', async () => {
    const { read, ranges } = node(30_000, [moved(29_000, 'a', 1n), moved(100, 'b', 2n)], { most: 500 });
    const answer = await read(START);
    // 9,000 blocks, 4,500, 2,250, 1,125 and 562 were too many.
    expect(ranges.slice(0, 6).map(([from, to]) => to - from + 1)).toEqual([9_000, 4_500, 2_250, 1_125, 562, 281]);
    expect(ranges).toHaveLength(50);
    expect(answer).toMatchObject({ transfers: [{ amount: 1n }], since: timeOf(30_000 - 45 * 281 + 1) });
  });

  it('is unknown where the user names no RPC, where it is another chain, and where a node gives no logs at all', async () => {
    expect(await node(100, []).read(START, 'solana:x')).toBeNull();
    expect(await node(100, []).read(START, 'eip155:1')).toBeNull();
    expect(await node(100, [], { most: 0 }).read(START)).toBeNull();
  });

  it.each<[string, Parameters<typeof node>[1], Parameters<typeof node>[2]]>([
    ['a log of another token', [moved(5, 'a', 1n, { address: TO })], {}],
    ["another's log", [moved(5, 'a', 1n, { topics: encodeEventTopics({ abi: ABI, eventName: 'Transfer', args: { from: TO, to: FROM } }) })], {}],
    ['a log that was taken back', [moved(5, 'a', 1n, { removed: true })], {}],
    ['an amount that is none', [moved(5, 'a', 1n, { data: '0x' })], {}],
    ['a topic that is none', [moved(5, 'a', 1n, { topics: ['0x1'] })], {}],
    ['a transaction that is none', [moved(5, 'a', 1n, { transactionHash: 'x' })], {}],
    ['a log of another block', [], { odd: { eth_getLogs: [moved(500, 'a', 1n)] } }],
    ['no list', [], { odd: { eth_getLogs: 'none' } }],
    ['another block', [], { odd: { eth_getBlockByNumber: { number: '0x64', timestamp: numberToHex(timeOf(100)) } } }],
    ['a block without a time', [], { odd: { eth_getBlockByNumber: { number: '0x64' } } }],
  ])('is unknown with %s', async (_, logs, more) => {
    expect(await node(100, logs, more).read(timeOf(3))).toBeNull();
  });
});
