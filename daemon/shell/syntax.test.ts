import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UNKNOWN, wordsOf, type Invocation } from '../core/invocation.ts';
import { requestsOf } from '../core/network-client.ts';
import { COMMANDS } from './commands.fixture.ts';
import { readShell } from './syntax.ts';

const EVERY_COMMAND = Object.values(COMMANDS).flatMap((rows) => rows.map(([command]) => command));

const CLIENTS = new Set(['curl', 'wget', 'http', 'https', 'xh', 'xhs', 'curlie']);

function only(command: string): Invocation {
  const { invocations } = readShell(command);
  expect(invocations).toHaveLength(1);
  return invocations[0]!;
}

/** The words of every command, with `?` for what is unknown and `…` for an unknown number of words. */
function wordLists(command: string): string[][] {
  return readShell(command).invocations.map(({ words }) => words.map((word) => word?.replaceAll(UNKNOWN, '?') ?? '…'));
}

describe('A word', () => {
  test.each([
    [`a 'b c' "d e" f\\ g $'h\\ti'`, ['a', 'b c', 'd e', 'f g', 'h\ti']],
    [`a "" ''`, ['a', '', '']],
    ['a $X "$X" x$X "x $X"', ['a', '…', '?', 'x?', 'x ?']],
    ['a "$@" $* "$1"', ['a', '']],
    ['a ~/x $HOME/x $PWD/y', ['a', '~/x', '~/x', './y']],
    ['a *.ts https://b.c/?d=[1-2]', ['a', '*.ts', 'https://b.c/?d=[1-2]']],
    ['a {b,c}{1..2} {x} {1..$N} {1..5000}', ['a', 'b1', 'b2', 'c1', 'c2', '{x}', '…', '…']],
    ['a {-1..1} {-01..1} {c..a} {1..6..2} {6..1..-2}', ['a', '-1', '0', '1', '-01', '000', '001', 'c', 'b', 'a', '1', '3', '5', '6', '4', '2']],
    ['a x{b,c}"{d,e}" {x,"${Y},z"}', ['a', 'xb{d,e}', 'xc{d,e}', 'x', '?,z']],
    ['a $((1+2)) <(b) $(c) "$(c)"', ['a', '?', '?', '…', '?']],
  ])('is known as far as the text tells it: %s', (command, words) => {
    expect(wordLists(command).at(-1)).toEqual(words);
  });

  test.each([
    ['A=1; B=$A$A; c "$B"', ['c', '11']],
    ['A=1; A+=2; c $A', ['c', '12']],
    ['L=(a "b c"); L+=(d); e "${L[@]}" "${L[1]}" ${#L[@]} "${L[*]}"', ['e', 'a', 'b c', 'd', 'b c', '3', 'a b c d']],
    ['A="x y"; c $A "$A"', ['c', 'x', 'y', 'x y']],
    ['A=; c $A "$A" ${A:-d} ${A-d} ${A:+e}', ['c', '', 'd']],
    ['A=x/; c ${A%/} ${A#x} ${A%%*}', ['c', 'x', '/', '…']],
    ['c ${A:=x}; d $A', ['d', 'x']],
    ['f() { local A=2; }; A=1; f; c $A', ['c', '1']],
    ['f() { local A; c "$A"; }; A=1; f', ['c', '']],
    ['A=1; declare A; c $A', ['c', '1']],
    ['f() { local A; A=2; }; A=1; f; c $A', ['c', '1']],
    ['f() { declare -g A=2; }; A=1; f; c $A', ['c', '2']],
    ['L=($X "$Y"); c "${L[@]}"', ['c', '…', '?']],
    ['L=(); c "$L" "${L[0]}" "${L[@]}"', ['c', '', '']],
    ['L=([1]=a); c "${L[@]}"', ['c', '…']],
    ['A=1; A+=(2); c "${A[@]}"', ['c', '…']],
    ['A=1; A[2]=3; c $A', ['c', '…']],
    ['A=abc; c "${A:1}" "${A^^}" "${A/a/b}"', ['c', '?', '?', '?']],
    ['A=1; unset A; c ${A-d} "$A"', ['c', 'd', '']],
    ['A=1 & c $A', ['c', '…']],
    ['A=1; source x; c $A ${B:-d}', ['c', '…', '…']],
    ['[ -f x ] || A=1; c $A', ['c', '…']],
    ['true && A=1; c $A', ['c', '1']],
    ['A=1; case $x in a) A=2 ;; *) A=2 ;; esac; c $A', ['c', '2']],
    ['A=1; case $x in a) A=2 ;; esac; c $A', ['c', '…']],
    ['A=1; if x; then A=2; else A=2; fi; c $A', ['c', '2']],
    ['nice A=1 c', ['A=1', 'c']],
    ['A=1; x && B=2; c $A', ['c', '1']],
    ['A=1; if x; then y; elif A=2; z; then y; else c $A; fi', ['c', '2']],
    ['A=1; if x; then A=2; elif y; then c $A; fi', ['c', '1']],
    ['A=1; case $x in a) A=2 ;; b) c $A ;; esac', ['c', '1']],
    ['A=1; case $x in a) A=2 ;& b) c $A ;; esac', ['c', '…']],
    ['A=1; case $x in a) ;& *) A=2 ;; esac; c $A', ['c', '…']],
    ['set -- a; while x; do set -- b; done; c "$1"', ['c', '?']],
    ['set -- a; for i in $X; do set -- b; done; c "$1"', ['c', '?']],
    ['A=1; while x; do A=2 y; done; c $A', ['c', '1']],
    ['for ((A=1; x; )); do y; done; c $A', ['c', '…']],
    ['for i in 1 2; do A=$B; B=$i; done; c $A', ['c', '1']],
    ['for i in {1..200}; do A=$i; done; c $A', ['c', '…']],
    ['A=1; for i in $X; do A=2; done; c $A', ['c', '…']],
    ['set -- "a b" c; d "${@}" ${*}', ['d', 'a b', 'c', 'a', 'b', 'c']],
    ['set -- a b c; d "${@:2}" "${@:2:1}"', ['d', 'b', 'c', '…']],
    ['set -- a; if x; then y; fi; c "$1"', ['c', 'a']],
    ['set -- a; if x; then set -- b; fi; c "$1"', ['c', '?']],
    ['set -- a; set -x; set -eo pipefail; c $#', ['c', '1']],
    ['set a b; c $2', ['c', 'b']],
    [`set -a; A=1; bash -c 'c $A'`, ['c', '1']],
    [`set -o allexport; A=1; bash -c 'c $A'`, ['c', '1']],
    [`declare -x A=1; bash -c 'c $A'`, ['c', '1']],
    [`export A; A=1; export -n A; bash -c 'c $A'`, ['c', '…']],
    [`A=1; bash -c 'c $A'`, ['c', '…']],
    ['A=1; export "A=2"; c $A', ['c', '2']],
    ['f() { local "A=2"; }; A=1; f; c $A', ['c', '1']],
    ['A=1; export "A+=2"; c $A', ['c', '…']],
    ['A=1; export $(x); c $A ${B:-d}', ['c', '…', '…']],
    ['A=1; declare "$X=2"; c $A', ['c', '…']],
    ['A=1; declare -f "$X"; c $A', ['c', '1']],
    [`A=1; flock x -c 'c $A'`, ['c', '…']],
    [`A=1 flock x -c 'c $A'`, ['c', '1']],
    [`A=1; A=2 B=$A bash -c 'c $A $B'`, ['c', '2', '2']],
    [`A=1; A=2 B=$A x; c $A $B`, ['c', '1', '…']],
    ["alias c='d; e'\nc x", ['e', 'x']],
    ["alias c='d; e'\nset -- a\nc x\nf $1", ['f', 'a']],
    ['o=1; getopts ab o; c $o', ['c', '…']],
    ['c "$(printf "%s\\n" a b)" $(echo -n x) $(echo -e y) $(seq 3 1) $(seq 1 0 2)', ['c', 'a\nb', 'x', '…', '…']],
    ['A=$(echo x > f); c "$A"', ['c', '?']],
    ['cd x && [ -f y ] && A=1; c $A', ['c', '…']],
    ['alias c=d\nunalias c\nc x', ['c', 'x']],
    ['A=1 f; c $A', ['c', '…']],
    ['printf -v A x; c $A', ['c', '…']],
    ['A=1; ((A++)); c $A', ['c', '…']],
    ['A=1; let A+=1; c $A', ['c', '…']],
    ['A=1; mapfile -t A < f; c $A', ['c', '…']],
    ['A=1; eval "$X"; c $A', ['c', '…']],
    ['A=1; echo x | read A; c $A', ['c', '1']],
    ['while getopts ab: o; do A=$OPTARG; done; c $A', ['c', '…']],
    ['set -- a b; shift; c "$1" $#', ['c', 'b', '1']],
    ['while [ $# -gt 0 ]; do shift; done; c $#', ['c', '…']],
    ['A=$(echo x y); c "$A" $(printf %s z) $(seq 2 -1 1) $(pwd)', ['c', 'x y', 'z', '2', '1', '.']],
    ['A=$(cat <<< x); c $A', ['c', 'x']],
    ['X=; A=$(cat <<-E\n\tx\n\t\ty$X\tz\n\tE\n); c "$A"', ['c', 'x\ny\tz']],
    ["A=$(cat <<-'E'\n\tx\ty\n\tE\n); c \"$A\"", ['c', 'x\ty']],
    ['IFS=,; A=x,y; c $A "$A"', ['c', '…', 'x,y']],
    ['A=x,y; IFS=, read B; c $A', ['c', 'x,y']],
  ])('has the value that the text gave its variables: %s', (command, words) => {
    expect(wordLists(command).at(-1)).toEqual(words);
  });
});

