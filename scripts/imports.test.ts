import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/**
 * Imports run one way. Each row: files below the first may import only what the second lists (folders of the project,
 * `node:` for Node's own modules, package names), and always files of their own folder. Tests and fixtures are free.
 */
const RULES: readonly (readonly [string, readonly string[]])[] = [
  ['daemon/core', []],
  ['daemon/ports.ts', ['daemon/core', 'node:']],
  ['daemon/contract', ['daemon/core', 'node:', 'zod']],
  ['daemon/ledger', ['daemon/core', 'daemon/ports.ts', 'daemon/contract', 'daemon/lifecycle/log.ts', 'node:']],
  ['daemon/shell', ['daemon/core', 'unbash']],
  ['daemon/config', ['daemon/core', 'daemon/ports.ts', 'node:', 'zod']],
  ['daemon/pipeline', ['daemon/core', 'daemon/ports.ts', 'daemon/contract', 'daemon/config', 'daemon/report', 'daemon/lifecycle/peer.ts', 'node:', 'zod']],
  ['daemon/report', ['daemon/core', 'daemon/ports.ts', 'daemon/contract', 'daemon/pipeline', 'node:']],
  ['daemon/lifecycle', ['daemon/core', 'daemon/ports.ts', 'daemon/contract', 'daemon/ledger/driver.ts', 'daemon/http/body.ts', 'daemon/http/plain.ts', 'daemon/gateway/limits.ts', 'node:', 'hono', '@hono/node-server']],
  ['daemon/http', ['daemon/core', 'daemon/contract', 'daemon/pipeline', 'daemon/report', 'hono', '@hono/node-server', 'node:', 'zod']],
  ['daemon/http1', ['daemon/core', 'node:']],
  ['daemon/upstream', ['daemon/core', 'daemon/ports.ts', 'daemon/http1', 'node:', 'undici']],
  ['daemon/access', ['daemon/core', 'daemon/ports.ts', 'node:']],
  ['daemon/wallet', ['daemon/core', 'daemon/ports.ts', 'daemon/contract', 'node:', 'zod', '@noble/hashes']],
  ['daemon/gateway', ['daemon/core', 'daemon/ports.ts', 'daemon/contract', 'daemon/http1', 'node:', '@peculiar/x509']],
  ['daemon/mcp', ['daemon/core', 'daemon/ports.ts', 'daemon/contract', 'daemon/gateway', 'daemon/pipeline', 'node:']],
  ['daemon/reading', ['daemon/ports.ts', 'node:', 'turndown', '@joplin/turndown-plugin-gfm']],
  ['daemon/payer', ['daemon/core', 'daemon/ports.ts', 'node:', 'viem', '@x402/core', '@x402/evm']],
  ['daemon/cache', ['daemon/core', 'daemon/ports.ts', 'daemon/ledger/database.ts', 'node:', 'keyv', 'http-cache-semantics']],
  // What a command will ask for is read by one reader, also where no daemon is there to do it.
  ['hooks', ['daemon/contract', 'daemon/core', 'daemon/shell', 'node:']],
  // A wallet is made and shown without a daemon; what opens it comes from the person alone.
  ['commands', ['daemon/contract', 'daemon/core', 'daemon/wallet/keystore.ts', 'daemon/wallet/private-key.ts', 'daemon/wallet/wallet-file.ts', 'node:', 'commander']],
];

/** Libraries that one file alone may know, so that replacing one is a change in one place. */
const SOLE_IMPORTERS: Record<string, string> = { unbash: 'daemon/shell/script.ts', turndown: 'daemon/reading/html-to-markdown.ts', viem: 'daemon/payer/sign.ts', '@x402': 'daemon/payer/sign.ts' };

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = ['daemon', 'hooks', 'commands'].flatMap((folder) => filesBelow(join(root, folder))).filter((file) => !/\.(test|suite|fixture)\.ts$/.test(file));

describe('imports', () => {
  it.each(RULES)('%s imports nothing but what it may know', (place, allowed) => {
    const wrong = sources
      .filter((file) => isBelow(relative(root, file), place))
      .flatMap((file) => importsOf(file).filter((name) => !isBelow(name, place) && !allowed.some((one) => isBelow(name, one))).map((name) => `${relative(root, file)} → ${name}`));
    expect(wrong).toEqual([]);
  });

  it.each(Object.entries(SOLE_IMPORTERS))('%s is known to %s alone', (library, owner) => {
    const importers = sources.filter((file) => importsOf(file).some((name) => isBelow(name, library))).map((file) => relative(root, file));
    expect(importers.every((file) => file === owner || file.startsWith(`${dirname(owner)}/`))).toBe(true);
    expect(importers).toContain(owner);
  });

  it('covers every file of the daemon, the hooks and the commands', () => {
    const places = [...RULES.map(([place]) => place), 'daemon/assemble.ts', 'daemon/assemble-payments.ts', 'daemon/main.ts'];
    expect(sources.map((file) => relative(root, file)).filter((file) => !places.some((place) => isBelow(file, place)))).toEqual([]);
  });
});

function isBelow(name: string, place: string): boolean {
  return name === place || name.startsWith(place.endsWith(':') ? place : `${place}/`);
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const names = [...text.matchAll(/^\s*(?:import|export)\b[^'"]*?from\s*['"]([^'"]+)['"]/gm), ...text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g), ...text.matchAll(/^\s*import\s*['"]([^'"]+)['"]/gm)];
  return names.map(([, name]) => (name!.startsWith('.') ? relative(root, resolve(dirname(file), name!)) : name!));
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : entry.name.endsWith('.ts') ? [path] : [];
  });
}
