import type { IncomingMessage, ServerResponse } from 'node:http';
import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { Hono } from 'hono';
import type { HttpBindings } from '@hono/node-server';
import { createProxyCredentials } from './access/credentials.ts';
import { createOwnConfig } from './access/own-config.ts';
import { openCache } from './cache/open.ts';
import { createClientSettings } from './config/client-settings.ts';
import { createPolicies } from './config/policies.ts';
import { environmentFile, type Home } from './contract/home.ts';
import type { GatewayAccess } from './contract/routes.ts';
import { TOOL_PAYMENT } from './contract/tool-payment.ts';
import type { WalletSecrets } from './contract/wallet-secrets.ts';
import { calendar } from './core/day.ts';
import { namedHosts } from './core/named-hosts.ts';
import { directHosts } from './core/passage.ts';
import { refusal } from './core/errors.ts';
import { createCertificateAuthority, type CertificateAuthority } from './gateway/ca.ts';
import { trustedRoots } from './gateway/roots.ts';
import { createWaysOut } from './gateway/ways-out.ts';
import { leadsHere } from './gateway/authority.ts';
import { createGateway } from './gateway/gateway.ts';
import { approvalId, assemblePayments, walletAddress } from './assemble-payments.ts';
import { apiRoutes } from './http/api.ts';
import { approvalRoutes } from './http/approvals-api.ts';
import { cacheRoutes } from './http/cache-api.ts';
import { balanceRoutes, walletRoutes } from './http/wallet-api.ts';
import { quoteRoutes } from './http/quote-api.ts';
import { asResponse } from './http/error-answer.ts';
import { receiptRoutes } from './http/receipts-api.ts';
import { reconciliationRoutes } from './http/reconciliation-api.ts';
import { hookRoute } from './http/hook.ts';
import { problemAnswer, writePlain, type PlainAnswer } from './http/plain.ts';
import { toolPaymentRoutes } from './http/tool-payment-api.ts';
import { sqliteBook } from './ledger/sqlite.ts';
import type { SqliteDriver } from './ledger/driver.ts';
import type { Log } from './lifecycle/log.ts';
import { HAS_RELAY, launchOf, neighbourOf, relayOf } from './lifecycle/neighbour.ts';
import { processSystem } from './lifecycle/processes.ts';
import type { Assembled } from './lifecycle/start.ts';
import { createMcpProxy } from './mcp/proxy.ts';
import { isForProxy } from './mcp/target.ts';
import { createChainReader } from './payer/chain.ts';
import { createApprovals } from './pipeline/approvals.ts';
import { createDemands } from './pipeline/demands.ts';
import { createDirectives } from './pipeline/directives.ts';
import { createDoorway } from './pipeline/doorway.ts';
import { createExchange } from './pipeline/exchange.ts';
import { createGovernor } from './pipeline/governor.ts';
import { createHooks } from './pipeline/hook.ts';
import { createOrders } from './pipeline/orders.ts';
import type { Parts } from './pipeline/parts.ts';
import { createPersons } from './pipeline/person.ts';
import { createQuotes } from './pipeline/quote.ts';
import { reconcile } from './pipeline/reconcile.ts';
import { createSessions, type Live } from './pipeline/sessions.ts';
import type { Clock, Governor } from './ports.ts';
import { createShellCalls } from './pipeline/shell-calls.ts';
import { createRecall } from './pipeline/recall.ts';
import { createToolReads } from './pipeline/tool-reads.ts';
import { createWebFetches } from './pipeline/web-fetch.ts';
import { createPageConverter } from './reading/page-converter.ts';
import { lazyUpstream } from './upstream/lazy-upstream.ts';
import { memoised } from './shell/memo.ts';
import { readShell } from './shell/syntax.ts';
import { balancesOf } from './wallet/balances.ts';
import { createCustody } from './wallet/custody.ts';

/** How often sessions whose client is gone are looked for. */
const RECONCILE_EVERY_MS = 60_000;

/** From the daemon's own program, before anything else ran. */
interface Started {
  secrets?: WalletSecrets;
  /** Why its memory is not kept out of core files; null: it is. */
  unsecluded?: string | null;
}

/** The built programs of its threads. */
export interface Threads {
  pageReader: URL;
  signer: URL;
}

