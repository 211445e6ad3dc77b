import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PageConverter } from '../ports.ts';
import { createPageConverter } from './page-converter.ts';

/** The thread as it ships: bundled from these sources. */
const folder = mkdtempSync(join(tmpdir(), 'pag0-reading-'));
const file = pathToFileURL(join(folder, 'read-page.mjs'));
let open: PageConverter | null = null;
beforeAll(() => build({ entryPoints: [fileURLToPath(new URL('./worker.ts', import.meta.url))], outfile: fileURLToPath(file), bundle: true, platform: 'node', format: 'esm', banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" } }));
afterEach(() => open?.close());
afterAll(() => rmSync(folder, { recursive: true }));

const converter = (more: object = {}): PageConverter => (open = createPageConverter({ file, ...more }));
const URL_ = 'https://docs.example/';

describe('the page converter', () => {
  it('reads pages side by side and in a thread of its own', async () => {
    const pages = converter();
    expect(await Promise.all(['a', 'b', 'c'].map((name) => pages.markdown(`<h1>${name}</h1>`, URL_)))).toEqual(['# a', '# b', '# c']);
  });

  it('gives a page up that takes too long, and reads the next', async () => {
    const pages = converter({ timeMs: 1_000 });
    const slow = '<b><i>'.repeat(3_000_000);
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 10);
    expect(await pages.markdown(slow, URL_)).toBeNull();
    clearInterval(timer);
    // The daemon went on meanwhile.
    expect(turns).toBeGreaterThan(20);
    expect(await pages.markdown('<p>next</p>', URL_)).toBe('next');
  });

  it('cannot be brought down by nesting without end', async () => {
    const pages = converter({ timeMs: 1_000 });
    expect(await pages.markdown(`${'<div>'.repeat(50_000)}deep`, URL_)).toBeNull();
    expect(await pages.markdown('<p>next</p>', URL_)).toBe('next');
  });

  it('ends its thread when there is nothing to read, and begins another when there is', async () => {
    const pages = converter({ idleMs: 10 });
    expect(await pages.markdown('<p>one</p>', URL_)).toBe('one');
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(await pages.markdown('<p>two</p>', URL_)).toBe('two');
  });

  it('says that a page cannot be read when its thread is not there', async () => {
    const pages = converter({ file: new URL('./missing.mjs', file) });
    expect(await pages.markdown('<p>x</p>', URL_)).toBeNull();
  });
});
