import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Process, ProcessSystem, Search } from '../ports.ts';
import { run, socketInode } from './peer.ts';

/** More than this below one process is at work at something else; the nearest are looked at first. */
const MAX_BELOW = 512;
/** Small files of /proc that are read before others get their turn: about 50 µs each. */
const AT_ONCE = 40;
const MAX_ABOVE = 64;
/** Of a connection that no process has any more. */
const NO_INODE = '0';

/** `localPort`: the gateway's own. null: this system tells nothing. */
export function processSystem(localPort: number): ProcessSystem | null {
  if (process.platform === 'linux') return linux(localPort);
  return process.platform === 'win32' ? null : byPs(localPort);
}

/**
 * Reading /proc: many small files made in memory. A turn through the thread pool for each would cost ten times what
 * reading them costs, so they are read at once, and others get their turn in between.
 */
function linux(localPort: number): ProcessSystem {
  async function behind(remotePort: number, { likely, client }: Search): Promise<readonly Process[] | null> {
    // The kernel takes milliseconds for its table of connections, so that is waited for.
    const inode = await socketInode(remotePort, localPort);
    if (inode === null || inode === NO_INODE) return null;
    const socket = `socket:[${inode}]`;
    const turn = inTurns();
    const seen = new Set<number>();
    const isGone = likely.length > 0 && factsOf(likely[0]!) === null;
    const places: (() => AsyncGenerator<number> | Generator<number>)[] = [
      ...likely.map((pid) => () => below(pid, seen, turn)),
      ...(isGone ? [() => inGroups(new Set(likely), turn)] : []),
      ...(client === null ? [] : [() => below(client, seen, turn)]),
      ...(isGone || likely.length === 0 ? [] : [() => inGroups(new Set(likely), turn)]),
    ];
    for (const place of places) {
      for await (const pid of place()) if (pid !== client && openFilesOf(pid).includes(socket)) return lineFrom(pid);
    }
    return null;
  }

  return {
    isCheap: true,
    behind,
    process: async (pid) => factsOf(pid),
    children: async (pid) => childrenOf(pid).flatMap((child) => factsOf(child) ?? []),
    commandLine: async (pid) => wordsIn(pid, 'cmdline').join(' '),
    openFiles: async (pid) => openFilesOf(pid),
    launch: async (pid) => launchOf(pid),
  };
}

/** A process and all that is below it, nearest first, each once. */
async function* below(root: number, seen: Set<number>, turn: () => Promise<void> | null): AsyncGenerator<number> {
  const found = [root];
  for (const pid of found) {
    if (seen.has(pid)) continue;
    seen.add(pid);
    yield pid;
    await turn();
    if (found.length < MAX_BELOW) found.push(...childrenOf(pid));
  }
}

/** Every process of these groups: their parents may be gone. */
async function* inGroups(groups: ReadonlySet<number>, turn: () => Promise<void> | null): AsyncGenerator<number> {
  for (const pid of pidsOfAll()) {
    const facts = factsOf(pid);
    if (facts !== null && groups.has(facts.group)) yield facts.pid;
    await turn();
  }
}

function pidsOfAll(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

/** Lets everybody else go on after some steps. */
function inTurns(): () => Promise<void> | null {
  let steps = 0;
  return () => ((steps += 1) % AT_ONCE === 0 ? new Promise((resolve) => setImmediate(resolve)) : null);
}

function lineFrom(pid: number): Process[] {
  const line: Process[] = [];
  for (let at = pid; at > 1 && line.length < MAX_ABOVE; ) {
    const facts = factsOf(at);
    if (facts === null) break;
    line.push(facts);
    at = facts.parent;
  }
  return line;
}

/** Some kernels are built without these lists. */
const HAS_LISTS = existsSync(`/proc/${process.pid}/task/${process.pid}/children`);

/** Of all its threads: the kernel lists a child with the one that started it. */
function childrenOf(pid: number): number[] {
  if (!HAS_LISTS) return pidsOfAll().filter((one) => factsOf(one)?.parent === pid);
  try {
    const folder = `/proc/${pid}/task`;
    return readdirSync(folder).flatMap((thread) => textOf(`${folder}/${thread}/children`).split(' ').filter((one) => one !== '').map(Number));
  } catch {
    return [];
  }
}

function openFilesOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).map((name) => linkTo(`${folder}/${name}`));
  } catch {
    // Gone, or another user's.
    return [];
  }
}

