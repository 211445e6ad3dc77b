import { basename, dirname, resolve, sep } from 'node:path';
import { refusal, type Refusal } from '../core/errors.ts';
import { programName, wordsOf, type Invocation, type ShellReading } from '../core/invocation.ts';
import type { Parts, ToolCall } from './parts.ts';
import type { Live } from './sessions.ts';

/**
 * The agent is not trusted with its own limits: its tools do not write to pag0's files, and its Bash does not speak the
 * verbs that raise, approve, resume or switch off. This keeps honest agents honest; what holds against a determined one
 * is that the daemon asks a person (`person.ts`).
 */
export function guard(parts: Parts, live: Live, call: ToolCall): Refusal | null {
  switch (call.tool) {
    case 'Edit':
    case 'MultiEdit':
    case 'Write':
    case 'NotebookEdit':
      return guardEdit(parts, live, call.input);
    case 'Bash':
      return guardBash(parts, call.input);
    case 'Skill':
      return guardSkill(call.input);
    default:
      return null;
  }
}

function guardEdit(parts: Parts, live: Live, input: Record<string, unknown>): Refusal | null {
  const named = input['file_path'] ?? input['notebook_path'];
  if (typeof named !== 'string') return null;
  const file = resolve(live.session.cwd, named);
  if (parts.protectedPaths.some((folder) => file === folder || file.startsWith(folder + sep))) return protectedFile(file);
  if (basename(dirname(file)) !== '.claude') return null;
  // The client's settings hold the plugin's switch, its options and where the sandbox leads: an edit that names those is about the limits.
  const about = basename(file) === 'pag0.json' || (/^settings.*\.json$/.test(basename(file)) && /pag0|httpProxyPort/.test(JSON.stringify(input)));
  return about ? protectedFile(file) : null;
}

function guardBash(parts: Parts, input: Record<string, unknown>): Refusal | null {
  const command = input['command'];
  // Almost every command is none of our business, and is not parsed for this.
  if (typeof command !== 'string' || !mentionsUs(parts, command)) return null;
  const reading = parts.readShell(command);
  for (const { word } of wordsOf(reading)) {
    if (namesProtected(parts, word)) return protectedFile(word);
    if (parts.ownAddress.test(word)) return refusal('PERSON_REQUIRED', "an agent's commands may not talk to pag0 themselves, so the command was not run; use `pag0 budget` or `pag0 report` to read", { scope: 'pag0' });
  }
  const verb = reading.invocations.map(raisingVerb).find((found) => found !== null) ?? typedElsewhere(reading, command);
  if (verb !== undefined && verb !== null) {
    return refusal('PERSON_REQUIRED', `\`pag0 ${verb}\` is for a person, so it was not run; ask the person to type it in a terminal of their own or as a slash command`, { scope: 'pag0' });
  }
  return null;
}

function mentionsUs(parts: Parts, command: string): boolean {
  return /pag0|cli\.mjs/i.test(command) || parts.ownAddress.test(command) || parts.protectedPaths.some((folder) => command.includes(folder));
}

/** `~/.pag0/token`, `$HOME/.pag0`, `/home/me/.pag0/config.json`, a project's `.claude/pag0.json`. */
function namesProtected(parts: Parts, word: string): boolean {
  return /(^|[/=:])\.pag0(\/|$)/.test(word) || /\.claude\/pag0\.json$/.test(word) || parts.protectedPaths.some((folder) => word.includes(folder));
}

const RAISING = new Map<string, readonly string[] | null>([
  ['resume', null],
  ['approve', null],
  ['setup', null],
  ['budget', ['raise', 'set']],
  ['daemon', ['stop', 'restart']],
  ['wallet', ['create', 'import', 'export']],
]);

function raisingVerb(invocation: Invocation): string | null {
  const words = invocation.words;
  const at = words.findIndex((word) => programName(word) === 'pag0' || (word ?? '').endsWith('cli.mjs'));
  if (at < 0) return null;
  const [verb, sub] = words.slice(at + 1).filter((word) => word === null || !word.startsWith('-'));
  if (verb === undefined) return null;
  // A verb that cannot be read might be any of them.
  if (verb === null || !RAISING.has(verb)) return verb === null ? 'with an unknown verb' : null;
  const subs = RAISING.get(verb)!;
  if (subs === null) return verb;
  return sub === null || (sub !== undefined && subs.includes(sub)) ? `${verb} ${sub ?? ''}`.trim() : null;
}

/** Programs that type into a terminal, or hold one of their own: what is typed there looks like a person's. */
const TYPISTS: ReadonlySet<string> = new Set([
  ...['tmux', 'screen', 'byobu', 'zellij', 'dtach', 'abduco', 'script', 'expect', 'autoexpect', 'unbuffer', 'socat', 'ssh'],
  ...['xdotool', 'ydotool', 'wtype', 'dotool', 'kitty', 'kitten', 'wezterm', 'osascript'],
]);
const OWN_TERMINAL = /\b(?:pty|openpty|forkpty|TIOCSTI)\b/;

/** Words of `tmux send-keys` that are keys. */
const KEYS = /\b(?:Space|Enter|Tab|C-m|KPEnter)\b/g;
const RAISES = /(?:\bpag0|cli\.mjs)(?: -[\w-]+)* (resume|approve|setup|budget (?:raise|set)|daemon (?:stop|restart)|wallet (?:create|import|export))\b|\bpag0-(resume|approve|budget (?:raise|set))\b/;

/** `tmux send-keys 'pag0 resume' Enter`, `script -c 'pag0 approve 7'`, a document that is fed to one of these: the plain forms, SECURITY.md names what remains. */
function typedElsewhere({ invocations, unreadable }: ShellReading, command: string): string | null {
  const types = ({ program, wrappers }: Invocation): boolean => TYPISTS.has(program ?? '') || wrappers.some((word) => TYPISTS.has(programName(word) ?? ''));
  const words = command.replace(KEYS, ' ').replace(/[^\w./-]+/g, ' ');
  if (!(invocations.some(types) || OWN_TERMINAL.test(command) || (unreadable && words.split(' ').some((word) => TYPISTS.has(word))))) return null;
  const [, verb, slash] = RAISES.exec(words) ?? [];
  return verb ?? slash ?? null;
}

function guardSkill(input: Record<string, unknown>): Refusal | null {
  const name = String(input['skill'] ?? input['command'] ?? input['name'] ?? '');
  if (!/^\/?pag0(:|-)/.test(name)) return null;
  return refusal('PERSON_REQUIRED', `/${name.replace(/^\//, '')} is typed by a person, so it was not run; use \`pag0 budget\` or \`pag0 report\` in Bash to read`, { scope: 'pag0' });
}

function protectedFile(file: string): Refusal {
  return refusal('PROTECTED_FILE', `${file} belongs to pag0 and no agent's tool may touch it, so the call was not run; ask the person to change it`, { scope: 'pag0' });
}
