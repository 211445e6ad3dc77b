import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { homeAt } from '../daemon/contract/home.ts';
import { copyPlugin, installationAt } from './installation.ts';

const root = mkdtempSync(join(tmpdir(), 'pag0-installation-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

it('a clone must stay where it is, and what the client has copied need not', () => {
  const home = homeAt(join(root, '.pag0'));
  expect(installationAt(home, '/somewhere/clone/plugin/')).toEqual({ folder: '/somewhere/clone/plugin', mustStay: true });
  for (const folder of ['/p/.claude/plugins/cache/pag0/pag0/0.1.0', '/p/.claude/plugins/marketplaces/pag0/plugin']) expect(installationAt(home, folder).mustStay).toBe(false);
});

it('a copy is whole, a marketplace of its own, and replaces the one before', () => {
  const home = homeAt(join(root, '.pag0'));
  const plugin = join(root, 'clone', 'plugin');
  mkdirSync(join(plugin, 'dist'), { recursive: true });
  for (const text of ['one', 'two']) {
    writeFileSync(join(plugin, 'dist', 'cli.mjs'), text);
    const target = copyPlugin(home, installationAt(home, plugin));
    expect(readFileSync(join(target, 'plugin', 'dist', 'cli.mjs'), 'utf8')).toBe(text);
    expect(JSON.parse(readFileSync(join(target, '.claude-plugin', 'marketplace.json'), 'utf8'))).toMatchObject({ name: 'pag0', plugins: [{ name: 'pag0', source: './plugin' }] });
    expect(installationAt(home, join(target, 'plugin')).mustStay).toBe(false);
    rmSync(join(plugin, 'dist', 'cli.mjs'));
  }
  rmSync(join(root, 'clone'), { recursive: true });
  expect(existsSync(join(home.dir, 'installed', 'plugin', 'dist', 'cli.mjs'))).toBe(true);
});
