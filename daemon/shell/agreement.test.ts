import { spawnSync, type SpawnSyncOptions } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UNKNOWN, type Invocation } from '../core/invocation.ts';
import { COMMANDS } from './commands.fixture.ts';
import { readShell } from './syntax.ts';

/**
 * bash is the judge here: it really runs the commands, with clients that only write down how they were called. Nothing
 * else that could do anything is on the path, and each command has an empty folder of its own.
 */
const BASH = ['/bin/bash', '/usr/bin/bash'].find((path) => existsSync(path));
const CLIENTS = ['curl', 'wget', 'http', 'https', 'xh', 'xhs', 'curlie'];
const HARMLESS = 'cat env timeout nice nohup stdbuf setsid ionice flock xargs find seq tee diff bash sh which true'.split(' ');
/** Rows that name a real program by its path, or that do not end. */
const NOT_RUN = /\/usr\/bin|~\/bin|while :/;

/** The same as the program of that name, without the time a process takes. */
const CURL_FUNCTION = `() { printf '%s\\0' curl "$@" $'\\1' >> "$CALLED"; }`;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pag0-shell-'));
  const path = join(folder, 'path');
  mkdirSync(path);
  for (const name of CLIENTS) {
    writeFileSync(join(path, name), `#!${BASH}\nprintf '%s\\0' "\${0##*/}" "$@" $'\\1' >> "$CALLED"\n`);
    chmodSync(join(path, name), 0o755);
  }
  for (const name of HARMLESS) {
    const real = ['/bin', '/usr/bin'].map((root) => join(root, name)).find((file) => existsSync(file));
    if (real !== undefined) symlinkSync(real, join(path, name));
  }
  for (const name of ['sleep', 'jq']) {
    writeFileSync(join(path, name), `#!${BASH}\necho 1\n`);
    chmodSync(join(path, name), 0o755);
  }
});

// A script that does not end may write on until its CPU second is over.
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 }));

/**
 * How the clients were called, one list of words each. HOME is `~`, which is how a reading shows it, and a glob stays
 * text (`noglob`), as it does in a reading.
 */
function runByBash(command: string): string[][] {
  const cwd = mkdtempSync(join(folder, 'cwd-'));
  const called = `${cwd}.called`;
  writeFileSync(called, '');
  const env = { PATH: join(folder, 'path'), CALLED: called, HOME: '~', SHELLOPTS: 'noglob', 'BASH_FUNC_curl%%': CURL_FUNCTION };
  // Should a script not end, what it started would outlive it: it leads a process group, which is ended as a whole.
  const limited = ['-c', 'ulimit -t 1; exec "$BASH" -O expand_aliases -c "$0"', command];
  const { pid } = spawnSync(BASH!, limited, { cwd, env, timeout: 2000, killSignal: 'SIGKILL', stdio: 'ignore', detached: true } as SpawnSyncOptions);
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left, as after most of them.
  }
  return readFileSync(called, 'utf8')
    .split('\u0001\0')
    .filter((record) => record !== '')
    .map((record) => record.split('\0').slice(0, -1));
}

/**
 * UNKNOWN can be any text, and so can a null word, any number of times. A reading takes `x$A` for one word, as people
 * mean it; bash makes it several when A holds spaces, so UNKNOWN may stand for those as well.
 */
function couldBe({ words }: Invocation, called: readonly string[]): boolean {
  const literal = (word: string) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(UNKNOWN, '[^]*');
  const pattern = words.map((word) => (word === null ? '(?:\0[^\0]*)*' : `\0${literal(word)}`));
  return new RegExp(`^${pattern.join('')}$`).test(`\0${called.join('\0')}`);
}

function expectAllSeen(command: string): void {
  const { invocations, unreadable } = readShell(command);
  if (unreadable) return;
  for (const called of runByBash(command)) {
    expect(invocations.some((invocation) => couldBe(invocation, called)), `bash ran ${JSON.stringify(called)} for ${command}`).toBe(true);
  }
}

/** For commands in which every variable has a value from the text, so that nothing depends on the environment. */
function expectNothingElse(command: string): void {
  expectAllSeen(command);
  const { invocations, unreadable } = readShell(command);
  expect(unreadable, command).toBe(false);
  const called = runByBash(command);
  const seen = invocations.filter(({ program }) => program === 'curl');
  for (const one of seen) {
    expect(called.some((words) => couldBe(one, words)), `bash did not run ${JSON.stringify(one.words)} for ${command}`).toBe(true);
  }
  expect(seen.length, command).toBe(called.length);
}

describe.skipIf(BASH === undefined)('What bash runs was in the reading (skipped without bash, which is the judge)', () => {
  const commands = Object.values(COMMANDS).flatMap((rows) => rows.map(([command]) => command));
  const run = commands.filter((command) => !NOT_RUN.test(command)).map((command) => ({ command }));
  test.each(run)('$command', ({ command }) => expectAllSeen(command));

  const numRuns = Number(process.env['PAG0_RUNS'] ?? 25);
  test('for scripts with branches put together at random', () => {
    fc.assert(fc.property(scripts('branching').filter(isSound), expectAllSeen), { numRuns });
  }, 600_000);
  test('and nothing else was, for scripts without branches', () => {
    const known = scripts('straight').filter(isSound).map((command) => `export A= B= f=\n${command}`);
    fc.assert(fc.property(known, expectNothingElse), { numRuns });
  }, 600_000);
});

