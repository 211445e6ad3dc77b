import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Workspace } from './workspace.ts';

/** Where the client keeps what a person typed as a plugin's sensitive option, everywhere but on macOS. */
export const SECRET_STORE = join('.claude', '.credentials.json');

/** As if it had been typed when a plugin that `--plugin-dir` names was enabled. */
export async function typeSecret(workspace: Workspace, name: string, value: string): Promise<void> {
  await mkdir(join(workspace.home, '.claude'), { recursive: true });
  await writeFile(join(workspace.home, SECRET_STORE), JSON.stringify({ pluginSecrets: { 'pag0@inline': { [name]: value } } }), { mode: 0o600 });
}
