import { describe, expect, test } from 'vitest';
import { names, readArguments, type Grammar } from './arguments.ts';

const GRAMMAR: Grammar = { short: 'od', long: names('out data'), equals: true };

/** `o=x` for an option, `x` for an operand. */
function shown(words: (string | null)[], grammar = GRAMMAR, untilOperand = false): string[] {
  const found = readArguments(['program', ...words], grammar, untilOperand);
  return found.map(({ option, value }) => (option === undefined ? String(value) : `${option}=${value}`));
}

describe('Arguments are read as getopt reads them', () => {
  test.each<[string, (string | null)[], string[]]>([
    ['an option takes the next word', ['-o', 'x', 'y'], ['o=x', 'y']],
    ['or the rest of its own', ['-ox', 'y'], ['o=x', 'y']],
    ['letters can stand together, the last with a value', ['-sSo', 'x', 'y'], ['s=', 'S=', 'o=x', 'y']],
    ['a long option takes the next word', ['--out', 'x', 'y'], ['out=x', 'y']],
    ['or what follows the equals sign', ['--out=x', '--flag=y'], ['out=x', 'flag=y']],
    ['a long option without a value takes none', ['--flag', 'x'], ['flag=', 'x']],
    ['a value may look like an option', ['-o', '-d', '--out', '--data'], ['o=-d', 'out=--data']],
    ['after -- there are only operands', ['-s', '--', '-o', null], ['s=', '-o', 'null']],
    ['a single dash is an operand', ['-', '-o', '-'], ['-', 'o=-']],
    ['an unknown word in the place of a value is that value', ['-o', null, 'x'], ['o=null', 'x']],
    ['an unknown word elsewhere is an operand', [null, '-s'], ['null', 's=']],
    ['a value that is missing is unknown', ['-o'], ['o=null']],
    ['an empty word is an operand', ['', '-s'], ['', 's=']],
  ])('%s', (_, words, expected) => {
    expect(shown(words)).toEqual(expected);
  });

  test('a program without --name=value reads it as one long name', () => {
    expect(shown(['--out=x', 'y'], { ...GRAMMAR, equals: false })).toEqual(['out=x=', 'y']);
  });

  test('reading up to the first operand leaves the rest to another program', () => {
    expect(shown(['-s', '-o', 'x', 'curl', '-o', 'y'], GRAMMAR, true)).toEqual(['s=', 'o=x', 'curl']);
    expect(readArguments(['sudo', '--out', 'x', 'curl'], GRAMMAR, true)).toEqual([
      { option: 'out', value: 'x', index: 2 },
      { value: 'curl', index: 3 },
    ]);
  });
});
