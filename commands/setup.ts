import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { printable, printableJson, shortened } from '../daemon/contract/printable.ts';
import { ROUTES } from '../daemon/contract/routes.ts';
import { fail, fitted, startedByAgent } from './ask-daemon.ts';
import { copyPlugin, installationAt, type Installation } from './installation.ts';
import { fieldIn, readSettings, withField, writeSettings, type Path, type SettingsFile } from './settings-file.ts';
import { DONE, FAILED, WIDTH, type Exit, type Terminal } from './terminal.ts';

export interface SetupOptions {
  yes?: boolean;
  undo?: boolean;
  json?: boolean;
  copy?: boolean;
}

const PORT: Path = ['sandbox', 'network', 'httpProxyPort'];
const NAME = PORT.join('.');

interface Layers {
  plugin: Installation;
  daemon: 'running' | 'not-running';
  environment: boolean;
  sandbox: { settings: string; httpProxyPort: number | null; leadsHere: boolean; enabled: boolean };
}

/** What of pag0 is in force for this user, and the one part of it that only the client's own settings can give. */
export async function setup(terminal: Terminal, options: SetupOptions): Promise<Exit> {
  const changes = options.yes === true || options.undo === true || options.copy === true;
  if (changes && startedByAgent(terminal)) return fail(terminal, '`setup` changes the settings of the client and is for a person; type it in a terminal of your own.', FAILED, 'PERSON_REQUIRED');
  if (options.copy === true) return copy(terminal, options);
  const read = readSettings(fileOf(terminal));
  if (!read.ok) return fail(terminal, read.sentence);
  const found = portIn(read.settings);
  if ('sentence' in found) return fail(terminal, found.sentence);
  const layers = await layersOf(terminal, read.settings, found.port);
  const { leadsHere } = layers.sandbox;
  if (options.json !== true) terminal.out(shown(terminal, layers));
  if (options.undo === true) return finish(terminal, options, layers, leadsHere ? undefined : 'keep');
  if (leadsHere) return finish(terminal, options, layers, 'keep');
  if (found.port !== null) return fail(terminal, `${NAME} is ${found.port} in ${read.settings.file}, which is another program's, so it was left alone; take it out first if pag0 is to be in its place.`);
  if (options.yes !== true && (options.json === true || startedByAgent(terminal))) return finish(terminal, options, layers, 'keep');
  terminal.err(fitted(terminal, `With ${NAME} at ${terminal.port}, commands in the client's Bash sandbox reach the network through pag0 alone: hosts outside its \`allowedDomains\` are refused without a question, and nothing is reached while the daemon does not run.`));
  if (options.yes !== true && !terminal.interactive) return fail(terminal, 'nothing was changed; type it in a terminal, or with --yes.');
  if (options.yes !== true && !/^y(es)?$/i.test((await terminal.ask(printable(`Set it in ${read.settings.file}? [y/N] `))).trim())) return fail(terminal, 'nothing was changed.');
  return finish(terminal, options, layers, terminal.port);
}

/** The client asks nobody where a marketplace lies that it has; told of another place it reads from there. */
function copy(terminal: Terminal, options: SetupOptions): Exit {
  let folder: string;
  try {
    folder = copyPlugin(terminal.home, installationAt(terminal.home));
  } catch (error) {
    return fail(terminal, `no copy was made in ${terminal.home.dir} (${(error as NodeJS.ErrnoException).code ?? String(error)}).`, FAILED);
  }
  const then = [`claude plugin marketplace add ${folder}`, 'claude plugin install pag0@pag0'];
  if (options.json === true) terminal.out(printableJson({ copy: folder, then }));
  else terminal.out(['Copied. Now type:', ...then.map((line) => `  ${printable(line)}`), 'Sessions that start then read the copy; what it was made from may go.', 'After an update: the same again.'].join('\n'));
  return DONE;
}

