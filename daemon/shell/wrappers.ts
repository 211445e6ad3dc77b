import { names, readArguments, type Grammar } from '../core/arguments.ts';
import { UNKNOWN, programName, type ShellWord } from '../core/invocation.ts';

/** A program that runs the command which follows on its own command line. */
interface Wrapper extends Grammar {
  /** Operands of its own before the command: timeout's duration. */
  operands: number;
  /** `NAME=value` before the command is the command's environment. */
  assignments: boolean;
  /** Runs it we cannot say how often. */
  repeats: boolean;
  /** Gives the words to a shell, as text. */
  evaluates: boolean;
  /** The command stands after `--`, behind whatever words the wrapper wants. */
  dashes: boolean;
  /** Options with which it runs nothing: `command -v curl`. */
  idle: ReadonlySet<string>;
}

const DEFAULTS: Wrapper = {
  short: '',
  long: names(''),
  equals: true,
  operands: 0,
  assignments: false,
  repeats: false,
  evaluates: false,
  dashes: false,
  idle: names('help version'),
};

const XARGS = { short: 'adEILnPs', long: names('arg-file delimiter max-args max-procs max-chars process-slot-var'), repeats: true };
const PARALLEL = {
  short: 'jaSnNLsdIPC',
  long: names('jobs arg-file max-args delay timeout retries joblog results tmpdir colsep'),
  repeats: true,
  evaluates: true,
};
const TIMEOUT = { short: 'ks', long: names('kill-after signal'), operands: 1 };
const SCHEDULED = { short: 'cnpPu', long: names('class classdata pid pgid uid') };
const PROXIED = { short: 'f' };
const TRACED = { short: 'abeEIoOpPsSuUX', long: names('output attach trace signal string-limit user env') };

/** Wrappers by name; what a row leaves out is in DEFAULTS. `short` and `long` are the options that take a value. */
const WRAPPERS: ReadonlyMap<string, Partial<Wrapper>> = new Map<string, Partial<Wrapper>>([
  ['command', { idle: names('v V') }],
  ['builtin', {}],
  ['exec', { short: 'a' }],
  ['env', { short: 'uCPS', long: names('unset chdir split-string'), assignments: true }],
  ['timeout', TIMEOUT],
  ['gtimeout', TIMEOUT],
  ['nice', { short: 'n', long: names('adjustment') }],
  ['nohup', {}],
  ['time', { short: 'fo', long: names('format output') }],
  ['gtime', { short: 'fo', long: names('format output') }],
  [
    'sudo',
    {
      short: 'CDgpRrTtUu',
      long: names('user group prompt close-from chdir chroot role type other-user command-timeout'),
      assignments: true,
      idle: names('l list e edit version help'),
    },
  ],
  ['doas', { short: 'uC' }],
  ['stdbuf', { short: 'ioe', long: names('input output error') }],
  ['setsid', {}],
  ['ionice', SCHEDULED],
  ['chrt', { short: 'DPT', operands: 1 }],
  ['taskset', { operands: 1 }],
  ['xargs', XARGS],
  ['gxargs', XARGS],
  ['parallel', PARALLEL],
  ['watch', { short: 'nqs', long: names('interval equexit shotsdir'), repeats: true, evaluates: true }],
  ['proxychains', PROXIED],
  ['proxychains4', PROXIED],
  ['torsocks', { short: 'aPup' }],
  ['torify', {}],
  ['tsocks', {}],
  ['unbuffer', {}],
  ['caffeinate', { short: 'tw' }],
  ['strace', TRACED],
  ['ltrace', TRACED],
  ['busybox', {}],
  ['toybox', {}],
  ['noglob', {}],
  ['nocorrect', {}],
  ['chronic', {}],
  ['flock', { short: 'wE', long: names('timeout conflict-exit-code'), operands: 1 }],
  ['repeat', { operands: 1, repeats: true }],
  ['op', { dashes: true }],
  ['doppler', { dashes: true }],
  ['infisical', { dashes: true }],
  ['aws-vault', { dashes: true }],
  ['dotenv', { dashes: true }],
]);

