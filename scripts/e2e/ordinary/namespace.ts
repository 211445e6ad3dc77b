import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Job, Played } from './job.ts';

const REPO = fileURLToPath(new URL('../../../', import.meta.url));
const RUN = fileURLToPath(new URL('./run.ts', import.meta.url));
/** Where a run has its own file system, so that both runs of a comparison have the same paths. */
export const ROOT = '/mnt';
const LIMIT_MS = 1_500_000;

/** Own mounts, network and processes: what a run starts ends with it, and the same ports and addresses are free for each. */
const OWN = ['--mount', '--net', '--pid', '--fork', '--mount-proc', '--kill-child'];
const AS_NOBODY_ELSE = ['--user', '--map-root-user'];

function ways(): string[][] {
  return process.getuid?.() === 0 ? [OWN] : [[...AS_NOBODY_ELSE, ...OWN]];
}

let found: { flags: string[] } | { why: string } | undefined;

/** Why the suite cannot run on this machine; null when it can. */
export function whyNotHere(): string | null {
  found ??= look();
  return 'why' in found ? found.why : null;
}

function look(): { flags: string[] } | { why: string } {
  if (process.platform !== 'linux') return { why: `namespaces are Linux's own, and this is ${process.platform}` };
  if (REPO.startsWith(`${ROOT}/`) || process.execPath.startsWith(`${ROOT}/`)) return { why: `the repository or Node lies in ${ROOT}, where a run has a file system of its own` };
  if (!existsSync('/etc/ssl/certs/ca-certificates.crt')) return { why: 'the system does not keep its certificates in /etc/ssl/certs/ca-certificates.crt' };
  for (const program of ['curl', 'wget', 'git', 'python3', 'openssl', 'ip']) {
    if (spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0) return { why: `${program} is not installed` };
  }
  const tries = ways().map((flags) => ({ flags, ...spawnSync('unshare', [...flags, 'sh', '-c', `ip link set lo up && ip addr add 203.0.113.1/32 dev lo && mount -t tmpfs none ${ROOT}`], { encoding: 'utf8' }) }));
  const good = tries.find(({ status }) => status === 0);
  if (good !== undefined) return { flags: good.flags };
  return { why: `no namespace of its own can be had here: ${tries.map(({ stderr, error }) => (error?.message ?? stderr).trim()).join('; ')}` };
}

/** Plays one job in namespaces of its own, to its end. */
export async function play(job: Job): Promise<Played> {
  const why = whyNotHere();
  if (why !== null || found === undefined || 'why' in found) throw new Error(why ?? '');
  const child = spawn('unshare', [...found.flags, process.execPath, '--import', 'tsx', RUN], { cwd: REPO, stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.end(JSON.stringify(job));
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  await new Promise((resolve, reject) => child.once('close', resolve).once('error', reject));
  clearTimeout(limit);
  try {
    return JSON.parse(stdout) as Played;
  } catch {
    throw new Error(`The run "${job.plan}" did not end well: ${stderr.slice(-4_000)}${stdout.slice(-1_000)}`);
  }
}
