import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildBundles, differences, manifestProblems, writeBundles, type Files } from './build.ts';

const folder = mkdtempSync(join(tmpdir(), 'pag0-build-'));
afterAll(() => rmSync(folder, { recursive: true }));
const STAND_IN = 'daemon/lifecycle/stand-in.fixture.ts';
let files: Files;
beforeAll(async () => {
  files = await buildBundles(undefined, STAND_IN);
});

describe('the bundles', () => {
  it('are the same bytes every time', async () => {
    expect(await buildBundles(undefined, STAND_IN)).toEqual(files);
  });

  it('differ from what is committed as soon as one byte does, a file is missing, or one is left over', () => {
    const dist = join(folder, 'dist');
    writeBundles(files, dist);
    expect(differences(files, dist)).toEqual([]);
    writeFileSync(join(dist, 'hook.mjs'), `${files.get('hook.mjs')} `);
    writeFileSync(join(dist, 'old.mjs'), '');
    rmSync(join(dist, 'daemon.mjs'));
    expect(differences(files, dist)).toEqual(['daemon.mjs', 'hook.mjs', 'old.mjs']);
  });

  it('need nothing but Node: every import is one of its own modules or a file beside them', () => {
    for (const [name, text] of files) {
      if (!name.endsWith('.mjs')) continue;
      const imported = [...text.matchAll(/(?:\bfrom|\bimport\(?)\s*["']([\w@./:-]+)["']/g)].map((match) => match[1]!);
      expect([name, imported.filter((from) => !from.startsWith('node:') && !files.has(from.replace('./', '')) && !/^(http2?|crypto|stream|fs|path|events|url|buffer|util|process|os|net|tls|zlib|module|child_process)$/.test(from))]).toEqual([name, []]);
    }
  });

  it('keep the hook small: it starts for every prompt', () => {
    expect(files.get('hook-main.mjs')!.length).toBeLessThan(40_000);
    expect(files.get('hook-main.mjs')).not.toMatch(/hono|ZodError/);
  });

  it('guard in the syntax of Node 12', () => {
    expect(files.get('hook.mjs')).not.toMatch(/\?\?|\?\.|\|\|=|#[a-z]+;/);
  });

  it('carry the version and one build stamp', () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
    for (const name of ['daemon.mjs', 'hook-main.mjs']) expect(files.get(name)).toContain(JSON.stringify(version));
    const stamps = ['daemon.mjs', 'hook-main.mjs'].map((name) => /BUILD=.*?"([0-9a-f]{16})"/.exec(files.get(name)!)?.[1]);
    expect(stamps[0]).toMatch(/^[0-9a-f]{16}$/);
    expect(stamps[1]).toBe(stamps[0]);
  });

  it('come with the licences of what is inside', () => {
    expect(files.get('LICENSES.txt')).toMatch(/^hono [\d.]+ \(MIT\)$/m);
  });
});

describe('what ships', () => {
  it('agrees on version, options and the pinned driver', () => {
    expect(manifestProblems()).toEqual([]);
  });

  it('has a launcher that finds its program through links', () => {
    const launcher = new URL('../plugin/bin/pag0', import.meta.url).pathname;
    expect(statSync(launcher).mode & 0o111).not.toBe(0);
    const shown = join(folder, 'node');
    writeFileSync(shown, '#!/bin/sh\necho "$@"\n', { mode: 0o755 });
    symlinkSync(launcher, join(folder, 'first'));
    symlinkSync('first', join(folder, 'pag0'));
    const out = execFileSync(join(folder, 'pag0'), ['report', '--json'], { env: { PATH: `${folder}:/usr/bin:/bin` } }).toString().trim();
    expect(out).toBe(`${launcher.replace(/pag0$/, '')}../dist/cli.mjs report --json`);
  });
});
