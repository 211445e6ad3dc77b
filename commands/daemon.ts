import type { Command } from 'commander';
import { daemonStatus, lastLogLines, stopDaemon } from '../daemon/contract/control.ts';
import { ledProcesses, type LedProcess } from '../daemon/contract/led-processes.ts';
import { linesOf, printable, printableJson, shortened } from '../daemon/contract/printable.ts';
import type { StatusAnswer } from '../daemon/contract/routes.ts';
import { fail } from './ask-daemon.ts';
import { installationAt } from './installation.ts';
import { STAY } from './setup.ts';
import { WIDTH, DONE, FAILED, MISUSED, UNREACHABLE, type Exit, type Terminal } from './terminal.ts';

export interface JsonOption {
  json?: boolean;
}

export async function startDaemon(terminal: Terminal, options: JsonOption): Promise<Exit> {
  const begun = await terminal.start();
  if (!begun.ok) return fail(terminal, begun.problem.sentence, UNREACHABLE, begun.problem.code);
  const { pid, port, version, notice } = begun.hello;
  if (options.json === true) terminal.out(printableJson({ started: begun.started, ...begun.hello }));
  else terminal.out(`${begun.started ? 'Started' : 'It runs already'}: pag0 ${version}, process ${pid}, port ${port}.${notice === undefined ? '' : `\n${printable(notice)}`}`);
  return DONE;
}

export async function stopTheDaemon(terminal: Terminal, options: JsonOption): Promise<Exit> {
  const stopped = await stopDaemon(terminal.home, terminal.port);
  if (stopped.outcome === 'problem') return fail(terminal, stopped.problem.sentence, UNREACHABLE, stopped.problem.code);
  const led = await ledProcesses(terminal.port);
  if (options.json === true) terminal.out(printableJson({ ...stopped, led }));
  else terminal.out([stopped.outcome === 'stopped' ? `Stopped process ${stopped.pid}. The next prompt, or the next call that may cost, starts it again.` : 'It was not running.', ...ledText(led)].join('\n'));
  return DONE;
}

const MAX_LED = 5;

/** What was started in a session and goes on: its way out led through the daemon. */
function ledText(led: readonly LedProcess[]): string[] {
  if (led.length === 0) return [];
  const listed = led.slice(0, MAX_LED).map(({ pid, command }) => `  ${printable(`${pid} ${command}`, 76)}`);
  return ['These reach the network through it, and reach nothing until it runs again:', ...listed, ...(led.length > MAX_LED ? [`  and ${led.length - MAX_LED} more`] : [])];
}

/** Ends with 1 when it does not run, so that a script can ask. */
export async function showStatus(terminal: Terminal, options: JsonOption): Promise<Exit> {
  const found = await daemonStatus(terminal.home, terminal.port);
  if (found.outcome === 'problem') return fail(terminal, found.problem.sentence, UNREACHABLE, found.problem.code);
  if (options.json === true) terminal.out(printableJson(found.outcome === 'running' ? found.status : { state: 'not-running' }));
  else terminal.out([found.outcome === 'running' ? statusText(found.status) : 'Not running; `pag0 daemon start` or the next session starts it.', ...pluginText(terminal)].join('\n'));
  return found.outcome === 'running' ? DONE : FAILED;
}

function pluginText({ home }: Terminal): string[] {
  const { folder, mustStay } = installationAt(home);
  return [`  plugin    ${printable(folder)}`, ...(mustStay ? STAY : [])];
}

function statusText(status: StatusAnswer): string {
  const lines = [
    `pag0 ${status.version} (build ${status.build}) is ${status.state}: process ${status.pid}, port ${status.port}, Node ${status.node}`,
    `  up for    ${duration(status.uptimeMs)}`,
    `  idle for  ${duration(status.idleMs)}; ${status.busy ? 'sessions or open reservations keep it running' : `it stops by itself after ${duration(status.idleLimitMs)}`}`,
    `  home      ${status.home}`,
    `  log       ${status.log}`,
    `  driver    ${status.driver ?? 'none'}`,
    ...(status.mode === 'shadow' ? ['  mode      shadow: nothing is refused or paid'] : []),
    ...(status.notice === undefined ? [] : ['', ...linesOf(printable(status.notice), WIDTH)]),
    ...(status.problem === undefined ? [] : ['', ...linesOf(printable(status.problem.sentence), WIDTH)]),
  ];
  return lines.map((line) => shortened(line, WIDTH)).join('\n');
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

export interface LogsOptions extends JsonOption {
  lines: string;
}

export async function showLogs(terminal: Terminal, options: LogsOptions): Promise<Exit> {
  const count = Number(options.lines);
  if (!/^\d+$/.test(options.lines) || count < 1) return fail(terminal, '--lines must be a whole number above zero.', MISUSED);
  const lines = lastLogLines(terminal.home, count);
  if (options.json === true) terminal.out(printableJson({ log: terminal.home.logFile, lines }));
  else terminal.out(lines.length === 0 ? `Nothing was logged yet in ${printable(terminal.home.logFile)}.` : lines.map((line) => printable(line)).join('\n'));
  return DONE;
}

export function addDaemon(program: Command, run: (work: (terminal: Terminal) => Promise<Exit>) => Promise<void>): void {
  const daemon = program.command('daemon').description('the process behind it all');
  const json: [string, string] = ['--json', 'as JSON'];
  daemon.command('start').description('start it, or find it running').option(...json).action((options: JsonOption) => run((terminal) => startDaemon(terminal, options)));
  daemon.command('stop').description('stop it, until a session needs it again').option(...json).action((options: JsonOption) => run((terminal) => stopTheDaemon(terminal, options)));
  daemon.command('status').description('is it running, and how').option(...json).action((options: JsonOption) => run((terminal) => showStatus(terminal, options)));
  daemon.command('logs').description('the end of its log').option('-n, --lines <number>', 'how many lines', '50').option(...json).action((options: LogsOptions) => run((terminal) => showLogs(terminal, options)));
}
