import { createClient } from '../daemon/contract/client.ts';
import { homeAt, homeDir, portFrom } from '../daemon/contract/home.ts';
import { fail } from './ask-daemon.ts';
import { runProgram } from './program.ts';
import { FAILED, type Terminal } from './terminal.ts';

/** The `pag0` program. */

// `pag0 report | head`: the reader has seen enough.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}

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
  client,
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
  ask,
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

try {
  process.exitCode = await runProgram(process.argv.slice(2), terminal);
} catch (error) {
  process.exitCode = fail(terminal, `it failed (${error instanceof Error ? error.message : String(error)}).`, FAILED);
} finally {
  client.close();
}
