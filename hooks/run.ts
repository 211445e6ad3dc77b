import { ensureDaemon, portTaken, type Ensured, type EnsureOptions } from '../daemon/contract/ensure.ts';
import { homeAt, homeDir, portFrom } from '../daemon/contract/home.ts';
import { ROUTES, type ErrorAnswer, type SessionAnswer } from '../daemon/contract/routes.ts';
import { WALLET_VARIABLES, walletSecretsIn } from '../daemon/contract/wallet-secrets.ts';
import { appendExports, appendLine } from './env-file.ts';
import { parsePayload, type HookMode, type HookPayload } from './payload.ts';
import { registrationOf, sealedFrom } from './registration.ts';
import { installSessionEnv } from './session-env.ts';

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

/** Each below the timeout of its entry in hooks.json; a person waits for the first two, nobody for the third. */
export const WAITS: Record<HookMode, Waits> = {
  'session-start': { waitMs: 5_000, fetchWaitMs: 25_000 },
  'user-prompt-submit': { waitMs: 4_000, fetchWaitMs: 6_000 },
  ensure: { waitMs: 14_000, fetchWaitMs: 25_000 },
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
    if (payload !== null && input.mode === 'session-start') exportSession(input, payload.sessionId, {}, sendThrough(input, payload.sessionId, undefined));
    return ensured.stranger ? stopWith(ensured.problem.sentence) : { systemMessage: ensured.problem.sentence };
  }
  try {
    const news = ensured.started || ensured.waited ? ensured.hello.notice : undefined;
    if (payload === null) return say(news);
    const output = await register(input, payload, ensured);
    const reads = sendThrough(input, payload.sessionId, output.gateway);
    if (input.mode === 'session-start') exportSession(input, payload.sessionId, output.env, reads);
    if (output.stop !== undefined) return stopWith(output.stop);
    return say(news, output.notice, input.mode === 'session-start' ? exposed(input.env) : undefined);
  } finally {
    ensured.client.close();
  }
}

function ensureOptions(input: HookInput): EnsureOptions {
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

async function register(input: HookInput, payload: HookPayload, ensured: Extract<Ensured, { ok: true }>): Promise<SessionAnswer> {
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
function sendThrough(input: HookInput, session: string, gateway: SessionAnswer['gateway']): string | null {
  const begins = input.mode === 'session-start';
  if (begins && (input.env['CLAUDE_ENV_FILE'] ?? '') === '') return null;
  const home = homeAt(homeDir(input.env));
  try {
    return installSessionEnv({ home: home.dir, session, begins, gateway, daemonFile: home.daemonFile, node: input.node, userConfigs: curlConfigs(input.env) });
  } catch {
    return null;
  }
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
