import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { dirname } from 'node:path';

const run = promisify(execFile);
const FETCH_LIMIT_MS = 3 * 60_000;

/** The folder of a Node of at least that major version: this one, else npm's own package of it, which npm keeps. */
export async function nodeFolder(major: number): Promise<string> {
  if (Number(process.versions.node.split('.')[0]) >= major) return dirname(process.execPath);
  const { stdout } = await run('npx', ['-y', '-p', `node@${major}`, 'node', '-p', 'process.execPath'], { timeout: FETCH_LIMIT_MS });
  return dirname(stdout.trim());
}
