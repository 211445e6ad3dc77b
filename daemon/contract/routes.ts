import type { Mode } from '../core/mode.ts';
import type { Problem } from './problem.ts';

/**
 * The paths of the daemon and the shapes that cross them: plain types, because the hooks must start fast and carry no
 * schemas; the daemon parses what comes in at its own door. Everything under `/v1` is signed both ways (`proof.ts`).
 */
export const ROUTES = {
  /** Open to anyone, and says only `{ "service": "pag0" }`. */
  health: '/health',
  hello: '/v1/hello',
  status: '/v1/status',
  stop: '/v1/stop',
  session: '/v1/session',
  /** The client's http hooks. Not signed: a hook cannot sign. The session id, registered through `/v1/session`, lets it in. */
  hook: '/hook',
} as const;

/** On an event that a command hook tells beside the client's own: where that was heard, nothing is to be said twice (`hooks/away.ts`). */
export const SECOND_HEADER = 'x-pag0-second';

/** `starting`: the port is ours, the ledger is not open yet. `failed`: it never will be; `problem` says why, then it exits. */
export type DaemonState = 'starting' | 'ready' | 'draining' | 'failed';

export interface HelloAnswer {
  service: 'pag0';
  version: string;
  /** Hash of the bundle, so that a rebuild under the same version is noticed. */
  build: string;
  pid: number;
  port: number;
  node: string;
  startedAt: number;
  state: DaemonState;
  /** One sentence a person should read once, such as what is being or has been fetched. */
  notice?: string;
  problem?: Problem;
}

export interface StatusAnswer extends HelloAnswer {
  home: string;
  log: string;
  uptimeMs: number;
  idleMs: number;
  idleLimitMs: number;
  /** Live sessions or open reservations keep it from stopping by itself. */
  busy: boolean;
  driver: string | null;
  /** Of the user's configuration. `shadow`: nothing is refused or paid. null while it starts or ends. */
  mode: Mode | null;
}

export type StopReason = 'upgrade' | 'person' | 'idle' | 'signal' | 'token' | 'failed';

export interface StopAnswer {
  stopping: true;
  pid: number;
}

export type RegistrationEvent = 'session-start' | 'user-prompt-submit' | 'ensure';

export interface AncestorProcess {
  pid: number;
  /** Program and arguments. Stays between the hook and the daemon: it is compared with the commands in flight, never stored or logged. */
  command: string;
}

/** What a command hook tells about its session, at its start and with every prompt (never a prompt's text). */
export interface SessionRegistration {
  event: RegistrationEvent;
  session_id: string;
  transcript_path: string | null;
  cwd: string;
  /** SessionStart's `startup`, `resume`, `clear` or `compact`. */
  source: string | null;
  prompt_id: string | null;
  /** The client writes some prompts itself: when background work reports back, and when a loop wakes itself up. */
  author: 'person' | 'report' | 'wakeup';
  /** Of the prompt's text, which goes no further than the hook (`prompt-digest.ts`). */
  promptDigest: string | null;
  /** The slash command it begins with: clients before 2.1.92 tell of none, and those before 2.1.184 name no prompt. */
  command: string | null;
  permission_mode: string | null;
  /** A person sits at it: neither `-p` nor started by an agent. Only then may a command in it raise a limit. */
  attended: boolean;
  /** userConfig as the person typed it, by its own key: `{ "sessionBudget": "$5" }`. */
  options: Record<string, string>;
  /** The client's process: when it is gone, so is the session. */
  clientPid: number | null;
  /** From the environment the parent session's hook left for everything it starts. */
  parent: { session: string | null };
  /** Nearest first. An agent that wiped the environment is still below its client's process. */
  ancestors: AncestorProcess[];
  /** The git common directory, so that worktrees are one project; without git the folder itself. */
  project: string;
  /** The client's environment names a proxy that is not ours. */
  ownProxy: boolean;
  /** `pag0 run` names it; else null. */
  run: string | null;
  /** What the person keeps in the system's secret store for the wallet (`wallet-secrets.ts`): never stored, never logged, never answered. */
  sealed?: string;
  pluginVersion: string;
}

/** All optional: an empty answer means that there is nothing to say. */
export interface SessionAnswer {
  /** Shown to the person as `systemMessage`. */
  notice?: string;
  /** Ends the session here, with this sentence. */
  stop?: string;
  /** Exported to every Bash command of the session, next to what the hook exports itself (SessionStart only). */
  env?: Record<string, string>;
  /** What everything that the session's Bash starts is sent through; null: nothing, the person wants it so. */
  gateway?: GatewayAccess | null;
}

/** The gateway as one session reaches it. `hooks/session-env.ts` makes the session's environment of it. */
export interface GatewayAccess {
  /** `http://127.0.0.1:4402` */
  url: string;
  user: string;
  secret: string;
  /** Files: our CA alone, and the system's roots with it. */
  ca: string;
  bundle: string;
  /** A folder with our CA alone, named as OpenSSL looks for it. */
  hashed: string;
  /** Hosts that are reached without it. */
  direct: string[];
  /** Hosts that the rules name, with their port where it is not the scheme's own; a star stands for a part of a name. */
  named: string[];
  /** Some connection may be looked into, so that programs have to trust what they find there. */
  looks: boolean;
}

export interface ErrorAnswer {
  error: { code: string; message: string };
}
