import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addVerbs } from '../commands/program.ts';
import { parseConfig } from '../daemon/config/schema.ts';

/** What the documents say that a program can check: names that exist, links that lead somewhere, fields that are all there. */
const root = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const DOCUMENTS = ['README.md', 'SECURITY.md', 'AGENTS.md', 'CHANGELOG.md', 'plugin/README.md', 'plugin/PRIVACY.md', ...readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];
const texts = DOCUMENTS.map((file) => ({ file, text: read(file) }));

/** The lines of code blocks, and what stands in backticks. */
function codeIn(text: string): string[] {
  const blocks = [...text.matchAll(/```[a-z]*\n([\s\S]*?)```/g)].flatMap(([, code]) => code!.split('\n'));
  const spans = [...text.replace(/```[\s\S]*?```/g, '').matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!);
  return [...blocks, ...spans];
}

/** `pag0 budget raise|lower [session]` names two verbs of a verb. */
function commandsIn(code: string): string[][] {
  return [...code.matchAll(/(?:^|(?<!install)\s)pag0 ((?:[a-z][a-z-]*(?:\|[a-z-]+)*)(?: [a-z-]+(?:\|[a-z-]+)*)?)/g)].map(([, words]) => words!.split(' '));
}

describe('the documents', () => {
  const program = new Command('pag0');
  addVerbs(program, async () => {});
  const verbs = new Map(program.commands.map((command) => [command.name(), new Set(command.commands.map((sub) => sub.name()))]));
  const parts = read('commands/program.ts');

  it('name commands that exist', () => {
    expect(parts).toContain('addVerbs');
    const unknown = texts.flatMap(({ file, text }) =>
      codeIn(text).flatMap((code) =>
        commandsIn(code).flatMap(([verb, sub]) =>
          verb!.split('|').flatMap((one) => {
            const subs = verbs.get(one);
            if (subs === undefined) return [`${file}: pag0 ${one}`];
            // Verbs of a verb, where it has any; words like `today` are arguments.
            if (subs.size === 0 || sub === undefined || one === 'budget') return [];
            return sub.split('|').filter((word) => !subs.has(word)).map((word) => `${file}: pag0 ${one} ${word}`);
          }),
        ),
      ),
    );
    expect(unknown).toEqual([]);
  });

  it('name every verb of the program in the README', () => {
    const readme = read('README.md');
    expect([...verbs.keys()].filter((verb) => verb !== 'help' && !new RegExp(`pag0 (?:\\w+\\|)*${verb}\\b`).test(readme))).toEqual([]);
  });

  it('name slash commands that exist', () => {
    const known = readdirSync(join(root, 'plugin', 'commands')).map((name) => name.replace('.md', ''));
    const named = texts.flatMap(({ text }) => [...text.matchAll(/(?<![\w/.-])\/(?:pag0:)?(pag0-[a-z]+)\b/g)].map(([, name]) => name!));
    expect(named.length).toBeGreaterThan(10);
    expect([...new Set(named)].filter((name) => !known.includes(name))).toEqual([]);
  });

  it('name scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = texts.flatMap(({ file, text }) => [...text.matchAll(/npm (?:run )?(?:--silent )?(demo|e2e|bench|torture|build|test(?::\w+)?|[a-z]+:[a-z]+)\b/g)].map(([, name]) => ({ file, name: name! })));
    expect(named.filter(({ name }) => scripts[name] === undefined)).toEqual([]);
  });

  it('link to what is there', () => {
    const broken = texts.flatMap(({ file, text }) =>
      [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target]) => {
        if (/^https?:/.test(target!)) return [];
        const [path, anchor] = target!.split('#') as [string, string | undefined];
        const there = path === '' ? join(root, file) : join(root, dirname(file), path);
        if (!existsSync(there)) return [`${file} → ${target}`];
        return anchor === undefined || anchorsOf(readFileSync(there, 'utf8')).includes(anchor) ? [] : [`${file} → ${target}`];
      }),
    );
    expect(broken).toEqual([]);
  });

  it('name files that are there', () => {
    const places = ['', 'daemon/', 'scripts/', 'plugin/'];
    // A history names what was; so does what somebody else's program has.
    const missing = texts.filter(({ file }) => file !== 'CHANGELOG.md').flatMap(({ file, text }) =>
      [...text.matchAll(/`((?:[\w-]+\/)+[\w.-]+\.(?:ts|sh|mjs|json|md))`/g)].flatMap(([, path]) => (places.some((place) => existsSync(join(root, place, path!))) || path!.startsWith('wf_') ? [] : [`${file}: ${path}`])),
    );
    expect(missing).toEqual([]);
  });

  it('name codes that exist', () => {
    const sources = sourcesIn(['daemon', 'commands', 'hooks']).map((file) => readFileSync(file, 'utf8')).join('\n');
    // A history names codes that were, too.
    const named = texts.filter(({ file }) => file !== 'CHANGELOG.md').flatMap(({ file, text }) => [...text.matchAll(/`(?:pag0 )?([A-Z]{2,}(?:_[A-Z]+)+)(?=[`:…\s])/g)].map(([, code]) => ({ file, code: code! })));
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter(({ code }) => !sources.includes(code) && !/^PAG0_/.test(code)).map(({ file, code }) => `${file}: ${code}`)).toEqual([]);
  });

  it('say how every field of the configuration is named, and name none that is not there', () => {
    const reference = ['README.md', 'docs/configuration.md'].filter((file) => existsSync(join(root, file))).map(read).join('\n');
    const fields = knownFields();
    expect(fields.length).toBeGreaterThan(45);
    expect([...new Set(fields)].filter((field) => !new RegExp(`[\`."]${field}\\b`).test(reference))).toEqual([]);
    const table = /## Configuration\n([\s\S]*?)\n## /.exec(read('README.md'))![1]!;
    const named = [...table.matchAll(/^\| (.*?) \|/gm)].flatMap(([, cell]) => [...cell!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!.split('.').at(-1)!.replace(/\[\]$/, ''))).filter((name) => /^[a-z]\w*$/i.test(name));
    const places = ['policy', 'agents', 'prices', 'loops', 'cache', 'gateway', 'networks', 'tokens'];
    expect(named.filter((name) => !fields.includes(name) && !places.includes(name))).toEqual([]);
  });

  it('name environment variables that are read', () => {
    const sources = [...sourcesIn(['daemon', 'commands', 'hooks', 'scripts']).map((file) => readFileSync(file, 'utf8'))].join('\n');
    const named = texts.flatMap(({ file, text }) => [...text.matchAll(/\bPAG0_[A-Z_]+\b/g)].map(([name]) => ({ file, name })));
    expect(named.filter(({ name }) => !sources.includes(name))).toEqual([]);
  });

  // Each of these was in a document and was not so.
  it.each([
    [/localhost is left alone/, 'not while the daemon was away'],
    [/Python, Node, Go, Ruby, git, scripts \| seen/, 'Node before 24 is not'],
    [/answered on the screen at once, without a model call/, 'not while the daemon fails'],
    [/text of your prompts is not read/, 'a hook reads it'],
    [/passed on as they are\. Answers may/, 'what a rule names is read'],
    [/marketplace add \.\/pag0/, 'it works in the parent folder of the clone alone'],
    [/\bticket(?:ed|s)?\b/i, 'there are none any more'],
  ])('do not say %s: %s', (phrase) => {
    expect(texts.filter(({ file, text }) => file !== 'CHANGELOG.md' && phrase.test(text)).map(({ file }) => file)).toEqual([]);
  });

  it('say that the model’s own tokens are not metered', () => {
    for (const file of ['README.md', 'plugin/README.md']) expect(read(file)).toMatch(/tokens that Claude itself uses are not metered/);
  });

  it('name the plugin’s own page where they speak of privacy, and nobody else’s', () => {
    const manifest = JSON.parse(read('plugin/.claude-plugin/plugin.json')) as { privacyPolicyUrl?: string };
    expect(read('plugin/README.md')).toContain('[PRIVACY.md](./PRIVACY.md)');
    // The client's validator takes any https link about privacy for the plugin's own.
    expect(read('plugin/README.md')).not.toMatch(/\]\(https?:/);
    if (manifest.privacyPolicyUrl !== undefined) expect(manifest.privacyPolicyUrl).toMatch(/^https:\/\/(?!.*\.(?:example|invalid|test)\b).*PRIVACY/);
  });

  it('have the install line', () => {
    for (const file of ['README.md', 'plugin/README.md']) expect(read(file)).toMatch(/claude plugin marketplace add "\$PWD"\nclaude plugin install pag0@pag0\n/);
  });
});

