import type { Command } from 'commander';
import { fail } from './ask-daemon.ts';
import type { Exit, Terminal } from './terminal.ts';

/** As shells answer for a command that is not there. */
const NOT_FOUND = 127;

/** Runs an MCP server on stdio; ends as the server does. */
export async function wrapServer(terminal: Terminal, command: string, args: readonly string[]): Promise<Exit> {
  const { wrap } = await import('./mcp-wrap.ts');
  const wrapped = await wrap({ command, args, client: terminal.client, input: process.stdin, output: process.stdout, pid: terminal.pid });
  if ('problem' in wrapped) return fail(terminal, `the MCP server \`${command}\` could not be started because ${wrapped.problem}.`, NOT_FOUND);
  if ('signal' in wrapped) process.kill(terminal.pid, wrapped.signal);
  return 'code' in wrapped ? wrapped.code : 1;
}

export function addMcp(program: Command, run: (work: (terminal: Terminal) => Promise<Exit>) => Promise<void>): void {
  // What stands behind the server's command is the server's.
  program.enablePositionalOptions();
  const mcp = program.command('mcp').description('MCP servers that ask to be paid').enablePositionalOptions();
  mcp
    .command('wrap')
    .description('run a server on stdio, and pay for the tool calls it wants paid; for .mcp.json')
    .argument('<command>', 'the program that is the server')
    .argument('[args...]', 'what it is started with')
    .passThroughOptions()
    .action((command: string, args: string[]) => run((terminal) => wrapServer(terminal, command, args)));
}