describe('A command', () => {
  test('is shown with its environment, redirects and wrappers', () => {
    const found = only('A=1 sudo -u bob -- env B=$X curl -s https://a.com > out 2>> err 2>&1 < "$IN"');
    expect(found).toMatchObject({ program: 'curl', words: ['curl', '-s', 'https://a.com'], times: 1, timesKnown: true });
    expect(found.wrappers).toEqual(['sudo', '-u', 'bob', '--', 'env', `B=${UNKNOWN}`]);
    expect(found.assignments).toEqual({ A: '1', B: UNKNOWN });
    expect(found.redirects).toEqual([{ path: 'out', kind: 'write' }, { path: 'err', kind: 'write' }, { path: null, kind: 'read' }]);
  });

  test('env -u is an empty variable, so that a proxy taken away is seen', () => {
    expect(only('env -C dir -u HTTPS_PROXY curl https://a.com').assignments).toEqual({ HTTPS_PROXY: '' });
    expect(only('sudo -u bob curl https://a.com').assignments).toEqual({});
  });

  test('that is a block with a redirect, or only an assignment, is shown without words', () => {
    expect(readShell('{ a; } > f; B=1; > g').invocations).toMatchObject([
      { words: ['a'] },
      { program: null, words: [], redirects: [{ path: 'f', kind: 'write' }] },
      { program: null, words: [], assignments: { B: '1' } },
      { program: null, words: [], redirects: [{ path: 'g', kind: 'write' }] },
    ]);
  });

  test('that comes to nothing is not shown', () => {
    expect(wordLists('A=; $A; f() { a; }; f')).toEqual([[], ['a']]);
  });

  test.each([
    ["alias a='b x'\nalias b=c\na y", [['c', 'x', 'y']]],
    ["alias c='c x'\nc y", [['c', 'x', 'y']]],
    ["alias c='a; c'\nc y", [['a'], ['c', 'y']]],
    ["alias a='b &'\na", [['b']]],
    ["alias a='b; c'\na x > f", [[], ['b'], ['c', 'x']]],
    ["a() { b; }\nalias a=c\na", [['c']]],
    ["alias a='f() { c x $1; }; f'\na y", [['c', 'x', 'y']]],
    ["alias 'a=c x'\na y", [['c', 'x', 'y']]],
    ['alias c=d\n\\c x', [['c', 'x']]],
    [`alias c=d\n"c" x`, [['c', 'x']]],
    ["alias a='\\c'\nalias c=d\na x", [['c', 'x']]],
  ])('that is an alias is shown by what it stands for, and one in quotes is none: %s', (command, words) => {
    expect(wordLists(command).filter(([program]) => program !== 'alias')).toEqual(words);
  });

  test.each([
    ['f() { a; }; (f() { b; }); f', [['a']]],
    [`a() { b; }; bash -c a`, [['bash', '-c', 'a'], ['a']]],
    [`f() { a $1; }; export -f f; bash -c 'f x'`, [['export', '-f', 'f'], ['bash', '-c', 'f x'], ['a', 'x']]],
    [`set -a; f() { a; }; bash -c f`, [['set', '-a'], ['bash', '-c', 'f'], ['a']]],
    ["(alias a=b)\na", [['alias', 'a=b'], ['a']]],
  ])('is a function or an alias only where the shell knows it as one: %s', (command, words) => {
    expect(wordLists(command)).toEqual(words);
  });

  test('that is a function is shown by what it runs, with the redirects of the call', () => {
    expect(readShell('f() { a; }; f > out').invocations).toMatchObject([{ words: ['a'] }, { words: [], redirects: [{ path: 'out' }] }]);
  });

  test('gives every word to a look-out, those of its wrappers and redirects too', () => {
    const found = [...wordsOf(readShell('env -C ~/.pag0 A=~/x rm "$HOME/.pag0/config.json" >> .claude/pag0.json < in'))];
    expect(found).toContainEqual({ word: '~/.pag0', role: 'argument' });
    expect(found).toContainEqual({ word: '~/x', role: 'assignment' });
    expect(found).toContainEqual({ word: '~/.pag0/config.json', role: 'argument' });
    expect(found).toContainEqual({ word: '.claude/pag0.json', role: 'write' });
    expect(found).toContainEqual({ word: 'in', role: 'read' });
  });

  test('with a glob in a loop keeps the text of the glob', () => {
    expect(wordLists('for f in ~/.pag0/*; do rm $f; done')).toEqual([['rm', '~/.pag0/*']]);
  });

  test.each(EVERY_COMMAND.map((command) => ({ command })))('takes arguments put in at the end of its first word: $command', ({ command }) => {
    const clients = (text: string) => readShell(text).invocations.filter(({ program }) => CLIENTS.has(program ?? ''));
    const before = clients(command);
    const places = [...new Set(before.map(({ ends }) => ends[0]).filter((end) => typeof end === 'number'))].sort((a, b) => b - a);
    const after = clients(places.reduce((text, end) => `${text.slice(0, end)} -K /t${text.slice(end)}`, command));
    for (const [index, { words, ends }] of before.entries()) {
      const [program, ...rest] = words;
      expect(after[index]!.words).toEqual(typeof ends[0] === 'number' ? [program, '-K', '/t', ...rest] : words);
    }
  });

  test.each([
    ['a; b', []],
    ['a & b', ['a']],
    ['a && b & c', ['a', 'b']],
    ['(a; b) & c', ['a', 'b']],
    ['{ a | b; } & wait', ['a', 'b']],
    ['a $(b) &', ['a', 'b']],
    ['coproc a; b', ['a']],
    ['f() { a; }; f & b', ['a']],
    ['for i in 1 2; do a & done', ['a', 'a']],
    [`bash -c 'a &' ; b`, ['a']],
    ['a > "x&y" 2>&1', []],
  ])('is in the background when nobody waits for it: %s', (command, programs) => {
    const background = readShell(command).invocations.filter((invocation) => invocation.background);
    expect(background.map(({ program }) => program).toSorted()).toEqual(programs);
  });

  test('that is not literally in the text has no place to put arguments', () => {
    expect(readShell(`bash -c 'curl https://a.com'`).invocations.at(-1)!.ends).toEqual([null, null]);
    expect(readShell('C="curl -s"; $C x').invocations.at(-1)!.ends).toEqual([null, 15, 17]);
    expect(readShell('echo `curl \\`x\\``').invocations[1]!.ends).toEqual([null, null]);
    expect(readShell('curl x --next "y"').invocations[0]!.ends).toEqual([4, 6, 13, 17]);
  });
});

