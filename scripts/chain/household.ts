import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '../../daemon/contract/client.ts';
import { DAEMON_FLAGS } from '../../daemon/contract/ensure.ts';
import { type Home, homeAt } from '../../daemon/contract/home.ts';
import { ROUTES, type HelloAnswer, type SessionAnswer } from '../../daemon/contract/routes.ts';
import { driverIfPresent } from '../../daemon/ledger/driver.ts';
import { sqliteBook } from '../../daemon/ledger/sqlite.ts';
import type { Ledger, Receipt } from '../../daemon/ports.ts';
import { freePort } from '../bench/free-port.ts';
import { buildBundles, writeBundles } from '../build.ts';
import { sessionStart } from '../session-start.ts';
import { KEYS } from './accounts.ts';
import { type Chain, NETWORK } from './chain.ts';

/**
 * The daemon as it ships, made of these sources into a folder of its own, with a wallet and somebody to ask about the chain.
 * What is tested here is asked for by real `curl`s, and judged by the chain.
 */
export interface Program {
  /** The folder of the bundles. */
  dir: string;
  remove(): void;
}

const REPO = fileURLToPath(new URL('../..', import.meta.url));

/** Beside `node_modules`, where Node 20 finds its SQLite. */
export async function buildProgram(): Promise<Program> {
  const root = mkdtempSync(join(tmpdir(), 'pag0-paying-'));
  symlinkSync(join(REPO, 'node_modules'), join(root, 'node_modules'));
  const dir = join(root, 'dist');
  writeBundles(await buildBundles(), dir);
  return { dir, remove: () => rmSync(root, { recursive: true, force: true, maxRetries: 3 }) };
}

/** One process of it. Several may have one home: then the ledger is what they share. */
export interface Running {
  port: number;
  pid: number;
  /** Resolves once the process is gone, however it was ended. */
  gone: Promise<void>;
  /** What everything that a session's Bash starts is given. */
  register(session: string): Promise<Way>;
  end(signal?: NodeJS.Signals): Promise<void>;
}

