import { UNKNOWN, type ShellWord } from '../core/invocation.ts';
import { readArguments, names } from '../core/arguments.ts';
import { assign, forgetEverything, type Scope, type Value } from './scope.ts';

/** Text that the builtin gives back to the shell to run; `isolated`: what that text assigns does not stay. */
export interface ShellText {
  text: string;
  isolated: boolean;
}

interface BuiltinCall {
  words: readonly ShellWord[];
  declared: readonly (readonly [string, Value])[];
  input: string | undefined;
}

const NO_TEXT: ShellText = { text: '', isolated: false };
const NONE = names('');
/** An unset variable is as good as an array without elements. One value, so that two branches that unset it agree. */
const NOTHING: Value = [];

/** Does what a builtin does to the shell's own state. null: the command is not a builtin that matters here. */
export function runBuiltin(scope: Scope, call: BuiltinCall): ShellText | null {
  switch (call.words[0]) {
    case 'export':
    case 'declare':
    case 'typeset':
    case 'readonly':
    case 'local':
      declare(scope, call);
      return NO_TEXT;
    case 'alias':
      for (const word of call.words.slice(1)) {
        const [, name, text] = /^([^\s=]+)=(.*)$/s.exec(word ?? '') ?? [];
        if (name !== undefined) scope.aliases.set(name, text!);
      }
      return NO_TEXT;
    case 'unalias':
      for (const word of call.words.slice(1)) scope.aliases.delete(word ?? '');
      return NO_TEXT;
    case 'read':
      read(scope, call);
      return NO_TEXT;
    case 'mapfile':
    case 'readarray':
      forgetOperands(scope, call.words, 'dnOsuCc');
      return NO_TEXT;
    case 'getopts':
      forget(scope, [call.words[2] ?? null, 'OPTARG', 'OPTIND']);
      return NO_TEXT;
    case 'printf':
      if (call.words[1] !== '-v') return null;
      forget(scope, [call.words[2] ?? null]);
      return NO_TEXT;
    case 'let':
      forget(scope, call.words.slice(1).map(assignedByLet));
      return NO_TEXT;
    case 'unset':
      for (const word of call.words.slice(1)) {
        if (word === null || !/^\w+$/.test(word)) continue;
        assign(scope, word, NOTHING);
        scope.exported.delete(word);
      }
      return NO_TEXT;
    case 'set':
      set(scope, call.words);
      return NO_TEXT;
    case 'shift':
      shift(scope, Number(call.words[1] ?? 1));
      return NO_TEXT;
    case 'source':
    case '.':
      forgetEverything(scope);
      return NO_TEXT;
    case 'eval':
      return { text: call.words.slice(1).map((word) => word ?? UNKNOWN).join(' '), isolated: false };
    case 'trap':
      return { text: /^-/.test(call.words[1] ?? '-') ? '' : (call.words[1] ?? ''), isolated: true };
    default:
      return null;
  }
}

function shift(scope: Scope, count: number): void {
  const { positional } = scope;
  const isKnown = Number.isInteger(count) && !positional.slice(0, count).includes(null);
  scope.positional = isKnown ? positional.slice(count) : [null];
}

function assignedByLet(word: ShellWord): ShellWord {
  return /^\W*([A-Za-z_]\w*)/.exec(word ?? '')?.[1] ?? null;
}

function declare(scope: Scope, { words, declared }: BuiltinCall): void {
  const options = words.filter((word) => word?.startsWith('-') === true).join('');
  const isLocal = scope.locals !== undefined && words[0] !== 'export' && words[0] !== 'readonly' && !options.includes('g');
  // `-p` and `-f` show variables and functions.
  const assigns = !/[pfF]/.test(options);
  const values = new Map<string, Value | undefined>(declared);
  for (const word of words.slice(1)) {
    const [, name, append, value] = /^([A-Za-z_]\w*)(?:(\+?)=(.*))?$/s.exec(word ?? '') ?? [];
    if (name !== undefined && !values.has(name)) values.set(name, append === '+' ? UNKNOWN : value);
    // `export $(cat .env)` may give any name a value.
    if (assigns && (word === null || word.replace(/=.*$/s, '').includes(UNKNOWN))) forgetEverything(scope);
  }
  for (const [name, value] of values) {
    if (isLocal && !scope.locals!.has(name)) scope.locals!.set(name, scope.variables.get(name));
    if (words[0] === 'export' && options.includes('n')) scope.exported.delete(name);
    else if (words[0] === 'export' || options.includes('x')) scope.exported.add(name);
    if (value !== undefined) assign(scope, name, value);
    else if (isLocal) assign(scope, name, '');
  }
}

/** `read -r URL <<< "https://…"` is the one reading whose result stands in the text. */
function read(scope: Scope, { words, input }: BuiltinCall): void {
  const line = input === undefined || input.includes('\\') ? UNKNOWN : input.slice(0, (input + '\n').indexOf('\n')).trim();
  const targets = readArguments(words, { short: 'adinNptu', long: NONE, equals: false });
  const named = targets.filter(({ option }) => option === undefined || option === 'a').map(({ value }) => value);
  const isPlain = named.length === 1 && targets.every(({ option }) => option === undefined || option === 'r');
  if (isPlain && named[0] !== null) assign(scope, named[0]!, line);
  else forget(scope, named.length === 0 ? ['REPLY'] : named);
}

function set(scope: Scope, words: readonly ShellWord[]): void {
  for (let index = 1; index < words.length; index++) {
    const word = words[index]!;
    if (word === '--' || word === null || !/^[-+]/.test(word)) {
      scope.positional = words.slice(word === '--' ? index + 1 : index);
      return;
    }
    if (/^-[a-zA-Z]*a/.test(word) || (word === '-o' && words[index + 1] === 'allexport')) scope.exportsAll = true;
    if (/^[-+][a-zA-Z]*o$/.test(word)) index++;
  }
}

function forgetOperands(scope: Scope, words: readonly ShellWord[], short: string): void {
  const operands = readArguments(words, { short, long: NONE, equals: false }).filter(({ option }) => option === undefined);
  forget(scope, operands.map(({ value }) => value));
}

function forget(scope: Scope, targets: readonly ShellWord[]): void {
  for (const name of targets) if (name !== null && /^[A-Za-z_]\w*$/.test(name)) assign(scope, name, UNKNOWN);
}
