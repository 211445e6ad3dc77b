import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { marker } from './script.ts';
import { agent } from './stage.ts';
import { staged } from './staged.ts';

/** What PreToolUse gives in a call's place, seen through the real client. */
const { stage } = staged();

describe('WebFetch', () => {
  it('gives a priced page as Markdown, paid once, and to the next agent from the cache', async () => {
    const s = await stage(
      '$0.10',
      (here) => {
        const page = { name: 'WebFetch', input: { url: `http://127.0.0.1:${here.seller.port}/page.html`, prompt: 'what is it?' } };
        return { lead: [[agent('general-purpose', 'one')], [agent('general-purpose', 'two')], 'Both have read it.'], one: [[page], 'Read.'], two: [[page], 'Read.'] };
      },
      { cache: { enabled: true } },
    );
    const session = await s.session(marker('lead'));
    expect(session.result?.result).toBe('Both have read it.');
    const pages = session.toolCalls.filter((call) => call.name === 'WebFetch').map((call) => call.result);
    expect(pages[0]).toContain('this is the page itself and not an error');
    expect(pages[0]).toContain('fetched by pag0 for $0.10');
    expect(pages[0]).toContain('# The price list\n\nOne **search** costs [two cents](');
    expect(pages[1]).toContain('from the cache');
    expect(s.seller.count('/page.html')).toBe(1);
    expect(await s.report()).toMatchObject({ totalCost: '100000', totalRequests: 2, cacheSavings: '100000' });
  });
});

describe('an MCP tool declared to be a read', () => {
  it('runs once for agents that ask the same, at once and later', async () => {
    const readers = ['one', 'two', 'three'];
    const search = (input: object) => ({ name: 'mcp__exa__search', input: input as Record<string, unknown> });
    const s = await stage(
      '$0.02',
      () => ({
        lead: [readers.map((name) => agent('general-purpose', name)), [search({ limit: 3, query: 'cats' })], 'All have searched.'],
        ...Object.fromEntries(readers.map((name) => [name, [[search({ query: 'cats', limit: 3 })], 'Searched.']])),
      }),
      { prices: [{ tool: 'mcp__exa__*', price: '$0.05' }], cache: { enabled: true, reuse: [{ tool: 'mcp__exa__search' }] } },
    );
    const calls = join(s.workspace.home, 'calls');
    const config = join(s.workspace.home, 'mcp.json');
    await writeFile(config, JSON.stringify({ mcpServers: { exa: { command: process.execPath, args: [fileURLToPath(new URL('./mcp-server.mjs', import.meta.url)), calls] } } }));
    const session = await s.session(marker('lead'), { args: ['--mcp-config', config] });
    expect(session.result?.result).toBe('All have searched.');
    expect((await readFile(calls, 'utf8')).trim().split('\n')).toHaveLength(1);
    const results = session.toolCalls.filter((call) => call.name === 'mcp__exa__search').map((call) => call.result);
    expect(results.filter((text) => text?.includes('results for cats'))).toHaveLength(4);
    expect(await s.report()).toMatchObject({ totalCost: '50000', totalRequests: 4, cacheHitRate: 0.75, cacheSavings: '150000' });
  });
});
