import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ON_FIRST_CORE } from './cores.ts';
import { freePort } from './free-port.ts';
import { makeTestCa } from './test-ca.ts';

/** Another proxy that ends TLS with a CA of its own, verifies the server behind it, and keeps no answers. */
export interface OtherProxy {
  name: string;
  port: number;
  /** PEM: who signs what it shows its clients. */
  ca: string;
  stop(): Promise<void>;
}

/** Debian keeps servers where a user's PATH does not look. */
const PATH = `${process.env['PATH']}:/usr/sbin`;
const START_MS = 20_000;

/** Those that are installed; what to do about the others is said. `trusts`: PEM, whom they believe. */
export async function startOtherProxies(trusts: string): Promise<OtherProxy[]> {
  const started: OtherProxy[] = [];
  try {
    for (const [debianPackage, isThere, start] of [
      ['mitmproxy', hasMitmproxy, startMitmproxy],
      ['squid-openssl', hasSquid, startSquid],
    ] as const) {
      if (isThere()) started.push(await start(trusts));
      else console.log(`\nWithout ${debianPackage}, which is not installed: apt-get install ${debianPackage}`);
    }
    return started;
  } catch (error) {
    await Promise.all(started.map((proxy) => proxy.stop()));
    throw error;
  }
}

function hasMitmproxy(): boolean {
  return spawnSync('mitmdump', ['--version'], { env: { ...process.env, PATH } }).status === 0;
}

/** Debian's package `squid` has no ssl-bump. */
function hasSquid(): boolean {
  return /--with-openssl/.test(String(spawnSync('squid', ['-v'], { env: { ...process.env, PATH } }).stdout));
}

async function startMitmproxy(trusts: string): Promise<OtherProxy> {
  const dir = workFolder();
  const port = await freePort();
  const roots = writeIn(dir, 'roots.pem', trusts);
  const options = { confdir: dir, ssl_verify_upstream_trusted_ca: roots };
  const set = Object.entries(options).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
  const child = run('mitmdump', ['--quiet', '--listen-host', '127.0.0.1', '--listen-port', String(port), ...set], dir);
  await listening(child, port, dir);
  return { name: 'mitmproxy', port, ca: readFileSync(join(dir, 'mitmproxy-ca-cert.pem'), 'utf8'), stop: () => end(child, dir) };
}

async function startSquid(trusts: string): Promise<OtherProxy> {
  const dir = workFolder();
  const port = await freePort();
  const ca = await makeTestCa('squid in a benchmark');
  const own = writeIn(dir, 'ca.pem', ca.key + '\n' + ca.certificate);
  const roots = writeIn(dir, 'roots.pem', trusts);
  const certificates = `${CERTIFICATES} -s ${join(dir, 'certificates')} -M 4MB`;
  const made = spawnSync('/bin/sh', ['-c', `${certificates} -c`], { ...UNPRIVILEGED, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`squid's store of certificates could not be made: ${made.stderr}`);
  const config = `
    http_port 127.0.0.1:${port} ssl-bump tls-cert=${own} generate-host-certificates=on dynamic_cert_mem_cache_size=4MB
    sslcrtd_program ${certificates}
    ssl_bump bump all
    tls_outgoing_options cafile=${roots}
    http_access allow localhost
    http_access deny all
    cache deny all
    access_log none
    cache_log ${join(dir, 'cache.log')}
    pid_filename none
    coredump_dir ${dir}
    pinger_enable off
    shutdown_lifetime 0 seconds
    visible_hostname localhost
  `;
  // A name of its own for the memory it shares with itself: another squid may be at work on this machine.
  const child = run('squid', ['-N', '-n', `bench${port}`, '-f', writeIn(dir, 'squid.conf', config.replace(/^ +/gm, ''))], dir);
  await listening(child, port, dir);
  return { name: 'squid', port, ca: ca.certificate, stop: () => end(child, dir) };
}

const CERTIFICATES = '/usr/lib/squid/security_file_certgen';

/** Nobody's user, where root measures: squid does not run as root. */
const UNPRIVILEGED = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

function workFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'pag0-bench-proxy-'));
  chmodSync(dir, 0o700);
  if ('uid' in UNPRIVILEGED) chownSync(dir, UNPRIVILEGED.uid!, UNPRIVILEGED.gid!);
  return dir;
}

function writeIn(dir: string, name: string, text: string): string {
  const file = join(dir, name);
  writeFileSync(file, text);
  return file;
}

/** On the core that the daemon has to itself, too. */
function run(program: string, args: string[], dir: string): ChildProcess {
  const [first, ...rest] = [...ON_FIRST_CORE, program, ...args];
  return spawn(first!, rest, { ...UNPRIVILEGED, env: { PATH, HOME: dir }, cwd: dir, stdio: ['ignore', 'ignore', 'inherit'] });
}

async function listening(child: ChildProcess, port: number, dir: string): Promise<void> {
  for (const until = Date.now() + START_MS; Date.now() < until && child.exitCode === null; ) {
    if (await accepts(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await end(child, dir);
  throw new Error(`${child.spawnfile} ${child.spawnargs.join(' ')} did not get ready`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

async function end(child: ChildProcess, dir: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await ended;
    clearTimeout(late);
  }
  rmSync(dir, { recursive: true, force: true });
}
