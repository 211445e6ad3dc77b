import { compare, inFlight, type Kind } from './compare.ts';
import { believing, startHttpsStage, type HttpsStage } from './https-stage.ts';
import { ID, load, type Load } from './load.ts';
import { startOtherProxies, type OtherProxy } from './proxies.ts';
import { DOCUMENT } from './seller.ts';
import { row, show } from './stats.ts';
import { sayTargets } from './targets.ts';

/**
 * One small JSON document by HTTPS, in turns within one run, always on connections that are kept on both sides and whose
 * handshakes are over:
 *
 * - asked of the server itself;
 * - as a blind tunnel: TLS goes through to the server, the gateway passes on bytes;
 * - with TLS ended in between and the server verified, by pag0, mitmproxy and squid alike, none of which keeps the answer:
 *   the same work done by three, each with one process, and none keeps a log of it;
 * - what pag0 alone does: a priced miss, whose money is set aside on disk before it is sent and whose answer is kept, and a hit.
 *
 * Many callers come first, so that what one alone is told are the figures of programs that have been at work for a while.
 */
export async function benchHttps(options: { seconds: number; rounds: number }): Promise<void> {
  const stage = await startHttpsStage();
  let others: OtherProxy[] = [];
  try {
    others = await startOtherProxies(stage.ca);
    await load({ ...hitOf(stage), connections: 1, seconds: 5, requests: 1 });
    for (const connections of [64, 1]) {
      const kinds = kindsOf(stage, others).map(([name, ask]): Kind => [name, { ...ask, connections, seconds: options.seconds }]);
      const figures = await compare(`A document by HTTPS with ${inFlight(connections)}`, 'of the direct', kinds, options.rounds);
      if (connections === 1) sayTargets(figures.get(HIT)!);
    }
    row('memory of the daemon after it', `${show(stage.daemon.rssMb(), 0)} MB`);
  } finally {
    await Promise.all([stage.stop(), ...others.map((other) => other.stop())]);
  }
}

const HIT = 'pag0, TLS ended, a hit';

type Asked = Omit<Load, 'connections' | 'seconds'>;

function kindsOf(stage: HttpsStage, others: readonly OtherProxy[]): [name: string, asked: Asked][] {
  const { authority, direct, tunnel, ended } = stage;
  const passed = { method: 'GET' as const, host: authority, path: `/doc?n=${ID}`, expected: DOCUMENT };
  return [
    ['asked of the server itself', { ...passed, ...direct }],
    ['pag0, a blind tunnel', { ...passed, ...tunnel }],
    ['pag0, TLS ended, not kept', { ...passed, ...ended, mark: 'via: 1.1 pag0-' }],
    ...others.map(({ name, port, ca }): [string, Asked] => [`${name}, TLS ended, not kept`, { ...passed, port, tunnel: { authority, fields: {} }, trust: believing(ca) }]),
    ['pag0, TLS ended, a priced miss', { ...passed, ...ended, path: `/priced/doc?n=${ID}`, mark: 'x-pag0-cache: miss' }],
    [HIT, { ...hitOf(stage), mark: 'x-pag0-cache: hit' }],
  ];
}

function hitOf({ authority, ended }: HttpsStage): Asked {
  return { ...ended, method: 'GET' as const, host: authority, path: '/priced/doc', expected: DOCUMENT };
}