/** Puts the daemon together: the ledger and the roster, the pipeline, and the app that serves them. */
export async function assemble(options: { home: Home; version: string; log: Log; clock: Clock; sqlite: SqliteDriver; port: number; token: string; threads: Threads } & Started): Promise<Assembled> {
  const { home, log, clock, sqlite, port, token, threads } = options;
  const custody = createCustody({ walletFile: home.walletFile, token, environment: options.secrets ?? {} });
  if (typeof options.unsecluded === 'string') log.warn(options.unsecluded);
  const { ledger, roster } = sqliteBook(sqlite.open(home.ledgerFile), (error) => log.error('roster', error));
  const sessions = createSessions(roster, clock);
  const policies = createPolicies({ userFile: home.configFile, lastGoodFile: join(home.dir, 'config.last-good.json') }, clock, (id) => sessions.get(id)?.session);
  const dayOf = zonedCalendar(() => policies.timeZone());
  const shell = memoised(readShell);
  const ca = createCertificateAuthority({ dir: home.caDir, clock });
  const credentials = createProxyCredentials(token);
  const system = processSystem(port);
  const clientSettings = createClientSettings({ port, clock, launchOf });
  const parts: Parts = {
    ledger,
    roster,
    sessions,
    policies,
    directives: createDirectives(roster),
    clock,
    dayOf,
    readShell: shell,
    underway: new Set(),
    access: (live) => accessTo(live),
    sandboxOf: ({ session }) => clientSettings.sandboxOf(session),
    recall: null,
    // Where the system tells nobody's processes apart, what is priced is charged by the command's text.
    gateway: system === null ? null : { isTold: ({ session }) => (statSync(environmentFile(home.dir, session.id), { throwIfNoEntry: false })?.size ?? 0) > 0, ownConfig: createOwnConfig(homedir(), clock) },
    shells: system === null ? null : createShellCalls({ system, clock, wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms).unref()) }),
    protectedPaths: [home.dir],
    approvals: createApprovals(clock, approvalId),
    wallet: walletAddress(custody, (error) => log.error('wallet', error)),
    watched: (text, fields) => log.info(text, fields),
    ownAddress: new RegExp(`(127\\.0\\.0\\.1|localhost|\\[::1\\]|0\\.0\\.0\\.0):${port}\\b`),
  };
  /** Whoever is told of the gateway must find there what to trust. Without it a session goes on as it would without pag0. */
  async function accessTo({ session }: Live): Promise<GatewayAccess | null | undefined> {
    const inForce = policies.of(session);
    if (inForce?.policy.environment === false) return null;
    try {
      const { certificate, bundle, hashed } = await readyToEndTls(ca);
      const policy = inForce?.policy ?? null;
      const named = namedHosts(policy);
      const looks = named.length > 0 || policy?.strict === true || parts.wallet() !== '';
      return { url: `http://127.0.0.1:${port}`, ...credentials.of(session.id), ca: certificate, bundle, hashed, direct: directHosts(policy), named, looks };
    } catch (error) {
      log.error('certificates', error);
      return null;
    }
  }

  const orders = createOrders(parts);
  const persons = createPersons(parts, port);
  const hooks = createHooks(parts, orders);
  let active = clock();
  let draining = false;
  let inFlight = 0;

  const wayOut = createWaysOut({ home: home.dir, token, roots: trustedRoots });
  const upstream = lazyUpstream(() => ({ ca: trustedRoots(), ownPort: port, wayOut }));
  const cache = openCache({ file: home.cacheFile, open: sqlite.open, log });
  const rpcOf = (network: string): string | null => policies.networks().find(({ id }) => id === network)?.rpc ?? null;
  const chain = createChainReader({ upstream, rpcOf });
  const payments = assemblePayments({ parts, custody, chain, upstream, rpcOf, signer: threads.signer, log });
  const demands = createDemands();
  const exchange = createExchange({ parts, cache, upstream, demands, paidRequests: payments.paidRequests, nextId: () => randomBytes(9).toString('base64url'), failed: (error) => log.error('a request was answered and the ledger could not be written', error) });
  const pages = createPageConverter({ file: threads.pageReader });
  parts.recall = createRecall(createWebFetches({ parts, cache, exchange, demands, pages }), createToolReads(parts, cache));
  const doorway = createDoorway(parts, (remotePort, clients, itself) => neighbourOf(remotePort, port, clients, itself), HAS_RELAY ? (remotePort, clients) => relayOf(remotePort, port, clients) : null);
  const governor = createGovernor(parts, credentials, doorway, exchange);
  const gateway = createGateway({ governor: unlessDraining(governor, () => draining), contextFor: ca.contextFor, trust: onceOnly(() => createSecureContext({ ca: trustedRoots() })), wayOut, port, log });
  const mcp = createMcpProxy({ port, upstream, doorway, calls: payments.toolCalls, log });

  const answerHook = hookRoute(hooks, persons);
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.route('/', apiRoutes({ parts, orders, persons, startedBy: async (pid, remotePort) => (await neighbourOf(remotePort, port, new Set([pid]), true)) !== null, offerSecrets: custody.offer }));
  app.route('/', approvalRoutes({ parts, orders, persons }));
  app.route('/', walletRoutes({ standing: custody.standing, persons }));
  app.route('/', balanceRoutes({ standing: custody.standing, balances: (owner) => balancesOf(chain, policies.networks(), owner) }));
  app.route('/', cacheRoutes(cache, clock));
  app.route('/', toolPaymentRoutes({ payments: payments.toolPayments, doorway, sessionOf: (toolUseId) => sessions.all().find(({ calling }) => calling.has(toolUseId))?.session.id ?? null }));
  app.route('/', receiptRoutes(parts));
  app.route('/', quoteRoutes({ parts, doorway, quotes: createQuotes({ parts, cache, upstream, payer: payments.payer, purchases: payments.purchases, isOwn: (url) => leadsHere(url, port) }) }));
  app.route('/', reconciliationRoutes({ parts, chain, networks: policies.networks, standing: custody.standing }));
  app.onError((error) => asResponse(failed(error)));

  await reconcile(parts);
  const settleCheques = (): void => void payments.cheques.settle().catch((error: unknown) => log.error('cheques', error));
  settleCheques();
  const timer = setInterval(() => {
    reconcile(parts).catch((error: unknown) => log.error('reconcile', error));
    settleCheques();
  }, RECONCILE_EVERY_MS);
  timer.unref();

  /** Before anything else: who may not ask gets nothing. */
  function turnedAway(incoming: IncomingMessage): PlainAnswer | null {
    if (!fromThisMachine(incoming.headers.host, incoming.headers.origin, port)) return problemAnswer(403, 'FORBIDDEN', 'only programs on this machine may ask, and no web page');
    // What came of a payment that is on its way is heard to the end.
    return draining && incoming.url?.startsWith(`${TOOL_PAYMENT}/`) !== true ? problemAnswer(503, 'DRAINING', 'pag0 is being replaced; ask again in a moment') : null;
  }

  /** What is being answered keeps a drain waiting. */
  async function counted<T>(answer: () => T | Promise<T>): Promise<T> {
    active = clock();
    inFlight += 1;
    try {
      return await answer();
    } finally {
      inFlight -= 1;
    }
  }

  function failed(error: unknown): PlainAnswer {
    log.error('request', error);
    return problemAnswer(500, 'LEDGER_UNAVAILABLE', 'pag0 failed; see pag0 daemon logs');
  }

  /** Of what asks the daemon itself, the streams of MCP, which may stay open as long as a session. */
  function asksForMcp(incoming: IncomingMessage, outgoing: ServerResponse): boolean {
    const away = isForProxy(incoming.url ?? '') ? turnedAway(incoming) : null;
    if (away === null) return mcp.request(incoming, outgoing);
    incoming.resume();
    writePlain(outgoing, away);
    return true;
  }

  return {
    proxy: { accept: gateway.accept, request: asksForMcp },
    confined: doorway.confined,
    async hook(incoming) {
      return turnedAway(incoming) ?? (await counted(() => answerHook(incoming)).catch(failed));
    },
    async fetch(request, env) {
      const away = turnedAway((env as HttpBindings).incoming);
      return away === null ? counted(() => app.fetch(request, env as HttpBindings)) : asResponse(away);
    },
    lastActivity: () => active,
    mode: policies.mode,
    busy: () => inFlight > 0 || sessions.all().some((live) => live.session.endedAt === null && live.session.clientPid !== null),
    async drain() {
      draining = true;
      while (inFlight > 0 || parts.underway.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    async close() {
      clearInterval(timer);
      gateway.close();
      await upstream.close();
      await pages.close();
      await payments.payer.close();
      await cache.close();
      await ledger.close();
    },
  };
}

/** What is on its way is finished; what is new and would be looked at asks the daemon that comes. */
export function unlessDraining(governor: Governor, draining: () => boolean): Governor {
  const away = refusal('DRAINING', 'pag0 is being replaced, so the request was not sent; ask again in a moment', { scope: 'daemon' });
  return {
    whoAsks: governor.whoAsks,
    async passage(asker, authority) {
      const found = await governor.passage(asker, authority);
      return draining() && found.passage === 'look' ? { passage: 'refuse', refusal: away } : found;
    },
    // A tunnel that stands goes on asking.
    exchange: async (asker, request, signal) => (draining() ? { refusal: away } : governor.exchange(asker, request, signal)),
    admitSocket: async (asker, request) => (draining() ? away : governor.admitSocket(asker, request)),
    failed: governor.failed,
  };
}

/** The first certificate takes a tenth of a second, most of it loading; it begins while the program that needs one starts. */
async function readyToEndTls(ca: CertificateAuthority): ReturnType<CertificateAuthority['ready']> {
  const files = await ca.ready();
  ca.contextFor('localhost').catch(() => {});
  return files;
}

function onceOnly<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}

/** The zone may be changed in the configuration while the daemon runs. */
function zonedCalendar(zone: () => string): (at: number) => string {
  let current = zone();
  let dayOf = calendar(current);
  return (at) => {
    const now = zone();
    if (now !== current) {
      current = now;
      dayOf = calendar(now);
    }
    return dayOf(at);
  };
}

/**
 * A page in the browser can reach loopback, by address or through a name it rebinds to it; both show, in Origin or in
 * Host. The client's hooks send neither.
 */
function fromThisMachine(host: string | undefined, origin: string | undefined, port: number): boolean {
  return origin === undefined && (host === `127.0.0.1:${port}` || host === `localhost:${port}`);
}
