import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { NO_SANDBOX, type Sandbox } from '../core/sandbox.ts';
import type { Clock } from '../ports.ts';

/** What is seen of how a client was started; null where the system does not show it. */
export interface Launch {
  env: Readonly<Record<string, string | undefined>>;
  argv: readonly string[];
}

export interface ClientSettingsOptions {
  /** The gateway's own port. */
  port: number;
  clock: Clock;
  launchOf(pid: number): Launch | null;
  managedFile?: string;
}

/** The client's settings, as far as they say which way a session's commands reach the network. */
export interface ClientSettings {
  sandboxOf(session: { cwd: string; clientPid: number | null }): Sandbox;
}

/** The client takes up a change while it runs, so we do, too. */
const KEPT_MS = 1_000;
const MAX_KEPT = 500;

export function createClientSettings({ port, clock, launchOf, managedFile = MANAGED[process.platform] ?? MANAGED.linux }: ClientSettingsOptions): ClientSettings {
  const kept = new Map<string, { sandbox: Sandbox; at: number }>();
  const files = new Map<string, { mark: string; settings: Settings | null }>();

  function sandboxOf({ cwd, clientPid }: { cwd: string; clientPid: number | null }): Sandbox {
    const key = `${clientPid} ${cwd}`;
    const known = kept.get(key);
    const now = clock();
    if (known !== undefined && now - known.at < KEPT_MS) return known.sandbox;
    if (kept.size >= MAX_KEPT) kept.clear();
    const sandbox = together(layers(cwd, clientPid), port);
    kept.set(key, { sandbox, at: now });
    return sandbox;
  }

  /** Lowest first: user, project, the person's own for the project, the command line, and what the machine's owner says. */
  function layers(cwd: string, clientPid: number | null): Layers {
    const launch = clientPid === null ? null : launchOf(clientPid);
    const userDir = filled(launch?.env['CLAUDE_CONFIG_DIR']) ?? join(filled(launch?.env['HOME']) ?? homedir(), '.claude');
    const read = [join(userDir, 'settings.json'), join(cwd, '.claude', 'settings.json'), join(cwd, '.claude', 'settings.local.json')].map(readSettings);
    const flag = flagIn(launch?.argv ?? []);
    const ordered = [...read, flag === null ? null : flag.startsWith('{') ? parse(flag) : readSettings(resolve(cwd, flag))];
    return { ordered: ordered.filter((one) => one !== null), managed: readSettings(managedFile) };
  }

  function readSettings(file: string): Settings | null {
    const stat = statSync(file, { throwIfNoEntry: false });
    if (stat === undefined || !stat.isFile() || stat.size > MAX_BYTES) return null;
    const mark = `${stat.mtimeMs} ${stat.size} ${stat.ino}`;
    const known = files.get(file);
    if (known?.mark === mark) return known.settings;
    if (files.size >= MAX_KEPT) files.clear();
    const settings = parse(readOrNothing(file));
    files.set(file, { mark, settings });
    return settings;
  }

  return { sandboxOf };
}

const MAX_BYTES = 1024 * 1024;
const MANAGED: Readonly<Partial<Record<NodeJS.Platform, string>>> & { linux: string } = {
  linux: '/etc/claude-code/managed-settings.json',
  darwin: '/Library/Application Support/ClaudeCode/managed-settings.json',
};

/** One wrong field is no reason to lose the others: the client reads what it can. */
const flagged = z.boolean().optional().catch(undefined);
const texts = z.array(z.unknown()).transform((all) => all.filter((one) => typeof one === 'string')).optional().catch(undefined);
const network = z.object({ httpProxyPort: z.number().optional().catch(undefined), allowedDomains: texts, deniedDomains: texts, allowManagedDomainsOnly: flagged });
const settingsShape = z.object({
  sandbox: z.object({ enabled: flagged, allowUnsandboxedCommands: flagged, network: network.optional().catch(undefined) }).optional().catch(undefined),
  permissions: z.object({ allow: texts, deny: texts }).optional().catch(undefined),
});
type Settings = z.infer<typeof settingsShape>;

interface Layers {
  ordered: readonly Settings[];
  managed: Settings | null;
}

/** Of single values the highest counts; lists are joined. A rule for WebFetch is one for the sandbox as well. */
function together({ ordered, managed }: Layers, port: number): Sandbox {
  const all = managed === null ? ordered : [...ordered, managed];
  const last = <T>(pick: (sandbox: NonNullable<Settings['sandbox']>) => T | undefined): T | undefined => all.flatMap(({ sandbox }) => (sandbox === undefined ? [] : [pick(sandbox)])).findLast((value) => value !== undefined);
  const enabled = last((sandbox) => sandbox.enabled) === true;
  if (!enabled) return NO_SANDBOX;
  const allowing = managed?.sandbox?.network?.allowManagedDomainsOnly === true ? [managed] : all;
  return {
    exit: last((sandbox) => sandbox.network?.httpProxyPort) === port ? 'pag0' : 'other',
    mayLeave: last((sandbox) => sandbox.allowUnsandboxedCommands) !== false,
    allowed: allowing.flatMap(({ sandbox, permissions }) => [...(sandbox?.network?.allowedDomains ?? []), ...fetched(permissions?.allow)]),
    denied: all.flatMap(({ sandbox, permissions }) => [...(sandbox?.network?.deniedDomains ?? []), ...fetched(permissions?.deny)]),
  };
}

function fetched(rules: readonly string[] | undefined): string[] {
  return (rules ?? []).flatMap((rule) => /^WebFetch\(domain:(.+)\)$/.exec(rule.trim())?.[1] ?? []);
}

function parse(text: string): Settings | null {
  try {
    const read = settingsShape.safeParse(JSON.parse(text));
    return read.success ? read.data : null;
  } catch {
    // The client does not start with it, or goes on with what it read before.
    return null;
  }
}

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** `--settings <file or JSON>`; whoever drives the client in code gives its settings so. */
function flagIn(argv: readonly string[]): string | null {
  const at = argv.findIndex((word) => word === '--settings' || word.startsWith('--settings='));
  if (at < 0) return null;
  const word = argv[at]!;
  return filled(word.includes('=') ? word.slice(word.indexOf('=') + 1) : argv[at + 1])?.trim() ?? null;
}

function filled(value: string | undefined): string | null {
  return value === undefined || value === '' ? null : value;
}