/** How a session's programs reach the gateway. */
export interface Way {
  proxy: string;
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export async function startPaying(program: Program, home: Home, port: number): Promise<Running> {
  const env = { PATH: process.env['PATH'], HOME: home.dir, PAG0_HOME: home.dir, PAG0_PORT: String(port), PAG0_WALLET_PRIVATE_KEY: KEYS.buyer };
  const child = spawn(process.execPath, [...DAEMON_FLAGS, join(program.dir, 'daemon.mjs')], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  running.add(child);
  const gone = new Promise<void>((resolve) =>
    child.once('exit', () => {
      running.delete(child);
      resolve();
    }),
  );
  await ready(home, port, child);
  return {
    port,
    pid: child.pid!,
    gone,
    register: (session) => register(home, port, session),
    end(signal = 'SIGTERM') {
      child.kill(signal);
      return gone;
    },
  };
}

async function ready(home: Home, port: number, child: ChildProcess): Promise<void> {
  const client = createClient({ home, port, timeoutMs: 1_000 });
  try {
    for (const began = performance.now(); performance.now() - began < 20_000; ) {
      const outcome = await client.get<HelloAnswer>(ROUTES.hello);
      if (outcome.kind === 'answer' && outcome.body.state === 'ready' && outcome.body.pid === child.pid) return;
      if (child.exitCode !== null) throw new Error(`the daemon ended at its start (${child.exitCode})`);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
  } finally {
    client.close();
  }
  throw new Error('the daemon did not get ready');
}

async function register(home: Home, port: number, session: string): Promise<Way> {
  const client = createClient({ home, port, timeoutMs: 5_000 });
  // Somebody's process that our own `curl`s are below would be found by it.
  const outcome = await client.post<SessionAnswer>(ROUTES.session, sessionStart(session, home.dir, null));
  client.close();
  const gateway = outcome.kind === 'answer' ? outcome.body.gateway : null;
  if (gateway == null) throw new Error(`not registered: ${JSON.stringify(outcome)}`);
  return { proxy: `http://${gateway.user}:${gateway.secret}@127.0.0.1:${port}` };
}

/** A home and the one daemon that lives there, which may be ended and started again. */
export interface Household {
  home: Home;
  now(): Running;
  way: Way;
  /** What its book says. */
  book<T>(look: (ledger: Ledger) => Promise<T>): Promise<T>;
  /** Newest first. */
  receipts(): Promise<Receipt[]>;
  /** A daemon looks at what was left open when it starts. */
  restart(signal?: NodeJS.Signals): Promise<void>;
  configure(config: object): void;
  close(): Promise<void>;
}

/** Limits far away, and every seller's address named, since a developer's own machine is otherwise nobody's business. */
export function configOf(chain: Chain | null, sellers: readonly { port: number; host?: string }[], policy: object = {}, more: object = {}): object {
  return {
    // No day ends in the middle of a test.
    timeZone: Math.abs(new Date().getUTCHours() - 12) < 9 ? 'UTC' : 'Etc/GMT+12',
    networks: [{ id: NETWORK, ...(chain === null ? {} : { rpc: chain.url }) }],
    policy: { sessionBudget: '$100000', dailyBudget: '$100000', maxPerRequest: '$50', ...policy },
    loops: { dollarsPerMinute: null, repeatLimit: null },
    prices: sellers.map(({ port, host = '127.0.0.1' }) => ({ endpoint: `${host}:${port}/paid/*`, price: 'x402' })),
    ...more,
  };
}

export function newHome(config: object): Home {
  const home = homeAt(mkdtempSync(join(tmpdir(), 'pag0-purse-')));
  mkdirSync(home.dir, { recursive: true, mode: 0o700 });
  writeFileSync(home.configFile, JSON.stringify(config), { mode: 0o600 });
  return home;
}

export async function openHousehold(program: Program, config: object, session = 'buyer'): Promise<Household> {
  const home = newHome(config);
  const port = await freePort();
  let now = await startPaying(program, home, port);
  const household: Household = {
    home,
    now: () => now,
    way: await now.register(session),
    book: (look) => bookOf(home, look),
    receipts: () => bookOf(home, (ledger) => ledger.receipts({ all: true }, 100_000)),
    async restart(signal) {
      await now.end(signal);
      now = await startPaying(program, home, port);
    },
    configure: (changed) => writeFileSync(home.configFile, JSON.stringify(changed), { mode: 0o600 }),
    async close() {
      await now.end();
      rmSync(home.dir, { recursive: true, force: true, maxRetries: 3 });
    },
  };
  return household;
}

export async function bookOf<T>(home: Home, look: (ledger: Ledger) => Promise<T>): Promise<T> {
  const { ledger } = sqliteBook(driverIfPresent(home)!.open(home.ledgerFile));
  try {
    return await look(ledger);
  } finally {
    await ledger.close();
  }
}

export interface Answered {
  /** 0: none came. */
  status: number;
  fields: Record<string, string>;
  text: string;
  json: unknown;
  /** What pag0 itself said instead of an answer; null: the seller's own words. */
  code: string | null;
  /** curl's own. */
  exit: number;
}

export interface Asking {
  method?: string;
  /** curl waits for a body where the method alone says that there is none. */
  head?: boolean;
  body?: string;
  fields?: Record<string, string>;
  /** In seconds. */
  patience?: number;
}

/** A real `curl` as an agent runs it. */
export function curl({ proxy }: Way, url: string, { method, head = false, body, fields = {}, patience = 30 }: Asking = {}): Promise<Answered> {
  const args = ['-sS', '-i', '--noproxy', '', '-x', proxy, '-m', String(patience), ...(head ? ['--head'] : []), ...(method === undefined ? [] : ['-X', method]), ...(body === undefined ? [] : ['--data-binary', body])];
  for (const [name, value] of Object.entries(fields)) args.push('-H', `${name}: ${value}`);
  return new Promise((resolve) => {
    execFile('curl', [...args, url], { env: { PATH: process.env['PATH'] }, maxBuffer: 64 * 1024 * 1024 }, (error, stdout) => {
      const exit = error === null ? 0 : Number(error.code ?? -1);
      // What was sent on the way ("100 Continue") is no answer.
      const [, head = '', text = ''] = /^(?:HTTP\/1\.1 1\d\d[^]*?\r\n\r\n)*([^]*?)\r\n\r\n([^]*)$/.exec(stdout) ?? [];
      const [first = '', ...lines] = head.split('\r\n');
      const json = parsed(text);
      const code = (json as { error?: { code?: string } } | null)?.error?.code ?? null;
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? 0), fields: Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()])), text, json, code, exit });
    });
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

/** Waits until the book says so: what a daemon looks at when it starts it looks at while it answers already. */
export async function until<T>(look: () => Promise<T>, holds: (value: T) => boolean, ms = 10_000): Promise<T> {
  for (const began = performance.now(); ; ) {
    const value = await look();
    if (holds(value)) return value;
    if (performance.now() - began > ms) throw new Error(`it did not come to it: ${JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one))}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