function evals(depth: number): string {
  return depth === 0 ? 'x' : `eval '${evals(depth - 1).replaceAll("'", `'\\''`)}'`;
}

describe('A text that cannot be followed is said to be unreadable', () => {
  test.each([
    ['a quote that does not end', `curl "https://a.com`],
    ['a substitution that does not end', 'curl $(x'],
    ['a block that does not end', 'if x; then curl https://a.com'],
    ['what no shell accepts', 'curl https://a.com )'],
    ['a broken text in a shell', `bash -c 'if x'`],
    ['a long broken text in a shell', `eval '${'$(( '.repeat(9000)}'`],
    ['more than 64 KiB', `: ${'x'.repeat(64 * 1024)}`],
    ['a function that calls itself', 'f() { f; }; f'],
    ['two functions that call each other', 'f() { g; }; g() { f; }; f'],
    ['an eval in an eval, nine deep', evals(9)],
    ['a substitution in a substitution, nine deep', `: ${'$(a '.repeat(9)}${')'.repeat(9)}`],
    ['more than 1,000 commands', 'a\n'.repeat(1001)],
    ['loops in loops that come to more than that', 'for i in {1..50}; do for j in {1..50}; do a; done; done'],
    ['nesting too deep for the parser', 'coproc '.repeat(9000)],
  ])('%s', (_, command) => {
    expect(readShell(command).unreadable).toBe(true);
  });

  test.each([
    ['1,000 commands', 'a\n'.repeat(1000)],
    ['an eval in an eval, eight deep', evals(8)],
    ['a long here-document', `cat > f <<'EOF'\n${'some text with $(words) and "quotes\n'.repeat(1000)}EOF`],
    ['a loop over many words', 'for i in {1..1000}; do a $i; done'],
    ['deep blocks', `${'if a; then '.repeat(60)}b${'; fi'.repeat(60)}`],
  ])('but %s is not', (_, command) => {
    expect(readShell(command).unreadable).toBe(false);
  });

  test('what was found in a broken text is kept for a look-out', () => {
    expect([...wordsOf(readShell('rm ~/.pag0/config.json; if'))]).toContainEqual({ word: '~/.pag0/config.json', role: 'argument' });
  });
});

