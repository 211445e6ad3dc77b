import type { ReadStream } from 'node:tty';
import { createClient } from '../daemon/contract/client.ts';
import { homeAt, homeDir, portFrom } from '../daemon/contract/home.ts';
import { fail } from './ask-daemon.ts';
import { runProgram } from './program.ts';
import { startDaemon } from './start-daemon.ts';
import { FAILED, type Terminal } from './terminal.ts';

/** The `pag0` program. */

// `pag0 report | head`: the reader has seen enough.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}

/** More than anything that is read from stdin here. */
const MAX_INPUT = 64 * 1024;

const home = homeAt(homeDir());
const port = portFrom();
const client = createClient({ home, port });

const terminal: Terminal = {
  env: process.env,
  cwd: process.cwd(),
  pid: process.pid,
  interactive: process.stdin.isTTY === true,
  home,
  port,
  columns: process.stdout.isTTY ? process.stdout.columns : null,
  json: false,
  client,
  start: () => startDaemon(terminal),
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
  ask,
  askSecret,
  readInput,
};

/** Ctrl-C and Ctrl-D are an answer, too: none. */
async function ask(question: string): Promise<string> {
  const { createInterface } = await import('node:readline');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  return new Promise((resolve) => {
    lines.once('SIGINT', () => lines.close());
    lines.once('close', () => resolve(''));
    lines.question(question, (answer) => {
      resolve(answer);
      lines.close();
    });
  });
}

/** What is typed is read, edited and not written anywhere. */
async function askSecret(question: string): Promise<string | null> {
  const input = process.stdin.isTTY ? process.stdin : await controllingTerminal();
  if (input === null) return null;
  const [{ createInterface }, { Writable }] = await Promise.all([import('node:readline'), import('node:stream')]);
  const nowhere = new Writable({ write: (_text, _encoding, done) => done() });
  process.stderr.write(question);
  const lines = createInterface({ input, output: nowhere, terminal: true, historySize: 0 });
  const answer = await new Promise<string>((resolve) => {
    lines.once('SIGINT', () => lines.close());
    lines.once('close', () => resolve(''));
    lines.once('line', (line) => {
      resolve(line);
      lines.close();
    });
  });
  if (input !== process.stdin) input.destroy();
  process.stderr.write('\n');
  return answer;
}

/** Where the person sits although stdin brings something else. Windows has no such file. */
async function controllingTerminal(): Promise<ReadStream | null> {
  const [{ openSync }, tty] = await Promise.all([import('node:fs'), import('node:tty')]);
  try {
    return new tty.ReadStream(openSync('/dev/tty', 'r'));
  } catch {
    return null;
  }
}

async function readInput(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const part of process.stdin) {
    text += part as string;
    if (text.length > MAX_INPUT) break;
  }
  return text;
}

try {
  process.exitCode = await runProgram(process.argv.slice(2), terminal);
} catch (error) {
  process.exitCode = fail(terminal, `it failed (${error instanceof Error ? error.message : String(error)}).`, FAILED);
} finally {
  client.close();
}
