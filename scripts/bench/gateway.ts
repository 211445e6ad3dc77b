import { compare, inFlight, type Kind } from './compare.ts';
import { FAR, startDaemon } from './daemon.ts';
import { ID, load } from './load.ts';
import { DOCUMENT, startSeller } from './seller.ts';
import { row, show } from './stats.ts';
import { sayTargets } from './targets.ts';
import { credentialsFor } from './credentials.ts';

/**
 * One small JSON document by plain HTTP, in turns within one run: asked of the server itself, asked through the gateway
 * as a blind forward, looked at and fetched (a miss: another URL each time), and from the cache (a hit). Many callers come
 * first, so that what one alone is told are the figures of a daemon that has been at work for a while.
 */
export async function benchGateway(options: { seconds: number; rounds: number }): Promise<void> {
  const seller = await startSeller(null);
  const url = `http://${seller.authority}/doc`;
  const daemon = await startDaemon({ ...FAR, prices: [{ endpoint: `${seller.authority}/*`, price: '$0.0001' }] });
  try {
    const fields = await credentialsFor(daemon);
    for (const connections of [64, 1]) {
      const common = { method: 'GET' as const, host: seller.authority, connections, seconds: options.seconds, expected: DOCUMENT };
      const hit = { ...common, port: daemon.port, path: url, fields };
      await load({ ...hit, connections: 1, requests: 1 });
      const kinds: Kind[] = [
        ['asked of the server itself', { ...common, port: seller.port, path: '/doc' }],
        ['through the gateway, not looked at', { ...common, port: daemon.port, path: url }],
        ['through the gateway, a priced miss', { ...common, port: daemon.port, path: `${url}?n=${ID}`, fields, mark: 'x-pag0-cache: miss' }],
        [HIT, { ...hit, mark: 'x-pag0-cache: hit' }],
      ];
      const figures = await compare(`A document by plain HTTP with ${inFlight(connections)}`, 'of the direct', kinds, options.rounds);
      if (connections === 1) sayTargets(figures.get(HIT)!);
    }
    row('memory of the daemon after it', `${show(daemon.rssMb(), 0)} MB`);
  } finally {
    await daemon.stop();
    seller.close();
  }
}

const HIT = 'through the gateway, a hit';
