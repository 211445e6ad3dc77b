import { ensureDaemon, portTaken, type Ensured, type EnsureOptions } from '../daemon/contract/ensure.ts';
import { homeAt, homeDir, portFrom, readToken } from '../daemon/contract/home.ts';
import { ownEnvironment } from '../daemon/contract/own-environment.ts';
import { keepOwnWay, ownWayFile } from '../daemon/contract/own-way.ts';
import { ROUTES, type ErrorAnswer, type SessionAnswer } from '../daemon/contract/routes.ts';
import { ownProxiesIn, proxyFor } from '../daemon/core/own-proxy.ts';
import { WALLET_VARIABLES, walletSecretsIn } from '../daemon/contract/wallet-secrets.ts';
import { tooOld } from './client-version.ts';
import { appendExports, appendLine } from './env-file.ts';
import { parsePayload, type HookMode, type HookPayload } from './payload.ts';
import { registrationOf, sealedFrom } from './registration.ts';
import { ledIn, ownWayIn } from './own-way.ts';
import { hasQuietProxy, installSessionEnv } from './session-env.ts';

/** What the client reads from a command hook's stdout. Nothing at all means: go on. */
export interface HookOutput {
  systemMessage?: string;
  continue?: false;
  stopReason?: string;
}

export interface HookInput {
  mode: HookMode;
  stdin: string;
  env: Record<string, string | undefined>;
  cwd: string;
  pid: number;
  /** `process.versions.node` */
  node: string;
  version: string;
  build: string;
  /** The daemon's program file. */
  entry: string;
  execArgv?: readonly string[];
}

interface Waits {
  waitMs: number;
  fetchWaitMs: number;
}

/** Each below the timeout of its entry in hooks.json; a person waits for the first two, nobody for the third, an agent for the last. */
export const WAITS: Record<HookMode, Waits> = {
  'session-start': { waitMs: 5_000, fetchWaitMs: 25_000 },
  'user-prompt-submit': { waitMs: 4_000, fetchWaitMs: 6_000 },
  ensure: { waitMs: 14_000, fetchWaitMs: 25_000 },
  away: { waitMs: 10_000, fetchWaitMs: 15_000 },
};

const REGISTER_MS = 2_000;

/**
 * Find or start the daemon, tell it of this session, and say at most one sentence. Ordinary work goes on whatever happens, with one
 * exception: when somebody else sits on the port that the http hooks of this session will talk to, the session ends here.
 */
export async function runHook(input: HookInput): Promise<HookOutput> {
  const payload = parsePayload(input.stdin, input.cwd);
  const ensured = await ensureDaemon(ensureOptions(input));
  if (!ensured.ok) {
    // What its shells read lies there from the first prompt that finds a daemon.
    if (payload !== null && input.mode === 'session-start') exportSession(input, payload.sessionId, {}, sendThrough(input, payload, undefined));
    return ensured.stranger ? stopWith(ensured.problem.sentence) : { systemMessage: ensured.problem.sentence };
  }
  try {
    const news = ensured.started || ensured.waited ? ensured.hello.notice : undefined;
    if (payload === null) return say(news);
    const output = await register(input, payload, ensured);
    const way = ownWayIn(ownEnvironment(input.env), payload.cwd);
    const reads = sendThrough(input, payload, output.gateway, way);
    if (input.mode === 'session-start') exportSession(input, payload.sessionId, output.env, reads);
    if (output.stop !== undefined) return stopWith(output.stop);
    const once = [exposed(input.env), detour(input.env), unseen(input.node, output.gateway, way.unknown), tooOld(input.env) ?? undefined];
    return say(news, output.notice, ...(input.mode === 'session-start' ? once : []));
  } finally {
    ensured.client.close();
  }
}

export function ensureOptions(input: HookInput): EnsureOptions {
  return {
    dir: homeDir(input.env),
    port: portFrom(input.env),
    version: input.version,
    build: input.build,
    entry: input.entry,
    env: input.env,
    ...(input.execArgv === undefined ? {} : { execArgv: input.execArgv }),
    ...WAITS[input.mode],
  };
}

export async function register(input: HookInput, payload: HookPayload, ensured: Extract<Ensured, { ok: true }>): Promise<SessionAnswer> {
  const registration = { ...registrationOf(input.mode, payload, input.env, input.pid, input.version), ...sealedFrom(input.env, ensured.home) };
  const outcome = await ensured.client.post<SessionAnswer & Partial<ErrorAnswer>>(ROUTES.session, registration, REGISTER_MS);
  if (outcome.kind === 'stranger') return { stop: portTaken(portFrom(input.env)).sentence };
  if (outcome.kind === 'answer' && outcome.status < 300) return outcome.body ?? {};
  const why = outcome.kind === 'answer' ? (outcome.body?.error?.message ?? `status ${outcome.status}`) : 'no answer';
  return { notice: `pag0: this session could not be registered (${why}); calls that cost are refused until the next prompt.` };
}

