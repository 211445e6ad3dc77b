import { sessionStart } from '../session-start.ts';
import { createClient } from '../../daemon/contract/client.ts';
import { ROUTES, type SessionAnswer } from '../../daemon/contract/routes.ts';
import type { BenchDaemon } from './daemon.ts';

/** What the programs of a session show the gateway: its proxy's user and password, as its environment has them. */
export async function credentialsFor(daemon: BenchDaemon): Promise<Record<string, string>> {
  const client = createClient({ home: daemon.home, port: daemon.port, timeoutMs: 5_000 });
  const outcome = await client.post<SessionAnswer>(ROUTES.session, sessionStart('bench', daemon.home.dir, process.pid));
  client.close();
  const gateway = outcome.kind === 'answer' ? outcome.body?.gateway : null;
  if (gateway == null) throw new Error(`no way to the gateway was told: ${JSON.stringify(outcome)}`);
  return { 'proxy-authorization': `Basic ${Buffer.from(`${gateway.user}.${process.pid}:${gateway.secret}`).toString('base64')}` };
}
