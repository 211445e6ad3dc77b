import { Command, CommanderError } from 'commander';
import { VERSION } from '../daemon/contract/release.ts';
import { fail } from './ask-daemon.ts';
import { addApprovals } from './approve.ts';
import { addBudget } from './budget.ts';
import { addCache } from './cache.ts';
import { addDaemon } from './daemon.ts';
import { addKill } from './kill.ts';
import { addMcp } from './mcp.ts';
import { addQuote } from './quote.ts';
import { addReceipts } from './receipts.ts';
import { addReconcile } from './reconcile.ts';
import { addReport } from './report.ts';
import { addResume } from './resume.ts';
import { addSessions } from './sessions.ts';
import { addSetup } from './setup.ts';
import { addWallet } from './wallet.ts';
import { DONE, MISUSED, type Exit, type Terminal } from './terminal.ts';

/** `await runProgram(['budget', '--json'], terminal)` answers the exit code. */
export async function runProgram(words: readonly string[], given: Terminal): Promise<Exit> {
  let exit: Exit = DONE;
  const terminal = withFormat(words, given);
  const run = async (work: (terminal: Terminal) => Promise<Exit>): Promise<void> => {
    exit = await work(terminal);
  };
  const program = new Command('pag0').description('Who spends what, and who may: budgets for autonomous agents.').version(VERSION);
  addVerbs(program, run);
  speakOurWay(program, terminal);
  try {
    await program.parseAsync([...words], { from: 'user' });
    return exit;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version were asked for; help that was not (no verb at all) is an answer to a mistake.
    if (error.exitCode === 0) return DONE;
    if (error.code === 'commander.help') return MISUSED;
    const [, typed] = error.code === 'commander.unknownCommand' ? (/unknown command '([^']*)'/.exec(error.message) ?? []) : [];
    const elsewhere = typed === undefined ? null : verbElsewhere(program, typed);
    const sentence = elsewhere === null ? error.message : `unknown command '${typed}'; did you mean \`${elsewhere}\`?`;
    return fail(terminal, sentence.replace(/^error: /, '').replaceAll('\n', ' '), MISUSED);
  }
}

const VERBS = [addBudget, addReport, addKill, addResume, addSessions, addCache, addDaemon, addSetup, addWallet, addApprovals, addReceipts, addReconcile, addMcp, addQuote];

type Run = (work: (terminal: Terminal) => Promise<Exit>) => Promise<void>;

export function addVerbs(program: Command, run: Run): void {
  for (const add of VERBS) add(program, run);
}

/** `pag0 raise` is `pag0 budget raise`, `pag0 start` is `pag0 daemon start`. */
function verbElsewhere(program: Command, typed: string): string | null {
  const above = program.commands.find((command) => command.commands.some((sub) => sub.name() === typed));
  return above === undefined ? null : `pag0 ${above.name()} ${typed}`;
}

/** What stands behind `mcp wrap` or `--` is another program's. */
function withFormat(words: readonly string[], terminal: Terminal): Terminal {
  const end = words.indexOf('--');
  const json = words[0] !== 'mcp' && (end < 0 ? words : words.slice(0, end)).includes('--json');
  if (!json) return terminal;
  let answered = false;
  return {
    ...terminal,
    json,
    // One document on stdout: a remark about what was answered stands beside it.
    out(text) {
      (answered ? terminal.err : terminal.out)(text);
      answered = true;
    },
  };
}

/** One sentence for a mistake, ours; options of a verb's verb are its own. */
function speakOurWay(command: Command, terminal: Terminal): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => terminal.out(text.trimEnd()),
    writeErr: (text) => terminal.err(text.trimEnd()),
    outputError: () => {},
  });
  for (const sub of command.commands) speakOurWay(sub, terminal);
}
