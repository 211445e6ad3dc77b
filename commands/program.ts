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
export async function runProgram(words: readonly string[], terminal: Terminal): Promise<Exit> {
  let exit: Exit = DONE;
  const run = async (work: (terminal: Terminal) => Promise<Exit>): Promise<void> => {
    exit = await work(terminal);
  };
  const program = new Command('pag0').description('Who spends what, and who may: budgets for autonomous agents.').version(VERSION);
  for (const add of [addBudget, addReport, addKill, addResume, addSessions, addCache, addDaemon, addSetup, addWallet, addApprovals, addReceipts, addReconcile, addMcp, addQuote]) add(program, run);
  speakOurWay(program, terminal);
  try {
    await program.parseAsync([...words], { from: 'user' });
    return exit;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version were asked for; help that was not (no verb at all) is an answer to a mistake.
    if (error.exitCode === 0) return DONE;
    if (error.code === 'commander.help') return MISUSED;
    return fail(terminal, `${error.message.replace(/^error: /, '').replaceAll('\n', ' ').replace(/[.]?$/, '.')}`, MISUSED);
  }
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
