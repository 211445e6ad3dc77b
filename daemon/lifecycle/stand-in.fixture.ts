import { appendFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { Hono } from 'hono';
import { runDaemon } from './run.ts';
import type { Assemble } from './start.ts';

/**
 * A daemon that decides nothing: the real life (port, proof, driver, log, idle end, drain) around a tiny app that can hold a call open.
 * `POST /v1/call` is answered after `ms`, and written to `calls.txt` only when it was let run to its end.
 */
const assemble: Assemble = async ({ home, clock, sqlite }) => {
  const database = sqlite.open(home.ledgerFile);
  database.exec('PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY)');
  const app = new Hono();
  const open = new Set<Promise<void>>();
  let last = clock();
  let busy = process.env['PAG0_TEST_BUSY'] === '1';
  let draining = false;

  app.post('/v1/session', async (c) => {
    last = clock();
    const registration = await c.req.json<{ session_id: string; event: string }>();
    database.prepare('INSERT OR IGNORE INTO sessions VALUES (?)').run(registration.session_id);
    appendFileSync(join(home.dir, 'sessions.jsonl'), `${JSON.stringify(registration)}\n`);
    return c.json({});
  });
  app.post('/v1/call', async (c) => {
    if (draining) return c.json({ error: { code: 'DRAINING', message: 'draining' } }, 503);
    const { ms, name } = await c.req.json<{ ms: number; name: string }>();
    const call = new Promise<void>((resolve) => setTimeout(resolve, ms)).then(() => appendFileSync(join(home.dir, 'calls.txt'), `${name}\n`));
    open.add(call);
    await call;
    open.delete(call);
    return c.json({ done: name });
  });
  app.post('/v1/busy', async (c) => {
    busy = (await c.req.json<{ busy: boolean }>()).busy;
    return c.json({});
  });

  return {
    confined: () => false,
    hook: async () => ({ status: 200, text: JSON.stringify({ from: 'the daemon' }) }),
    proxy: { request: () => false, accept: (socket, own) => own(socket) },
    fetch: (request) => app.fetch(request),
    lastActivity: () => last,
    mode: () => 'enforce',
    busy: () => busy || open.size > 0,
    drain: async () => {
      draining = true;
      await Promise.all(open);
    },
    close: async () => {
      database.close();
      appendFileSync(join(home.dir, 'calls.txt'), 'closed\n');
    },
  };
};

await runDaemon({ assemble, driverSource: process.env['PAG0_TEST_DRIVER'] ?? fileURLToPath(new URL('../driver', import.meta.url)) });
