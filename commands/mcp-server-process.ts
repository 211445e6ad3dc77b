import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

/** An MCP server on stdio, and all that it starts. */
export interface ServerProcess {
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  /** What its client would have told it by a signal. */
  signal(signal: NodeJS.Signals): void;
  /** Nobody waits for it any more: it is asked to end, and then ended. */
  leave(): void;
  /** It has ended; what it left behind is nobody's. */
  over(): void;
}

/**
 * How long a server may take on each step of MCP's stdio transport ("Shutdown"), in ms, as MCP's
 * own SDK waits: from the end of its input to SIGTERM, and from there to SIGKILL.
 */
export interface Ladder {
  closeMs: number;
  termMs: number;
}

export const LADDER: Ladder = { closeMs: 2_000, termMs: 2_000 };
/** Windows has neither groups nor signals. */
const HAS_GROUPS = process.platform !== 'win32';

/**
 * The server is at the head of a process group of its own, so that what it started ends with it:
 * `npx` is the parent of the server that it runs. A client that is tired of its server kills it,
 * and that is us: a guard sees the end of our pipe then, however sudden, and kills the group in our
 * place.
 */
export function startServer(
  command: string,
  args: readonly string[],
  { termMs }: Ladder,
): ServerProcess {
  const child = spawn(command, [...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: HAS_GROUPS,
  });
  const guard = HAS_GROUPS && child.pid !== undefined ? startGuard(child.pid, termMs) : null;
  let step: NodeJS.Timeout | null = null;

  function toAll(signal: NodeJS.Signals): void {
    if (child.pid === undefined) return;
    try {
      process.kill(HAS_GROUPS ? -child.pid : child.pid, signal);
    } catch {
      // Nobody is left.
    }
  }

  function kill(): void {
    toAll('SIGKILL');
  }

  return {
    child,
    signal(signal) {
      child.kill(signal);
      if (signal !== 'SIGTERM') return;
      clearTimeout(step ?? undefined);
      step = setTimeout(kill, termMs);
    },
    leave() {
      if (step !== null) return;
      toAll('SIGTERM');
      step = setTimeout(kill, termMs);
    },
    over() {
      clearTimeout(step ?? undefined);
      if (step === null) return guard?.dismiss('over');
      // What outlives a server that was told to go is told, too, and the guard stays until it has.
      toAll('SIGTERM');
      guard?.dismiss('rest');
    },
  };
}

/**
 * `over`: it is not needed any more. `rest`: it ends what is left in a moment. Without a word: at
 * once.
 */
function startGuard(group: number, restMs: number): { dismiss(word: 'over' | 'rest'): void } {
  const told = `[ "$word" = rest ] || exit 0; sleep ${restMs / 1_000}`;
  const script = `if read -r word; then ${told}; fi; kill -9 -${group}`;
  const guard = spawn('/bin/sh', ['-c', script], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
    env: {},
  });
  guard.on('error', () => {});
  guard.stdin.on('error', () => {});
  guard.unref();
  (guard.stdin as Writable & { unref?(): void }).unref?.();
  return { dismiss: (word) => void guard.stdin.end(`${word}\n`) };
}
