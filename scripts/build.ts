import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type BuildOptions, type Metafile, type OutputFile, type Plugin } from 'esbuild';
import { lockProblem } from '../daemon/ledger/driver.ts';
import { OPTION_KEYS, SECRET_KEYS } from '../hooks/registration.ts';

/**
 * `npm run build` writes what the plugin ships; `npm run build -- --check` proves that what is committed is what these sources make.
 * A marketplace copies `plugin/` as it is and runs no build, so the bundles contain everything but Node.
 */
const REPO = fileURLToPath(new URL('..', import.meta.url));
const DIST = 'plugin/dist';
const PLACEHOLDER = '@@pag0-build@@';

export type Files = Map<string, string>;

export async function buildBundles(repo: string = REPO, daemonEntry = 'daemon/main.ts'): Promise<Files> {
  const version = versionOf(repo);
  const used = new Set<string>();
  const compile = async (options: BuildOptions): Promise<OutputFile[]> => {
    const { outputFiles, metafile } = await build({ ...COMMON, ...options, define: { ...defines(version), ...options.define }, write: false, metafile: true, absWorkingDir: repo });
    for (const name of packagesIn(metafile)) used.add(name);
    return outputFiles;
  };
  const bundle = async (entry: string, extra: BuildOptions = {}): Promise<string> => (await compile({ entryPoints: [entry], outfile: 'out.mjs', ...extra }))[0]!.text;
  /** Whatever a start does not need (the gateway's HTTP client, its certificates) stands in files of its own, read when it is. */
  const split = async (entry: string, name: string): Promise<void> => {
    const outputs = await compile({ entryPoints: { [name]: entry }, outdir: 'out', splitting: true, chunkNames: `${name}-[name]-[hash]`, outExtension: { '.js': '.mjs' } });
    for (const { path, text } of outputs) files.set(basename(path), text);
  };
  const guard = (main: string, isHook: boolean): Promise<string> =>
    // The oldest syntax that still has `import()`; see hooks/guard.ts.
    bundle('hooks/guard.ts', { target: 'node12.20', external: [main], banner: {}, define: { PAG0_MAIN: JSON.stringify(main), PAG0_IS_HOOK: String(isHook) } });

  const files: Files = new Map();
  await split(daemonEntry, 'daemon');
  if (existsSync(join(repo, 'daemon/reading/worker.ts'))) files.set('read-page.mjs', await bundle('daemon/reading/worker.ts'));
  if (existsSync(join(repo, 'daemon/payer/worker.ts'))) files.set('payer.mjs', await bundle('daemon/payer/worker.ts'));
  files.set('hook.mjs', await guard('./hook-main.mjs', true));
  // What every session's start reads stays small: the shell's reader is for calls that find no daemon.
  await split('hooks/main.ts', 'hook-main');
  if (existsSync(join(repo, 'commands/main.ts'))) {
    files.set('cli.mjs', await guard('./cli-main.mjs', false));
    await split('commands/main.ts', 'cli-main');
  }
  const stamp = createHash('sha256').update([...files.values()].join('\n')).digest('hex').slice(0, 16);
  for (const [name, text] of files) files.set(name, text.replaceAll(PLACEHOLDER, stamp));
  files.set('LICENSES.txt', licenses(repo, used));
  return files;
}

/** zod carries its messages in fifty languages, a third of the daemon, and we ask for none of them. */
const ENGLISH_ONLY: Plugin = {
  name: 'english-only',
  setup(bundler) {
    bundler.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({ contents: "export { default as en } from './en.js';" }));
  },
};

const COMMON = {
  bundle: true,
  plugins: [ENGLISH_ONLY],
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  charset: 'utf8',
  legalComments: 'none',
  // Names stay: a stack in somebody's log is all there is to find an error by.
  minifyWhitespace: true,
  minifySyntax: true,
  logLevel: 'warning',
  // Packages written for `require` reach Node's own modules through it.
  banner: { js: "import{createRequire as pag0Require}from'node:module';const require=pag0Require(import.meta.url);" },
} satisfies BuildOptions;

function defines(version: string): Record<string, string> {
  return { PAG0_VERSION: JSON.stringify(version), PAG0_BUILD: JSON.stringify(PLACEHOLDER) };
}

function packagesIn(metafile: Metafile): string[] {
  return Object.keys(metafile.inputs).flatMap((input) => /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? []);
}

