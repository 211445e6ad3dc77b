import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { run, socketInode } from './peer.ts';

/** Whose a connection is that shows no credentials. */
export interface Neighbour {
  /** The nearest of the given processes that the holder of the connection is below. */
  client: number;
  /** It comes out of the client's sandbox, by the relay that the client keeps for it; null: that cannot be told here. */
  relayed: boolean | null;
}

interface Facts {
  parent: number;
  name: string;
}

/** A machine with more than this below its clients is at work at something else; the nearest are looked at first. */
const MAX_HOLDERS = 512;

/**
 * Which client is behind a loopback connection: who holds its other end, and what is above that. Asked once a
 * connection, and only where nothing else tells; it costs a look at every process. Where it cannot be told it is nobody.
 * `itself`: the client may hold it, too; what it asks the gateway for is the hooks' business.
 */
export async function neighbourOf(remotePort: number, localPort: number, clients: ReadonlySet<number>, itself = false): Promise<Neighbour | null> {
  if (clients.size === 0) return null;
  if (process.platform === 'linux') return neighbourOnLinux(remotePort, localPort, clients, itself);
  return process.platform === 'win32' ? null : neighbourByPs(remotePort, localPort, clients, itself);
}

/**
 * The kernel takes milliseconds for its table of connections, so that is waited for. The rest is many small files made in
 * memory: a turn through the thread pool for each would cost ten times what reading them costs.
 */
async function neighbourOnLinux(remotePort: number, localPort: number, clients: ReadonlySet<number>, itself: boolean): Promise<Neighbour | null> {
  const inode = await socketInode(remotePort, localPort);
  if (inode === null) return null;
  const table = processTable();
  for (const pid of below(table, clients)) {
    if (clients.has(pid) && !itself) continue;
    if (!holds(pid, `socket:[${inode}]`)) continue;
    if (clients.has(pid)) return { client: pid, relayed: false };
    const way = wayUp(table, pid, clients);
    // In the sandbox there is no network but a socket file; outside, one socat for the session copies from that to us.
    return { client: way.at(-1)!, relayed: way.slice(0, -1).every((one) => table.get(one)!.name === RELAY) };
  }
  return null;
}

/** Only there a relay stands between the sandbox and us. */
export const HAS_RELAY = process.platform === 'linux';

/**
 * The client whose relay holds a connection: a socat below it, and nothing else in between. `gone`: nobody holds it, so that it
 * may have been one that has ended since. Nothing but relays is looked at, and all of them: there may be as many as somebody in
 * the sandbox cares to open.
 */
export async function relayOf(remotePort: number, localPort: number, clients: ReadonlySet<number>): Promise<number | 'gone' | null> {
  const inode = await socketInode(remotePort, localPort);
  if (inode === null || inode === NO_INODE) return 'gone';
  const table = processTable();
  for (const [pid, { name }] of table) {
    if (name !== RELAY) continue;
    const way = wayUp(table, pid, clients);
    if (clients.has(way.at(-1)!) && way.slice(0, -1).every((one) => table.get(one)!.name === RELAY) && holds(pid, `socket:[${inode}]`)) return way.at(-1)!;
  }
  return null;
}

const RELAY = 'socat';
/** Of a connection that no process has any more. */
const NO_INODE = '0';

/** The sandbox of macOS has no relay: what runs in it connects as anything else does. */
async function neighbourByPs(remotePort: number, localPort: number, clients: ReadonlySet<number>, itself: boolean): Promise<Neighbour | null> {
  const lines = await run('lsof', ['-nP', `-iTCP:${remotePort}`]);
  const line = lines.find((one) => one.includes(`127.0.0.1:${remotePort}->127.0.0.1:${localPort}`));
  const holder = Number(line?.trim().split(/\s+/)[1]);
  if (!Number.isInteger(holder)) return null;
  if (clients.has(holder)) return itself ? { client: holder, relayed: false } : null;
  const table = new Map<number, Facts>();
  for (const row of await run('ps', ['-A', '-o', 'pid=,ppid=,comm='])) {
    const match = /^\s*(\d+)\s+(\d+)\s+(.*\S)\s*$/.exec(row);
    if (match !== null) table.set(Number(match[1]), { parent: Number(match[2]), name: match[3]! });
  }
  const client = wayUp(table, holder, clients).at(-1);
  return client !== undefined && clients.has(client) ? { client, relayed: null } : null;
}

function holds(pid: number, socket: string): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).some((name) => linkTo(`${folder}/${name}`) === socket);
  } catch {
    // Gone, or another user's.
    return false;
  }
}

function linkTo(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}

function processTable(): Map<number, Facts> {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return new Map(
    pids.flatMap((pid): [number, Facts][] => {
      const facts = factsIn(read(`/proc/${pid}/stat`));
      return facts === null ? [] : [[pid, facts]];
    }),
  );
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** `pid (name) state ppid …`, and the name may itself hold spaces and parentheses. */
function factsIn(stat: string): Facts | null {
  const end = stat.lastIndexOf(')');
  if (end < 0) return null;
  return { name: stat.slice(stat.indexOf('(') + 1, end), parent: Number(stat.slice(end + 2).split(' ')[1]) };
}

/** The clients and all that is below them, nearest first. */
function below(table: ReadonlyMap<number, Facts>, clients: ReadonlySet<number>): number[] {
  const children = new Map<number, number[]>();
  for (const [pid, { parent }] of table) children.set(parent, [...(children.get(parent) ?? []), pid]);
  const found = new Set([...clients].filter((pid) => table.has(pid)));
  for (const pid of found) for (const child of children.get(pid) ?? []) if (found.size < MAX_HOLDERS) found.add(child);
  return [...found];
}

/** From a process to the nearest client above it, both included. */
function wayUp(table: ReadonlyMap<number, Facts>, from: number, clients: ReadonlySet<number>): number[] {
  const way = [from];
  while (!clients.has(way.at(-1)!) && way.length < 64) {
    const parent = table.get(way.at(-1)!)?.parent ?? 0;
    if (parent <= 1) break;
    way.push(parent);
  }
  return way;
}

/** How a process was started, by its own words; null where only the system's own tools could read that. */
export function launchOf(pid: number): { env: Record<string, string>; argv: string[] } | null {
  if (process.platform !== 'linux') return null;
  try {
    const words = (name: string): string[] => readFileSync(`/proc/${pid}/${name}`, 'utf8').split('\0').slice(0, -1);
    const env = words('environ').flatMap((entry): [string, string][] => (entry.includes('=') ? [[entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]] : []));
    return { env: Object.fromEntries(env), argv: words('cmdline') };
  } catch {
    return null;
  }
}