/** The parent also when the daemon had nothing to add: a session started from this one must know it. */
function exportSession(input: HookInput, sessionId: string, more: Record<string, string> = {}, line: string | null): void {
  const file = input.env['CLAUDE_ENV_FILE'];
  if (file === undefined || file === '') return;
  appendExports(file, { PAG0_PARENT_SESSION: sessionId, ...more });
  if (walletSecretsIn(input.env, WALLET_VARIABLES) !== null) appendLine(file, `unset ${Object.values(WALLET_VARIABLES).join(' ')}\n`);
  if (line !== null) appendLine(file, line);
}

/** It is taken out of what Bash starts; the client itself and the servers it starts still have it. */
function exposed(env: HookInput['env']): string | undefined {
  const named = Object.values(WALLET_VARIABLES).filter((name) => (env[name] ?? '') !== '');
  if (named.length === 0) return undefined;
  return `pag0: ${named.join(' and ')} ${named.length === 1 ? 'stands' : 'stand'} in the environment this client was started with, where its agents can find what opens your wallet; give it to \`pag0 daemon start\` alone, or keep the key with \`pag0 wallet import\`.`;
}

/** With every prompt as well, so that a change of mind reaches a session that is running. A full disk stops no session. */
export function sendThrough(input: HookInput, { sessionId: session, cwd }: HookPayload, gateway: SessionAnswer['gateway'], way = ownWayIn(ownEnvironment(input.env), cwd)): string | null {
  const begins = input.mode === 'session-start';
  if (begins && (input.env['CLAUDE_ENV_FILE'] ?? '') === '') return null;
  const home = homeAt(homeDir(input.env));
  const env = ownEnvironment(input.env);
  try {
    const token = readToken(home);
    const trusts = (files: readonly string[]): void => {
      if (token?.ok === true) keepOwnWay(ownWayFile(home.dir, session), token.token, { proxies: way.proxies, trust: [...new Set([...way.trust, ...files])] });
    };
    return installSessionEnv({ trusts, home: home.dir, session, begins, gateway, daemonFile: home.daemonFile, node: input.node, userConfigs: curlConfigs(env), env, cwd, own: ledIn(env, way, gateway?.named ?? []) });
  } catch {
    return null;
  }
}

/** The client's own http hooks go by its proxy (2.1.332), and what answers there at 127.0.0.1 is not this machine. */
function detour(env: HookInput['env']): string | undefined {
  const way = ownProxiesIn(ownEnvironment(env)).proxies;
  if (way === null || [true, false].every((secure) => proxyFor(way, { host: '127.0.0.1', secure }) === null)) return undefined;
  return 'pag0: your proxy is not told to leave out 127.0.0.1, so the client asks pag0 by way of it and may get no answer; add 127.0.0.1 to NO_PROXY and start the session again.';
}

/** Hosts named in a sentence. */
const MAX_NAMED = 3;

/** Where rules name hosts, which programs reach them unseen: said once, because nothing else would ever tell. */
function unseen(node: string, gateway: SessionAnswer['gateway'], unknownProxy: string | null): string | undefined {
  const named = gateway?.named ?? [];
  if (gateway === undefined || gateway === null || named.length === 0) return undefined;
  const hosts = `${named.slice(0, MAX_NAMED).join(', ')}${named.length > MAX_NAMED ? ` and ${named.length - MAX_NAMED} more` : ''}`;
  if (unknownProxy !== null) return `pag0: programs reach the network by your proxy ${unknownProxy}, which pag0 cannot pass requests on to (http:// and https:// proxies it can), so what they ask of ${hosts} is counted only where a curl or wget command names it.`;
  if (hasQuietProxy(node)) return undefined;
  return `pag0: Node ${node} uses no proxy, so what its programs ask of ${hosts} is neither seen nor counted; Node 24 or newer in your PATH is.`;
}

function curlConfigs({ HOME: home, XDG_CONFIG_HOME: config }: HookInput['env']): string[] {
  return [...(config === undefined || config === '' ? [] : [`${config}/curlrc`]), ...(home === undefined ? [] : [`${home}/.curlrc`, `${home}/.config/curlrc`])];
}

function stopWith(sentence: string): HookOutput {
  return { continue: false, stopReason: sentence, systemMessage: sentence };
}

function say(...sentences: (string | undefined)[]): HookOutput {
  const said = sentences.filter((sentence) => sentence !== undefined && sentence !== '');
  return said.length === 0 ? {} : { systemMessage: said.join('\n') };
}