/** As pag0 itself lists them when a field is unknown. */
function knownFields(): string[] {
  const places: (string | number)[][] = [[], ['policy'], ['agents', 'a'], ['prices', 0], ['prices', 0, 'tokens'], ['loops'], ['cache'], ['cache', 'ttlRules', 0], ['cache', 'reuse', 0], ['gateway'], ['networks', 0]];
  const listed = places.flatMap((place) => {
    const at = (rest: readonly (string | number)[]): unknown => {
      const [first, ...more] = rest;
      if (first === undefined) return { zzz: 1 };
      return typeof first === 'number' ? [at(more)] : { [first]: at(more) };
    };
    const parsed = parseConfig(JSON.stringify(at(place)));
    return parsed.ok ? [] : [...parsed.problem.matchAll(/known here: ([^)]*)\)/g)].flatMap(([, names]) => names!.split(', '));
  });
  // Lists whose entries an older message did not name.
  return [...new Set([...listed, 'endpoint', 'tool', 'method', 'price', 'tokens', 'inputPerMillion', 'outputPerMillion', 'cachedInputPerMillion', 'cacheWritePerMillion', 'pattern', 'ttl'])];
}

function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading!.toLowerCase().replace(/[^\p{L}\p{N}\s-]/gu, '').trim().replace(/\s/g, '-'));
}

function sourcesIn(folders: readonly string[]): string[] {
  return folders.flatMap((folder) => filesBelow(join(root, folder))).filter((file) => file.endsWith('.ts') && !relative(root, file).includes('documents.test'));
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)]));
}