/** Reads once more: a person may have taken their time, and the file is the client's as well. */
function finish(terminal: Terminal, options: SetupOptions, layers: Layers, port: number | undefined | 'keep'): Exit {
  const { settings: file } = layers.sandbox;
  if (port === 'keep') return report(terminal, options, layers, false, options.undo === true ? `${NAME} does not lead to pag0 in ${file}; nothing was changed.` : null);
  const read = readSettings(file);
  if (!read.ok) return fail(terminal, read.sentence);
  const found = portIn(read.settings);
  if ('sentence' in found) return fail(terminal, found.sentence);
  try {
    writeSettings(read.settings, withField(read.settings.value, PORT, port));
  } catch (error) {
    return fail(terminal, `${file} cannot be written (${(error as NodeJS.ErrnoException).code ?? String(error)}), so nothing was changed.`, FAILED);
  }
  const changed = { ...layers, sandbox: { ...layers.sandbox, httpProxyPort: port ?? null, leadsHere: port !== undefined } };
  const next = layers.sandbox.enabled ? 'sessions that start now have it' : 'it takes effect in sessions with the sandbox on (`/sandbox` in the client)';
  return report(terminal, options, changed, true, port === undefined ? `${NAME} was taken out of ${file}; sessions that start now do without it.` : `${NAME} is ${port} in ${file}; ${next}.`);
}

function report(terminal: Terminal, options: SetupOptions, layers: Layers, changed: boolean, sentence: string | null): Exit {
  if (options.json === true) terminal.out(printableJson({ ...layers, changed }));
  else if (sentence !== null) terminal.out(fitted(terminal, sentence));
  return DONE;
}

function portIn(settings: SettingsFile): { port: number | null } | { sentence: string } {
  const field = fieldIn(settings, PORT);
  if ('wrong' in field) return { sentence: `${field.wrong} in ${settings.file} is not an object, so nothing was changed; mend it first.` };
  if (field.value === undefined || field.value === null) return { port: null };
  return typeof field.value === 'number' ? { port: field.value } : { sentence: `${NAME} in ${settings.file} is not a number, so nothing was changed; mend it first.` };
}

async function layersOf(terminal: Terminal, settings: SettingsFile, port: number | null): Promise<Layers> {
  const { kind } = await terminal.client.get(ROUTES.status);
  const { sandbox } = settings.value as { sandbox?: { enabled?: unknown } };
  return {
    plugin: installationAt(terminal.home),
    daemon: kind === 'answer' ? 'running' : 'not-running',
    environment: wantsEnvironment(terminal),
    sandbox: { settings: settings.file, httpProxyPort: port, leadsHere: port === terminal.port, enabled: sandbox?.enabled === true },
  };
}

/** The daemon judges the file as a whole; here it only matters whether the person said no. */
function wantsEnvironment({ home }: Terminal): boolean {
  try {
    const { gateway } = JSON.parse(readFileSync(home.configFile, 'utf8')) as { gateway?: { environment?: unknown } };
    return gateway?.environment !== false;
  } catch {
    return true;
  }
}

function shown({ home }: Terminal, { plugin, daemon, environment, sandbox }: Layers): string {
  const leads = sandbox.httpProxyPort === null ? 'not set up' : sandbox.leadsHere ? 'leads here' : `leads to port ${sandbox.httpProxyPort}, another program's`;
  return [
    `plugin read from ${plugin.folder}`,
    ...(plugin.mustStay ? STAY : []),
    'pag0 layers, the strongest first',
    `  hooks        ${daemon === 'running' ? 'the daemon runs' : 'the daemon does not run; the next session starts it'}`,
    `  environment  ${environment ? 'on, for everything that Bash starts' : `off, by gateway.environment in ${home.configFile}`}`,
    `  sandbox      ${leads}${sandbox.leadsHere && !sandbox.enabled ? '; the sandbox itself is off in your settings' : ''}`,
  ]
    .map((line) => shortened(line, WIDTH))
    .join('\n');
}

/** Without it the client finds no plugin at its next start, and says nothing. */
export const STAY = ['  It must stay there: moved or deleted, the next session has no pag0.', '  `pag0 setup --copy` makes a copy that nobody moves.'];

function fileOf({ env }: Terminal): string {
  const named = env['CLAUDE_CONFIG_DIR'];
  return join(named !== undefined && named !== '' ? named : join(env['HOME'] ?? homedir(), '.claude'), 'settings.json');
}

export function addSetup(program: Command, run: (work: (terminal: Terminal) => Promise<Exit>) => Promise<void>): void {
  program
    .command('setup')
    .description("which layers are in force, and the client's sandbox as one more")
    .option('--yes', `set ${NAME} in your settings without asking`)
    .option('--undo', 'take it out again')
    .option('--copy', 'copy the plugin to where nobody moves it, and say what to type then')
    .option('--json', 'as JSON; asks nothing')
    .action((options: SetupOptions) => run((terminal) => setup(terminal, options)));
}
