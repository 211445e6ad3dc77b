import { createClient } from '../../daemon/contract/client.ts';
import { CACHE_VIEWS, type CacheListView } from '../../daemon/contract/cache-views.ts';
import type { BenchDaemon } from './daemon.ts';
import { download } from './download.ts';
import { startHttpsStage, type HttpsStage } from './https-stage.ts';
import { ID, load } from './load.ts';
import { PAGE } from './seller.ts';
import { row, show } from './stats.ts';

const FEW = 100;
const MANY = 10_000;
const BYTES = 2 * 1024 ** 3;

/** The daemon's memory: with many answers in its cache, each bought through it, and while a body passes that is larger than it may ever be. */
export async function benchMemory(): Promise<void> {
  const stage = await startHttpsStage();
  try {
    await withAnswers(stage);
    await whileStreaming(stage);
  } finally {
    await stage.stop();
  }
}

async function withAnswers({ daemon, authority, ended }: HttpsStage): Promise<void> {
  const atFirst = daemon.rssMb();
  const ask = { ...ended, method: 'GET' as const, host: authority, path: `/priced/page?n=${ID}`, expected: PAGE, connections: 8, seconds: 120 };
  // Code that has run is memory, too.
  await load({ ...ask, requests: FEW });
  const few = daemon.rssMb();
  await load({ ...ask, requests: MANY - FEW });
  const many = daemon.rssMb();
  const kept = await answersIn(daemon);
  if (kept !== MANY) throw new Error(`${kept} answers were kept`);
  console.log('\nMemory of the daemon');
  for (const [name, mb] of [['with a session', atFirst], [`with ${FEW} cached answers of 4 kB`, few], [`with ${MANY} of them`, many]] as const) row(name, `${show(mb, 0)} MB`);
}

/** Half-way the reader rests for two seconds, in which the sender must be made to wait. */
async function whileStreaming({ daemon, authority, direct, tunnel, ended }: HttpsStage): Promise<void> {
  console.log('\n2 GB by HTTPS to a reader who rests half-way for two seconds');
  row('', 'MB a second', 'of the direct', 'before it', 'at most');
  const base = await download(direct, authority, BYTES);
  row('asked of the server itself', show(base / 1e6, 0), '1.00 x');
  for (const [name, way] of [['pag0, a blind tunnel', tunnel], ['pag0, TLS ended, priced', ended]] as const) {
    const before = daemon.rssMb();
    daemon.forgetPeak();
    const perSecond = await download(way, authority, BYTES);
    row(name, show(perSecond / 1e6, 0), `${show(perSecond / base, 2)} x`, `${show(before, 0)} MB`, `${show(daemon.peakMb(), 0)} MB`);
  }
}

async function answersIn({ home, port }: BenchDaemon): Promise<number> {
  const client = createClient({ home, port, timeoutMs: 10_000 });
  const outcome = await client.get<CacheListView>(`${CACHE_VIEWS.list}?limit=1`);
  client.close();
  return outcome.kind === 'answer' ? outcome.body.total : Number.NaN;
}
