import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { AncestorProcess } from '../daemon/contract/routes.ts';

const MAX_DEPTH = 32;
/** A Bash tool call's whole text stands in the command line of its shell; the daemon looks for it there. */
const MAX_COMMAND = 64_000;

interface ProcessFacts {
  parent: number;
  argv: readonly string[];
}

/**
 * The processes above this hook, nearest first. An agent can wipe its child's environment, but not its own place in the tree of
 * processes: a nested client is below the outer one.
 */
export function ancestorsOf(pid: number, look: (pid: number) => ProcessFacts | null = processTable()): AncestorProcess[] {
  const found: AncestorProcess[] = [];
  let at = look(pid)?.parent ?? 0;
  while (at > 1 && found.length < MAX_DEPTH) {
    const facts = look(at);
    if (facts === null) break;
    found.push({ pid: at, command: facts.argv.join(' ').slice(0, MAX_COMMAND) });
    at = facts.parent;
  }
  return found;
}

/** The client's own process: it says so itself; an older one is the first ancestor that is not the shell of the hook. */
export function clientPidOf(ancestors: readonly AncestorProcess[], claimed: string | undefined): number | null {
  const named = ancestors.find((process) => String(process.pid) === claimed);
  if (named !== undefined) return named.pid;
  const first = ancestors.find((process) => !/^(?:\S*\/)?(?:ba|da|z|k|a|fi)?sh(?:\.exe)?(?:\s|$)/.test(process.command));
  return first?.pid ?? null;
}

function processTable(): (pid: number) => ProcessFacts | null {
  return process.platform === 'linux' ? fromProc : fromPs();
}

function fromProc(pid: number): ProcessFacts | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may itself hold spaces and parentheses: `pid (name) state ppid …`.
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    if (argv.at(-1) === '') argv.pop();
    return { parent, argv };
  } catch {
    return null;
  }
}

function fromPs(): (pid: number) => ProcessFacts | null {
  const table = new Map<number, ProcessFacts>();
  if (process.platform === 'win32') return () => null;
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,command='], { encoding: 'utf8', timeout: 1_000 });
  for (const line of (stdout ?? '').split('\n')) {
    const match = /^\s*(\d+)\s+(\d+)\s+(.*\S)\s*$/.exec(line);
    if (match !== null) table.set(Number(match[1]), { parent: Number(match[2]), argv: [match[3]!] });
  }
  return (pid) => table.get(pid) ?? null;
}
