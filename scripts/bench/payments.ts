import { KEYS } from '../chain/accounts.ts';
import { chainAvailable, NETWORK } from '../chain/chain.ts';
import { createNaiveBuyer } from '../chain/naive-buyer.ts';
import { USDC } from '../chain/token.ts';
import { FAR, startDaemon, type BenchDaemon } from './daemon.ts';
import { gatewayBuyer } from './gateway-buyer.ts';
import { startHelper } from './helper-process.ts';
import { ID, load, type LoadResult } from './load.ts';
import { median, row, show } from './stats.ts';
import { credentialsFor } from './credentials.ts';

/**
 * A document for a cent, settled on a real chain of this machine: bought by the x402 client itself and through the gateway,
 * in turns within one run. Then what decisions of hooks feel of fifty who buy at once: beside nobody, beside fifty who buy
 * without us (the machine is as busy, and we have no part in it), and beside fifty who buy through us.
 */
export async function benchPayments(options: { rounds: number; crowd: number; seconds: number }): Promise<void> {
  if (!chainAvailable()) return console.log('\nPayments: no chain here (the optional package with anvil is not installed)');
  const stage = await startHelper(new URL('./payment-stage.ts', import.meta.url));
  const { rpc, url } = JSON.parse(stage.said) as { rpc: string; url: string };
  const daemon = await startDaemon(
    { ...FAR, prices: [{ endpoint: `${new URL(url).host}/*`, price: 'x402' }], networks: [{ id: NETWORK, rpc, assets: [USDC] }] },
    { env: { PAG0_WALLET_PRIVATE_KEY: KEYS.buyer } },
  );
  try {
    const fields = await credentialsFor(daemon);
    await compareBuyers(url, daemon, fields, options.rounds);
    await crowded(url, daemon, fields, options);
  } finally {
    await daemon.stop();
    await stage.end();
  }
}

async function compareBuyers(url: string, daemon: BenchDaemon, fields: Record<string, string>, rounds: number): Promise<void> {
  const naive = createNaiveBuyer();
  const ours = gatewayBuyer(daemon.port, fields);
  const kinds: [string, (url: string) => Promise<{ status: number }>][] = [
    ['the x402 client itself', (one) => naive.buy(one)],
    ['through the gateway', (one) => ours.buy(one)],
  ];
  const took = new Map(kinds.map(([name]) => [name, [] as number[]]));
  for (let round = 0; round < rounds + 5; round += 1) {
    for (const [name, buy] of round % 2 === 0 ? kinds : kinds.toReversed()) {
      const began = performance.now();
      const { status } = await buy(`${url}?n=${name.length}-${round}`);
      if (status !== 200) throw new Error(`${name}: ${status}`);
      if (round >= 5) took.get(name)!.push(performance.now() - began);
    }
  }
  ours.close();
  const base = median(took.get(kinds[0]![0])!);
  console.log(`\nA paid document, from the demand to the chain and back (median of ${rounds}, in turns)`);
  row('', 'ms', 'of the client');
  for (const [name, all] of took) row(name, show(median(all), 1), `${show(median(all) / base, 2)} x`);
}

async function crowded(url: string, daemon: BenchDaemon, fields: Record<string, string>, { crowd, seconds }: { crowd: number; seconds: number }): Promise<void> {
  const body = JSON.stringify({ session_id: 'bench', hook_event_name: 'PreToolUse', cwd: '/', transcript_path: '/nonexistent', permission_mode: 'default', prompt_id: 'p1', tool_name: 'Bash', tool_input: { command: 'git status', description: 'x' }, tool_use_id: `toolu_${ID}` });
  await daemon.register('bench');
  const decisions = (): Promise<LoadResult> => load({ port: daemon.port, method: 'POST', path: '/hook', body, connections: 1, seconds, expected: '{}' });
  await decisions();
  console.log(`\nDecisions, one at a time, beside ${crowd} who buy at once`);
  row('', 'a second', 'p50 ms', 'p99 ms', 'bought a second');
  const shown = async (name: string, way: 'direct' | 'gateway' | null): Promise<void> => {
    const buyers = way === null ? null : await startHelper(new URL('./crowd.ts', import.meta.url), { url, crowd, way, port: daemon.port, fields });
    const result = await decisions();
    const bought = buyers === null ? 0 : Number(await buyers.end());
    row(name, show(result.perSecond, 0), show(result.p50, 2), show(result.p99, 2), show(bought, 0));
  };
  await shown('nobody buys', null);
  await shown('they buy without us', 'direct');
  await shown('they buy through the gateway', 'gateway');
}
