import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Every text in the daemon that reaches an agent. Wrappers in the field search a client's output for such phrases, take what they find for a
 * limit of the client's plan, wait, and start the next round; and an agent that reads "try again" does.
 */
const MISLEADING = /usage limit|rate[ -]limit(?:ed|s)?\b|limit (?:is |was |has been )?reached|5-hour|quota exceeded|try (?:it |this )?again|please retry|temporarily/i;

describe('no sentence of ours', () => {
  it('can be taken for a limit of the client or the API, or invites to try again', () => {
    const found = sources(join(root, 'daemon')).flatMap((file) =>
      texts(readFileSync(file, 'utf8')).filter((text) => MISLEADING.test(text)).map((text) => `${relative(root, file)}: ${text}`),
    );
    expect(found).toEqual([]);
  });
});

/** What stands in quotes, comments left out. */
function texts(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  return [...code.matchAll(/'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`|"((?:[^"\\\n]|\\.)*)"/g)].map(([, a, b, c]) => a ?? b ?? c ?? '');
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return entry.name.endsWith('.ts') && !/\.(test|suite|fixture)\.ts$/.test(entry.name) ? [path] : [];
  });
}
