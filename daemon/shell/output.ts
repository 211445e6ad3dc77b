import { UNKNOWN, type ShellWord } from '../core/invocation.ts';
import { steps } from './braces.ts';

/**
 * What a command writes, for the few whose output stands in the text: `$(echo x)`, `$(seq 3)`, `cat <<EOF`, and
 * `$(which curl)`, which people write to run curl.
 */
export function plainOutput(words: readonly ShellWord[], input: string | undefined): string {
  const [name, ...rest] = words;
  if (rest.includes(null)) return UNKNOWN;
  const args = rest as string[];
  switch (name) {
    case 'echo':
      return echoed(args);
    case 'printf':
      return printed(args);
    case 'seq':
      return sequence(args);
    case 'pwd':
      return '.\n';
    case 'which':
      return args.length === 1 ? `${args[0]!}\n` : UNKNOWN;
    case 'command':
      return args.length === 2 && args[0] === '-v' ? `${args[1]!}\n` : UNKNOWN;
    case 'cat':
      return input !== undefined && (args.length === 0 || args[0] === '-') ? input : UNKNOWN;
    default:
      return UNKNOWN;
  }
}

function echoed(args: readonly string[]): string {
  const plain = args[0] === '-n' ? args.slice(1) : args;
  return /^-[neE]+$/.test(plain[0] ?? '') ? UNKNOWN : `${plain.join(' ')}\n`;
}

function printed([format = '', ...args]: readonly string[]): string {
  if (/^%s(?:\\n)?$/.test(format)) return args.map((argument) => argument + (format === '%s' ? '' : '\n')).join('');
  return /[%\\]/.test(format) ? UNKNOWN : format;
}

function sequence(args: readonly string[]): string {
  if (args.length < 1 || args.length > 3 || !args.every((argument) => /^-?\d{1,9}$/.test(argument))) return UNKNOWN;
  const numbers = args.map(Number);
  const by = numbers.length === 3 ? numbers[1]! : 1;
  const from = numbers.length === 1 ? 1 : numbers[0]!;
  const to = numbers.at(-1)!;
  if (by === 0 || (by > 0 ? from > to : from < to)) return by === 0 ? UNKNOWN : '';
  return `${steps(from, to, by).join('\n')}\n`;
}