/** For packages that name their licence and bring no copy of it. */
const STANDARD_TEXTS: Record<string, string> = { 'Apache-2.0': 'node_modules/typescript/LICENSE.txt' };

/** What the licences of the bundled packages ask for: their text goes where their code goes. */
function licenses(repo: string, packages: ReadonlySet<string>): string {
  const parts = [...packages].sort().map((name) => {
    const folder = join(repo, 'node_modules', name);
    const { version, license } = readJson(join(folder, 'package.json')) as { version: string; license?: string };
    const own = readdirSync(folder).find((entry) => /^licen[sc]e/i.test(entry));
    const file = own === undefined ? STANDARD_TEXTS[license ?? ''] : join('node_modules', name, own);
    const text = file === undefined ? '' : `\n${readFileSync(join(repo, file), 'utf8').replaceAll('\r\n', '\n').trim()}\n`;
    return `${name} ${version} (${license ?? 'see text'})\n${text}`;
  });
  return `The programs in this folder contain these packages:\n\n${parts.join('\n----------------------------------------\n\n')}`;
}

/** What else has to agree before something may ship; each a sentence. */
export function manifestProblems(repo: string = REPO): string[] {
  const version = versionOf(repo);
  const plugin = readJson(join(repo, 'plugin/.claude-plugin/plugin.json')) as { version?: string; userConfig?: Record<string, { sensitive?: boolean }> };
  const market = readJson(join(repo, '.claude-plugin/marketplace.json')) as { plugins: { name: string; version?: string }[] };
  const listed = market.plugins.find(({ name }) => name === 'pag0')?.version;
  const options = Object.keys(plugin.userConfig ?? {});
  const secret = options.filter((key) => plugin.userConfig?.[key]?.sensitive === true);
  const lock = lockProblem(join(repo, 'plugin/driver'));
  return [
    plugin.version === version ? '' : `plugin.json says version ${plugin.version}, package.json ${version}`,
    listed === undefined || listed === version ? '' : `marketplace.json says version ${listed}, package.json ${version}`,
    options.join() === [...OPTION_KEYS, ...SECRET_KEYS].join() ? '' : `plugin.json asks for ${options.join(', ')}, hooks/registration.ts reads ${[...OPTION_KEYS, ...SECRET_KEYS].join(', ')}`,
    secret.join() === SECRET_KEYS.join() ? '' : `plugin.json keeps ${secret.join(', ') || 'nothing'} secret, hooks/registration.ts ${SECRET_KEYS.join(', ')}`,
    lock === null ? '' : `plugin/driver: ${lock}`,
  ].filter((sentence) => sentence !== '');
}

/** Names of files in the folder that differ from what was built, are missing, or belong to no source any more. */
export function differences(files: Files, folder: string): string[] {
  const present = existsSync(folder) ? readdirSync(folder) : [];
  const wrong = [...files].filter(([name, text]) => !present.includes(name) || readFileSync(join(folder, name), 'utf8') !== text).map(([name]) => name);
  return [...wrong, ...present.filter((name) => !files.has(name))].sort();
}

export function writeBundles(files: Files, folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) if (!files.has(name)) rmSync(join(folder, name));
  for (const [name, text] of files) writeFileSync(join(folder, name), text);
  const launcher = join(dirname(folder), 'bin', 'pag0');
  if (existsSync(launcher)) chmodSync(launcher, 0o755);
}

function versionOf(repo: string): string {
  return (readJson(join(repo, 'package.json')) as { version: string }).version;
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}

async function main(argv: readonly string[]): Promise<number> {
  const files = await buildBundles();
  const folder = join(REPO, DIST);
  const problems = manifestProblems();
  if (argv.includes('--check')) {
    const wrong = differences(files, folder);
    if (wrong.length > 0) problems.push(`${DIST} does not match the sources (${wrong.join(', ')}); run \`npm run build\` and commit the result`);
  } else {
    writeBundles(files, folder);
    for (const [name, text] of files) console.log(`${relative(REPO, join(folder, name))}  ${(Buffer.byteLength(text) / 1024).toFixed(1)} kB`);
  }
  for (const sentence of problems) console.error(`build: ${sentence}.`);
  return problems.length === 0 ? 0 : 1;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) process.exitCode = await main(process.argv.slice(2));
