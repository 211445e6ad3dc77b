import { readToken, type Home } from '../daemon/contract/home.ts';
import { ownEnvironment } from '../daemon/contract/own-environment.ts';
import type { SessionRegistration } from '../daemon/contract/routes.ts';
import { sealSecrets, WALLET_OPTIONS, walletSecretsIn } from '../daemon/contract/wallet-secrets.ts';
import { ownProxiesIn } from '../daemon/core/own-proxy.ts';
import { ancestorsOf, clientPidOf } from './ancestors.ts';
import type { HookMode, HookPayload } from './payload.ts';
import { projectOf } from './project.ts';

/** The keys of `userConfig` in plugin.json; the client passes them in upper case, so their own spelling has to be known here. */
export const OPTION_KEYS = ['sessionBudget', 'dailyBudget', 'maxPerRequest', 'agentBudget', 'alertOnThreshold'] as const;

/** Those that the client keeps in the system's secret store. They go their own way, and not among the options. */
export const SECRET_KEYS = ['wallet_private_key', 'wallet_password'] as const;

type Env = Record<string, string | undefined>;

export function registrationOf(mode: HookMode, payload: HookPayload, env: Env, pid: number, pluginVersion: string): SessionRegistration {
  const ancestors = ancestorsOf(pid);
  const parent = parentSession(env, payload.sessionId);
  return {
    // Somebody who is at work and found no daemon.
    event: mode === 'away' ? 'ensure' : mode,
    session_id: payload.sessionId,
    transcript_path: payload.transcriptPath,
    cwd: payload.cwd,
    source: payload.source,
    prompt_id: payload.promptId,
    author: payload.author,
    promptDigest: payload.promptDigest,
    command: payload.command,
    permission_mode: payload.permissionMode,
    attended: isAttended(env) && parent === null,
    options: optionsFrom(env),
    clientPid: clientPidOf(ancestors, env['CLAUDE_PID']),
    parent: { session: parent },
    ancestors,
    project: projectOf(payload.cwd),
    ownProxy: hasOwnProxy(env),
    run: filled(env['PAG0_RUN']),
    pluginVersion,
  };
}

/** Clients before 2.1.269 say only that they are the screen, or `-p`. */
function isAttended(env: Env): boolean {
  const told = env['CLAUDE_CODE_SESSION_ATTENDED'];
  return told === undefined ? env['CLAUDE_CODE_ENTRYPOINT'] === 'cli' : told === '1';
}

/** Through which nothing can be passed on: what goes out has to go that way, and not past it through ours. */
export function hasOwnProxy(env: Env): boolean {
  return ownProxiesIn(ownEnvironment(env)).unknown !== null;
}

export function optionsFrom(env: Env): Record<string, string> {
  const options: Record<string, string> = {};
  for (const key of OPTION_KEYS) {
    const value = filled(env[`CLAUDE_PLUGIN_OPTION_${key.toUpperCase()}`]);
    if (value !== null) options[key] = value;
  }
  return options;
}

/** For the daemon that shares the home's token, and for nobody else on the way to it. */
export function sealedFrom(env: Env, home: Home): Pick<SessionRegistration, 'sealed'> {
  const secrets = walletSecretsIn(env, WALLET_OPTIONS);
  const token = secrets === null ? null : readToken(home);
  return secrets === null || token === null || !token.ok ? {} : { sealed: sealSecrets(token.token, secrets) };
}

/** Left by the parent session's own hook in the environment of everything its Bash starts. */
function parentSession(env: Env, own: string): string | null {
  const parent = filled(env['PAG0_PARENT_SESSION']);
  return parent === own ? null : parent;
}

function filled(value: string | undefined): string | null {
  return value === undefined || value === '' ? null : value;
}