export interface Peeled {
  /** Where the wrapped command begins. */
  from: number;
  assignments: Record<string, ShellWord>;
  repeats: boolean;
  evaluates: boolean;
  /** xargs and parallel: what stands for the argument that comes from elsewhere; null: it is put at the end. */
  placeholder: string | null | undefined;
}

/** The wrapper in front of a command, or null when the first word is none, or has nothing to run. */
export function peel(words: readonly ShellWord[]): Peeled | null {
  const name = programName(words[0]);
  const row = name === null ? undefined : WRAPPERS.get(name);
  if (name === null || row === undefined) return null;
  const wrapper: Wrapper = { ...DEFAULTS, ...row };
  const { repeats, evaluates } = wrapper;
  const peeled: Peeled = { from: words.length, assignments: {}, repeats, evaluates, placeholder: undefined };
  if (wrapper.dashes) peeled.from = words.includes('--') ? words.indexOf('--') + 1 : words.length;
  else if (!readOwnWords(words, wrapper, peeled)) return null;
  if (name.endsWith('xargs')) peeled.placeholder = xargsPlaceholder(words.slice(0, peeled.from));
  if (name === 'parallel') peeled.placeholder = '{}';
  return peeled.from < words.length ? peeled : null;
}

/** Options, operands and assignments; false when the wrapper runs nothing. */
function readOwnWords(words: readonly ShellWord[], wrapper: Wrapper, peeled: Peeled): boolean {
  let from = words.length;
  for (const { option, value, index } of readArguments(words, wrapper, true)) {
    if (option === undefined) {
      from = index;
      break;
    }
    if (wrapper.idle.has(option)) return false;
    const unsets = programName(words[0]) === 'env' && (option === 'u' || option === 'unset');
    if (unsets && value !== null) peeled.assignments[value] = '';
  }
  if (words[from] === '-') from++;
  if (wrapper.assignments) {
    for (let match; (match = /^([A-Za-z_]\w*)=(.*)$/s.exec(words[from] ?? '')) !== null; from++) peeled.assignments[match[1]!] = match[2]!;
  }
  peeled.from = from + wrapper.operands;
  return true;
}

function xargsPlaceholder(words: readonly ShellWord[]): string | null {
  let placeholder: string | null = null;
  for (const { option, value } of readArguments(words, { ...DEFAULTS, ...XARGS })) {
    if (option === 'I') placeholder = value;
    // `-i` and `--replace` take their text only when it is attached, and mean `{}` without.
    if (option === 'i' || option === 'replace') placeholder = value === '' || value === null ? '{}' : value;
  }
  return placeholder;
}

/** The wrapped command's words with what comes from elsewhere marked as unknown. */
export function fed(words: readonly ShellWord[], placeholder: string | null): ShellWord[] {
  if (placeholder === null || placeholder === '') return [...words, null];
  return words.map((word) => word && word.replaceAll(placeholder, UNKNOWN));
}

/** The text that a wrapper gives to a shell, as parallel, watch and `flock file -c 'text'` do; null: it runs the words. */
export function shellText(words: readonly ShellWord[], { evaluates, placeholder }: Peeled): string | null {
  if (!evaluates) return words[0] === '-c' ? (words[1] ?? UNKNOWN) : null;
  // `parallel command ::: arguments`
  const operands = words.findIndex((word) => word?.startsWith(':::') === true);
  const command = (operands < 0 ? words : words.slice(0, operands)).map((word) => word ?? UNKNOWN).join(' ');
  if (placeholder === undefined) return command;
  const marked = command.replace(/\{[^{}\s]{0,4}\}/g, UNKNOWN);
  return marked === command ? `${command} ${UNKNOWN}` : marked;
}
