import { cpSync, existsSync, mkdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Home } from '../daemon/contract/home.ts';
import { BUILD, VERSION } from '../daemon/contract/release.ts';

export interface Installation {
  /** Where the client reads the plugin from, as far as this program is part of it. */
  folder: string;
  /** A folder of the person's own, a clone say: moved or deleted, it takes the plugin with it, and the next session says nothing. */
  mustStay: boolean;
}

/** The client copies a marketplace with an address and its plugins; one in a local folder is read where it lies (2.1.332). */
const CLIENTS_OWN = /[/\\]plugins[/\\](?:cache|marketplaces)[/\\]/;

export function installationAt(home: Home, folder: string = fileURLToPath(new URL(BUILD === 'source' ? '../plugin' : '..', import.meta.url))): Installation {
  const real = realOf(folder.replace(/[/\\]$/, ''));
  return { folder: real, mustStay: !CLIENTS_OWN.test(real) && !real.startsWith(realOf(copyIn(home))) };
}

function realOf(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}

export function copyIn({ dir }: Home): string {
  return join(dir, 'installed');
}

/** A marketplace of its own in the home, which nobody moves by accident. What was there before is replaced in one step. */
export function copyPlugin(home: Home, { folder }: Installation): string {
  const target = copyIn(home);
  const draft = `${target}.${process.pid}`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(join(draft, '.claude-plugin'), { recursive: true, mode: 0o700 });
  cpSync(folder, join(draft, 'plugin'), { recursive: true });
  const market = { name: 'pag0', owner: { name: 'pag0' }, plugins: [{ name: 'pag0', source: './plugin', version: VERSION, description: 'A copy made by `pag0 setup --copy`.' }] };
  writeFileSync(join(draft, '.claude-plugin', 'marketplace.json'), `${JSON.stringify(market, null, 2)}\n`);
  const before = `${draft}.before`;
  if (existsSync(target)) renameSync(target, before);
  renameSync(draft, target);
  rmSync(before, { recursive: true, force: true });
  return target;
}
