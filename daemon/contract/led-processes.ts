import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** A process whose environment leads it through the daemon: without one it reaches nothing. */
export interface LedProcess {
  pid: number;
  command: string;
}

/**
 * Those of this user, by what they were started with: a server that outlives its session, say, or a shell that goes on in the
 * background. Costs a look at every process, so it is asked when a daemon is about to end and not before. Windows does not tell.
 */
export async function ledProcesses(port: number, self = process.pid): Promise<LedProcess[]> {
  const found = process.platform === 'linux' ? fromProc(port) : process.platform === 'win32' ? [] : await fromPs(port);
  return found.filter(({ pid }) => pid !== self);
}

const leading = (port: number, separator: string): RegExp => new RegExp(`(?:^|${separator})https?_proxy=http://[^${separator}@]+@127\\.0\\.0\\.1:${port}(?:/|${separator}|$)`, 'i');

function fromProc(port: number): LedProcess[] {
  const leads = leading(port, '\\0');
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      // Another user's shows nothing.
      if (!leads.test(readFileSync(`/proc/${name}/environ`, 'latin1'))) return [];
      return [{ pid: Number(name), command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() }];
    } catch {
      return [];
    }
  });
}

/** `-E` puts the environment behind the command, of one's own processes alone. */
function fromPs(port: number): Promise<LedProcess[]> {
  const leads = leading(port, ' ');
  return new Promise((resolve) => {
    execFile('ps', ['-AEww', '-o', 'pid=,command='], { timeout: 5_000, maxBuffer: 64 * 1024 * 1024 }, (_error, stdout) => {
      const lines = stdout.split('\n').filter((line) => leads.test(line));
      resolve(lines.flatMap((line) => (/^\s*(\d+)\s+(\S+)/.exec(line) === null ? [] : [{ pid: Number(/^\s*(\d+)/.exec(line)![1]), command: /^\s*\d+\s+(\S+)/.exec(line)![1]! }])));
    });
  });
}
