import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { formatDollars } from '../daemon/core/amount.ts';
import { MATCHES } from '../daemon/core/endpoint-pattern.fixture.ts';
import { costOf, type Usage } from '../daemon/core/usage.ts';
import { USAGES } from '../daemon/core/usage.fixture.ts';

/** The reference, whose tables are the tests' own cases. `npm run docs` writes them; a test fails when they are old. */
export const REFERENCE = fileURLToPath(new URL('../docs/configuration.md', import.meta.url));

/** Put in the place of what stands between the marks of each table. */
export function withTables(text: string): string {
  return Object.entries({ matches: matches(), usage: usage() }).reduce((all, [name, table]) => {
    const [begin, end] = [`<!-- ${name}: made by npm run docs -->`, `<!-- /${name} -->`];
    const [from, to] = [all.indexOf(begin), all.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`docs/configuration.md has no place for the table "${name}"`);
    return `${all.slice(0, from + begin.length)}\n\n${table}\n\n${all.slice(to)}`;
  }, text);
}

function matches(): string {
  return MATCHES.map(({ title, says, cases }) => {
    const rows = cases.map(({ pattern, url, matches: matched }) => `| ${code(pattern)} | ${code(url)} | ${matched ? 'yes' : 'no'} |`);
    return [`### ${title}`, '', says, '', '| pattern | request | matches |', '|---|---|---|', ...rows].join('\n');
  }).join('\n\n');
}

const PRICE = { input: 2_500_000n, output: 10_000_000n, cachedInput: null, cacheWrite: null };

function usage(): string {
  return USAGES.map(({ title, says, cases }) => {
    const rows = cases.map(({ name, body, usage: read }) => `| ${cell(name)} | ${code(shortened(body))} | ${told(read)} | ${read === null ? 'what was set aside' : formatDollars(costOf(read, PRICE))} |`);
    return [`### ${title}`, '', says, '', '| case | what tells | reads as | costs |', '|---|---|---|---|', ...rows].join('\n');
  }).join('\n\n');
}

function told(usage: Usage | null): string {
  if (usage === null) return 'unknown';
  const parts = Object.entries({ input: usage.input, 'cached input': usage.cachedInput, 'cache write': usage.cacheWrite, output: usage.output, 'of either': usage.unsplit ?? 0 });
  const some = parts.filter(([, count]) => count > 0).map(([name, count]) => `${count} ${name}`);
  return some.length === 0 ? 'nothing used' : some.join(', ');
}

/** One line of it; a stream's events are told apart by an arrow. */
function shortened(body: string): string {
  const line = body.replaceAll('\uFEFF', 'BOM ').replace(/\n+/g, ' → ').replace(/ {2,}/g, ' ');
  return line.length <= 160 ? line : `${line.slice(0, 75)} … ${line.slice(-80)}`;
}

function code(text: string): string {
  const shown = text.length <= 170 ? text : `${text.slice(0, 60)}…`;
  return shown === '' ? '(empty)' : `\`${cell(shown)}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeFileSync(REFERENCE, withTables(readFileSync(REFERENCE, 'utf8')));