describe('Whatever the text', () => {
  const token = fc.constantFrom(
    ...['curl', 'https://a.com', '$(', ')', '`', '"', "'", '${', '}', '{', '((', '))', '$((', '[[', ']]', '<<E', '\nE\n', '<(', '|', '&', '&&'],
    ...[';', '\n', ' ', '\\', '#', 'if ', ' then ', ' fi', 'for x in ', ' do ', ' done', 'case x in ', ' esac', 'f() ', 'f ', 'eval '],
    ...["bash -c '", 'xargs ', 'A=', '$A', '${A:-', '@', '*', '!', '\0', UNKNOWN, '{1..9}', 'alias f=', 'sudo -'],
  );
  const soup = fc.array(token, { maxLength: 40 }).map((tokens) => tokens.join(''));

  test('a reading never throws, and its figures make sense', () => {
    fc.assert(
      fc.property(fc.oneof(soup, fc.string({ unit: 'binary', maxLength: 200 })), (command) => {
        const { invocations, unreadable } = readShell(command);
        for (const invocation of invocations) {
          expect(invocation.times).toBeGreaterThanOrEqual(1);
          expect(invocation.ends).toHaveLength(invocation.words.length);
          if (!unreadable) for (const end of invocation.ends) expect(end ?? 0).toBeLessThanOrEqual(command.length);
          for (const { times } of requestsOf(invocation)) expect(times).toBeGreaterThanOrEqual(1);
        }
      }),
      { numRuns: 2000 },
    );
  });

  const long = (unit: string) => unit.repeat(Math.floor((64 * 1024) / unit.length));
  const openings = ['$(', '`', '${x:-', '$((', '((', '"$(', '{', '{a,', '(', '[[ ', 'if ', 'while a; do ', 'for i in 1 2; do ', "bash -c '", '<<A\n', 'a=('];
  const repeated = ['{a,b}', '{1..999}', 'a|', 'a=$a$a;', '$x ', 'eval ', 'sudo ', 'xargs ', 'time ', 'x=1&&'];
  test.each(
    [
      ...[...openings, ...repeated].map(long),
      `a=xxxxxxxx;${'a=$a$a;'.repeat(100)}${'curl $a '.repeat(5000)}`,
      `f(){ g;g;};g(){ h;h;};h(){ i;i;};i(){ a;};${'f;'.repeat(20_000)}`,
      `${'while a; do ('.repeat(40)}b${');done'.repeat(40)}`,
      `: $((${'1+'.repeat(30_000)}1))`,
      `: ${`\${x:-${'a'.repeat(240)} `.repeat(250)}${'}'.repeat(250)}`,
      `: ${`$((1+${'a'.repeat(240)}`.repeat(250)}${'))'.repeat(250)}`,
      `eval '${'$(('.repeat(20_000)}'`,
      `L=(1 2);${'L=("${L[@]}" "${L[@]}");'.repeat(2000)}`,
    ].map((command) => ({ start: command.slice(0, 24), command })),
  )('a hostile one is answered in time: $start', ({ command }) => {
    const begin = performance.now();
    readShell(command);
    expect(performance.now() - begin).toBeLessThan(3000);
  });
});

describe('However it is quoted', () => {
  const url = fc
    .tuple(fc.domain(), fc.string({ unit: fc.constantFrom(...'abz019/._~!$&\'()*+,;=:@%?"\\`{}[]<>|^# é€'), maxLength: 20 }))
    .map(([host, rest]) => `https://${host}/${rest}`);
  const styles: readonly ((text: string) => string)[] = [
    (text) => text.replace(/[^a-zA-Z0-9/:._]/g, '\\$&'),
    (text) => `'${text.replaceAll("'", `'\\''`)}'`,
    (text) => `"${text.replace(/["\\$`]/g, '\\$&')}"`,
    (text) => `$'${text.replace(/['\\]/g, '\\$&')}'`,
    (text) => `$'${[...text].map((character) => (character < '\x7f' ? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}` : character)).join('')}'`,
  ];
  const pieces = fc.array(fc.tuple(fc.nat(30), fc.constantFrom(...styles)), { minLength: 1, maxLength: 5 });
  const quoted = (text: string, cuts: readonly [number, (text: string) => string][]) => {
    let rest = text;
    let result = '';
    for (const [length, style] of cuts) {
      result += rest.slice(0, length) === '' ? '' : style(rest.slice(0, length));
      rest = rest.slice(length);
    }
    return result + (rest === '' ? '' : cuts[0]![1](rest));
  };

  test('a URL is the same word and the same request', () => {
    fc.assert(
      fc.property(url, pieces, pieces, (address, cuts, programCuts) => {
        const found = only(`${quoted('curl', programCuts)} -g -- ${quoted(address, cuts)}`);
        expect(found.words).toEqual(['curl', '-g', '--', address]);
        expect(requestsOf(found)).toMatchObject([{ program: 'curl', method: 'GET', known: true, times: 1 }]);
      }),
    );
  });
});
