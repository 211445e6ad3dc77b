import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';

/**
 * Who is really at the other end of a loopback connection. Asked only when a limit is to be raised: an agent can know a
 * session's id and post what a person's slash command would post, but it cannot do so from the client's own process.
 */
export async function connectionBelongsTo(pid: number, remotePort: number, localPort: number): Promise<boolean> {
  if (process.platform === 'linux') {
    const inode = await socketInode(remotePort, localPort);
    return inode !== null && (await holdsSocket(pid, inode));
  }
  if (process.platform === 'win32') {
    const lines = await run('netstat', ['-ano', '-p', 'TCP']);
    return lines.some((line) => new RegExp(`127\\.0\\.0\\.1:${remotePort}\\s+127\\.0\\.0\\.1:${localPort}\\s.*\\s${pid}\\s*$`).test(line));
  }
  const lines = await run('lsof', ['-nP', '-a', '-p', String(pid), `-iTCP:${remotePort}`]);
  return lines.some((line) => line.includes(`127.0.0.1:${remotePort}->127.0.0.1:${localPort}`));
}

/** The client's end of the connection in the kernel's table: its local port is our remote one. Addresses are little-endian hex. */
export async function socketInode(remotePort: number, localPort: number): Promise<string | null> {
  const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');
  for (const [file, loopback] of [['/proc/net/tcp', '0100007F'], ['/proc/net/tcp6', '0000000000000000FFFF00000100007F']] as const) {
    const table = await readFile(file, 'utf8').catch(() => '');
    const row = table.split('\n').find((line) => line.includes(`${loopback}:${hex(remotePort)} ${loopback}:${hex(localPort)} `));
    // sl local rem st tx:rx tr:when retrnsmt uid timeout inode
    if (row !== undefined) return row.trim().split(/\s+/)[9] ?? null;
  }
  return null;
}

async function holdsSocket(pid: number, inode: string): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  const names = await readdir(folder).catch(() => []);
  const links = await Promise.all(names.map((name) => readlink(`${folder}/${name}`).catch(() => '')));
  return links.includes(`socket:[${inode}]`);
}

export interface ProcessAbove {
  pid: number;
  /** Where it can be read: the marks that the client leaves on everything an agent starts. */
  startedByAgent: boolean;
}

/** The process and everything above it, nearest first; null when that cannot be read, and then nobody is believed. */
export async function processesAbove(pid: number): Promise<ProcessAbove[] | null> {
  const found: ProcessAbove[] = [];
  let at = pid;
  while (at > 1 && found.length < 64) {
    const facts = await look(at);
    if (facts === null) return found.length === 0 ? null : found;
    found.push({ pid: at, startedByAgent: facts.startedByAgent });
    at = facts.parent;
  }
  return found;
}

async function look(pid: number): Promise<{ parent: number; startedByAgent: boolean } | null> {
  if (process.platform !== 'linux') {
    const [line] = await run('ps', ['-o', 'ppid=', '-p', String(pid)]);
    const parent = Number(line?.trim());
    const environment = (await run('ps', ['-Eww', '-o', 'command=', '-p', String(pid)])).join('\n');
    return Number.isInteger(parent) && parent > 0 ? { parent, startedByAgent: AGENT_MARK.test(environment) } : null;
  }
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    // Another user's process (init, a login manager) shows no environment, and is not one of our agent's.
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
    return { parent, startedByAgent: AGENT_MARK.test(environment) };
  } catch {
    return null;
  }
}

/** Whether a process works. One that has ended and that nobody has asked about yet does not. */
export async function isRunning(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  if (process.platform !== 'linux') return true;
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return !/\) [ZX] /.test(stat.slice(stat.lastIndexOf(')')));
}

/**
 * Tells one life of a process from another's under the same number: those come again, soon in a container and after every boot.
 * null where the system does not say.
 */
export async function lifeOf(pid: number): Promise<string | null> {
  if (process.platform === 'win32') return null;
  if (process.platform !== 'linux') return (await run('ps', ['-o', 'lstart=', '-p', String(pid)]))[0]?.trim() || null;
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  if (started === undefined) return null;
  return `${(await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim()} ${started}`;
}

const AGENT_MARK = /(^|[\0\s])(CLAUDECODE=1|CLAUDE_CODE_CHILD_SESSION=1|PAG0_PARENT_SESSION=)/;

/** The terminal that controls a process, or null: an agent's Bash has none. */
export async function terminalOf(pid: number): Promise<string | null> {
  if (process.platform === 'linux') {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const tty = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[4];
    return tty === undefined || tty === '0' ? null : tty;
  }
  const [line] = await run('ps', ['-o', 'tty=', '-p', String(pid)]);
  const tty = line?.trim() ?? '';
  return tty === '' || tty.startsWith('?') ? null : tty;
}

export function run(program: string, args: string[]): Promise<string[]> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: 2_000, maxBuffer: 8 * 1024 * 1024 }, (_error, stdout) => resolve(stdout.split('\n')));
  });
}
