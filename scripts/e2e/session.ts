import { spawn } from 'node:child_process';
import { ensureClient } from './client.ts';
import {
  type ClientEvent,
  type HookEvent,
  hookEventsIn,
  type ResultEvent,
  resultIn,
  type ToolCall,
  toolCallsIn,
} from './stream-events.ts';
import { clientEnv, type Workspace } from './workspace.ts';

export interface ClientOptions {
  readonly workspace: Workspace;
  /** The client's executable, where it is not the pinned one. */
  readonly client?: string;
  /** Where the Messages API listens. */
  readonly apiUrl: string;
  readonly pluginDirs?: readonly string[];
  readonly allowedTools?: readonly string[];
  readonly permissionMode?: 'default' | 'acceptEdits' | 'plan' | 'bypassPermissions' | 'dontAsk';
  readonly skipPermissions?: boolean;
  readonly settings?: object;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

export interface SessionOptions extends ClientOptions {
  readonly prompt: string;
  readonly timeoutMs?: number;
  /** Clients before 2.1.119 or so do not know the option that shows them. */
  readonly withHookEvents?: boolean;
}

export interface SessionOutcome {
  readonly events: readonly ClientEvent[];
  readonly toolCalls: readonly ToolCall[];
  readonly hookEvents: readonly HookEvent[];
  /** Absent when the client ended without one. */
  readonly result: ResultEvent | undefined;
  readonly stderr: string;
  /** 143 when the client was asked to end in time, `null` when it had to be killed. */
  readonly exitCode: number | null;
  readonly timedOut: boolean;
  readonly durationMs: number;
}

const GOODBYE_MS = 5_000;
const EVERY_EVENT = ['--output-format', 'stream-json', '--verbose'];

/** Runs `claude -p <prompt>` to its end. A client that outlives its limit is ended, and `timedOut` says so. */
export async function runSession(options: SessionOptions): Promise<SessionOutcome> {
  const client = options.client ?? (await ensureClient());
  const started = performance.now();
  const child = spawn(client, ['-p', options.prompt, ...outputArgs(options), ...clientArgs(options)], {
    cwd: options.workspace.cwd,
    env: clientEnv(options.workspace, options.apiUrl, options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  let timedOut = false;
  let lastResort: NodeJS.Timeout | undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const limit = setTimeout(() => {
    timedOut = true;
    // Asked first, the client also ends the commands it started; killed at once, it would leave them running.
    child.kill('SIGTERM');
    lastResort = setTimeout(() => child.kill('SIGKILL'), GOODBYE_MS);
  }, options.timeoutMs ?? 60_000);
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject).once('close', resolve);
    });
    const events = parseLines(stdout);
    return {
      events,
      toolCalls: toolCallsIn(events),
      hookEvents: hookEventsIn(events),
      result: resultIn(events),
      stderr,
      exitCode,
      timedOut,
      durationMs: performance.now() - started,
    };
  } finally {
    clearTimeout(limit);
    clearTimeout(lastResort);
  }
}

function outputArgs({ withHookEvents = true }: SessionOptions): string[] {
  return withHookEvents ? [...EVERY_EVENT, '--include-hook-events'] : EVERY_EVENT;
}

export function clientArgs(options: ClientOptions): string[] {
  return [
    ...(options.pluginDirs ?? []).flatMap((folder) => ['--plugin-dir', folder]),
    ...(options.allowedTools?.length ? ['--allowedTools', options.allowedTools.join(',')] : []),
    ...permissionArgs(options),
    ...(options.settings ? ['--settings', JSON.stringify(options.settings)] : []),
    ...(options.args ?? []),
  ];
}

/** Without a choice the screen would start in auto mode and `-p` in default mode; tests want one and the same. */
function permissionArgs({ permissionMode, skipPermissions }: ClientOptions): string[] {
  if (skipPermissions) return ['--dangerously-skip-permissions'];
  return ['--permission-mode', permissionMode ?? 'default'];
}

/** A killed client may leave half a line behind; that line is dropped, not an error. */
function parseLines(stdout: string): ClientEvent[] {
  return stdout.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as ClientEvent];
    } catch {
      return [];
    }
  });
}
