import { names } from './arguments.ts';
import { programName, type ShellReading } from './invocation.ts';

/** Programs that leave something at work behind them, as wrappers or by themselves. */
const LEAVE_WORK = names('nohup setsid disown daemon daemonize start-stop-daemon systemd-run at batch tmux screen dtach abduco zellij');

/** Whether something that a command starts may go on when its shell has ended, as far as the text shows. */
export function mayOutlive({ invocations, unreadable }: ShellReading): boolean {
  if (unreadable) return true;
  return invocations.some(({ program, wrappers, background }) => background || LEAVE_WORK.has(program ?? '') || wrappers.some((word) => LEAVE_WORK.has(programName(word) ?? '')));
}
