import { execFile } from 'node:child_process';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The client these tests were written against. Raise it on purpose: what is known of its hooks was seen in this version. */
export const CLIENT_VERSION = '2.1.332';

const run = promisify(execFile);
const REPO = fileURLToPath(new URL('../../', import.meta.url));
const INSTALL_LIMIT_MS = 10 * 60_000;

/** The path of the pinned client's executable, installed into the repository's cache on first use. */
export async function ensureClient(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const given = env['PAG0_E2E_CLIENT'];
  if (given !== undefined && given !== '') {
    if (await isExecutable(given)) return given;
    throw new Error(`PAG0_E2E_CLIENT names ${given}, which is not an executable file.`);
  }
  return ensureClientVersion(CLIENT_VERSION, env);
}

/** The same for any version that the registry has: older clients are in use for long. */
export async function ensureClientVersion(version: string, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const cache = join(REPO, 'node_modules', '.cache', 'pag0-e2e', `claude-code-${version}`);
  const known = await executableOf(cache);
  if (known !== null) return known;
  await install(version, cache, env);
  const installed = await executableOf(cache);
  if (installed !== null) return installed;
  throw new Error(
    `The registry has no Claude Code ${version} for ${platformPackage()}; name a client with PAG0_E2E_CLIENT.`,
  );
}

/** Until 2.1.112 or so the client was a program for Node, `cli.js`, which npm makes executable. */
async function executableOf(prefix: string): Promise<string | null> {
  const script = join(prefix, 'node_modules', '@anthropic-ai', 'claude-code', 'cli.js');
  for (const file of [executableIn(prefix), script]) if (await isExecutable(file)) return file;
  return null;
}

/**
 * The native binary of the optional dependency. The `claude` in the main package is a stub until a postinstall script
 * replaces it, and no install script is run here.
 */
export function executableIn(prefix: string): string {
  const name = process.platform === 'win32' ? 'claude.exe' : 'claude';
  return join(prefix, 'node_modules', '@anthropic-ai', platformPackage(), name);
}

function platformPackage(): string {
  return `claude-code-${process.platform}-${process.arch}${isMusl() ? '-musl' : ''}`;
}

function isMusl(): boolean {
  if (process.platform !== 'linux') return false;
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined;
}

/** Installs beside the cache and moves into place, so a broken or a second install at the same time never looks finished. */
async function install(version: string, cache: string, env: NodeJS.ProcessEnv): Promise<void> {
  const unfinished = `${cache}.${process.pid}`;
  const wanted = `@anthropic-ai/claude-code@${version}`;
  const options = ['--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', unfinished];
  try {
    await mkdir(unfinished, { recursive: true });
    await run('npm', ['install', ...options, wanted], { cwd: unfinished, env, timeout: INSTALL_LIMIT_MS });
  } catch (cause) {
    await rm(unfinished, { recursive: true, force: true });
    throw new Error(
      `Claude Code ${version} could not be installed because npm did not get it from the registry; set PAG0_E2E_CLIENT to a client already on this machine.`,
      { cause },
    );
  }
  await rename(unfinished, cache).catch(() => rm(unfinished, { recursive: true, force: true }));
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(() => true, () => false);
}