/** bash 5.2 misreads some quotes around here-documents and arrays inside `"$(…)"`. */
function isSound(command: string): boolean {
  return !(command.includes('"$( ') && /<<|=\(/.test(command));
}

function inQuotes(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/** A loop that counts; each has a variable of its own, or one inside another would never end. */
function twice(body: string): string {
  const count = `n${body.length}`;
  return `${count}=; while [ "$${count}" != xx ]; do ${body}\n${count}="$${count}x"; done`;
}

/**
 * Scripts that always end: no loop that does not count, no function that calls itself. A reading takes `x$A` for one word, as
 * people mean it, so where A may be unknown, after branches, no value holds a space.
 */
function scripts(kind: 'straight' | 'branching'): fc.Arbitrary<string> {
  const spaced = kind === 'straight' ? ['a b', ' c '] : [];
  const name = fc.constantFrom('A', 'B', 'f');
  const single = fc.constantFrom('x', 'https://a.com', '', "it's", '*', '-s', '/', 'c=d', '$', '{', '\\', '"', ...spaced).map(inQuotes);
  const bare = fc.constantFrom(
    ...['x', 'y/z', 'https://a.com', '~/q', '{1,2}', '{1..3}', 'p{,q}', '{a,b{c,d}}', '{03..1}', '{-01..1}'],
    ...['${A}', '$1', '${B:-d}', '${B:+e}', '${A%/}', '$(echo m)', '${A:=z}', '${B-e}', '`echo t`'],
    ...(kind === 'straight' ? ['a\\ b', '${B:+e "f  g"}', '${B:-d e}', '$(echo m  n)', '$(seq 2)'] : ['$((1+1))', '?', '*']),
  );
  const inside = ['x', '${A}', '${B}', '$1', '\\"', '\\$', "'", '{1,2}', '`echo t`', ...(kind === 'straight' ? [' ', '${B:-d e}', '$(echo m  n)', '$@'] : [])];
  const double = fc.array(fc.constantFrom(...inside), { maxLength: 3 }).map((parts) => `"${parts.join('')}"`);
  const glued = fc.array(fc.oneof(bare, single, double), { minLength: 1, maxLength: 2 }).map((parts) => parts.join(''));
  const word = fc.oneof({ arbitrary: glued, weight: 9 }, { arbitrary: fc.constantFrom('$A', '$@', '"$@"', '$#', '"$*"', '"${@:2}"'), weight: 2 });
  const words = fc.array(word, { minLength: 1, maxLength: 3 }).map((list) => list.join(' '));

  return fc.letrec<{ script: string; statement: string }>((tie) => {
    const script = tie('script');
    const straight = [
      { arbitrary: words.map((list) => `curl ${list}`), weight: 4 },
      { arbitrary: fc.tuple(name, word).map(([variable, value]) => `${variable}=${value}`), weight: 3 },
      { arbitrary: fc.tuple(name, word, words).map(([variable, value, list]) => `${variable}=${value} curl ${list}`), weight: 1 },
      { arbitrary: fc.tuple(name, words, script).map(([variable, list, body]) => `for ${variable} in ${list}; do ${body}\ndone`), weight: 1 },
      { arbitrary: fc.tuple(script, words).map(([body, list]) => `g() { local A=l; ${body}\n}; g ${list}; unset -f g`), weight: 1 },
      { arbitrary: script.map((body) => `( ${body}\n)`), weight: 1 },
      { arbitrary: script.map((body) => `echo "$( ${body}\n)"`), weight: 1 },
      { arbitrary: script.map((body) => `eval ${inQuotes(body)}`), weight: 1 },
      { arbitrary: fc.tuple(script, words).map(([body, list]) => `bash -c ${inQuotes(body)} _ ${list}`), weight: 1 },
      { arbitrary: script.map((body) => `bash <<'E${body.length}'\n${body}\nE${body.length}`), weight: 1 },
      { arbitrary: words.map((list) => `set -- ${list}`), weight: 1 },
      { arbitrary: words.map((list) => `L=(${list}); curl "\${L[@]}" "\${L[0]}" \${L[@]} "\${#L[@]}"`), weight: 1 },
      { arbitrary: words.map((list) => `env A=1 timeout 5 curl ${list}`), weight: 1 },
    ];
    const branching = [
      { arbitrary: fc.tuple(tie('statement'), script, script).map(([test, yes, no]) => `if ${test}\nthen ${yes}\nelse ${no}\nfi`), weight: 1 },
      { arbitrary: fc.tuple(word, word, script, script).map(([value, pattern, one, two]) => `case ${value} in ${pattern}) ${one}\n;; *) ${two}\nesac`), weight: 1 },
      { arbitrary: fc.tuple(tie('statement'), fc.constantFrom('&&', '||', '|'), tie('statement')).map(([a, operator, b]) => `{ ${a}\n} ${operator} { ${b}\n}`), weight: 2 },
      { arbitrary: words.map((list) => `echo ${list} | xargs curl`), weight: 1 },
      { arbitrary: script.map(twice), weight: 1 },
    ];
    return {
      script: fc.array(tie('statement'), { minLength: 1, maxLength: 4 }).map((statements) => statements.join('\n')),
      statement: fc.oneof({ maxDepth: 3, withCrossShrink: true }, ...straight, ...(kind === 'branching' ? branching : [])),
    };
  }).script;
}