function linkTo(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** What the kernel counts in, for programs: the same on every machine. */
const TICK_MS = 10;

/** `pid (name) state ppid pgrp session … starttime`, and the name may itself hold spaces and parentheses. */
function factsOf(pid: number): Process | null {
  const stat = textOf(`/proc/${pid}/stat`);
  const end = stat.lastIndexOf(')');
  if (end < 0) return null;
  const [state, parent, , group, ...rest] = stat.slice(end + 2).split(' ');
  // It has ended, and nobody has asked about it yet.
  if (state === 'Z' || state === 'X') return null;
  const start = rest[15] ?? '';
  return { pid, parent: Number(parent), group: Number(group), start, startedAt: bootedAt() + Number(start) * TICK_MS, name: stat.slice(stat.indexOf('(') + 1, end) };
}

let boot = { at: Number.NEGATIVE_INFINITY, ms: 0 };
/** The clock may be set while we run. */
const BOOT_HOLDS_MS = 10_000;

function bootedAt(): number {
  const now = Date.now();
  if (Math.abs(now - boot.at) > BOOT_HOLDS_MS) boot = { at: now, ms: now - Number(textOf('/proc/uptime').split(' ')[0]) * 1_000 };
  return boot.ms;
}

function wordsIn(pid: number, name: 'cmdline' | 'environ'): string[] {
  const words = textOf(`/proc/${pid}/${name}`).split('\0');
  return words.at(-1) === '' ? words.slice(0, -1) : words;
}

function launchOf(pid: number): { argv: string[]; env: Record<string, string> } | null {
  const argv = wordsIn(pid, 'cmdline');
  if (argv.length === 0) return null;
  const env = wordsIn(pid, 'environ').flatMap((entry): [string, string][] => (entry.includes('=') ? [[entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]] : []));
  return { argv, env: Object.fromEntries(env) };
}

/** The system's own tools tell, one process for each question: macOS, and whatever else has no /proc. */
function byPs(localPort: number): ProcessSystem {
  return {
    isCheap: false,
    async behind(remotePort, { client }) {
      const lines = await run('lsof', ['-nP', `-iTCP:${remotePort}`]);
      const holder = Number(lines.find((line) => line.includes(`127.0.0.1:${remotePort}->127.0.0.1:${localPort}`))?.trim().split(/\s+/)[1]);
      if (!Number.isInteger(holder) || holder === client) return null;
      const table = tableIn(await run('ps', PS_ALL));
      const line: Process[] = [];
      for (let at: Process | undefined = table.get(holder); at !== undefined && line.length < MAX_ABOVE; at = at.parent > 1 ? table.get(at.parent) : undefined) line.push(at);
      return line.length === 0 ? null : line;
    },
    process: async (pid) => tableIn(await run('ps', ['-o', PS_COLUMNS, '-p', String(pid)])).get(pid) ?? null,
    children: async (pid) => [...tableIn(await run('ps', PS_ALL)).values()].filter(({ parent }) => parent === pid),
    commandLine: async (pid) => (await run('ps', ['-ww', '-o', 'command=', '-p', String(pid)])).join('\n').trimEnd(),
    openFiles: async () => [],
    launch: async () => null,
  };
}

const PS_COLUMNS = 'pid=,ppid=,pgid=,lstart=,comm=';
const PS_ALL = ['-A', '-o', PS_COLUMNS];

/** `  501   400   501 Sat Nov 28 11:12:47 2026     /bin/zsh`. Its start is told to the second, which says nothing about two of the same second. */
export function tableIn(rows: readonly string[]): Map<number, Process> {
  const found = rows.flatMap((row): [number, Process][] => {
    const [, pid, parent, group, start, name] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\w{3}\s+\w{3}\s+\d+\s+[\d:]+\s+\d{4})\s+(.*\S)\s*$/.exec(row) ?? [];
    if (name === undefined) return [];
    return [[Number(pid), { pid: Number(pid), parent: Number(parent), group: Number(group), start: start!, startedAt: null, name: name.slice(name.lastIndexOf('/') + 1) }]];
  });
  return new Map(found);
}
