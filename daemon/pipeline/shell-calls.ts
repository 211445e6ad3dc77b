import { printOf } from '../core/command-print.ts';
import { evaluatedTexts } from '../core/shell-text.ts';
import { commonAncestor } from '../core/tree.ts';
import type { Asker, Clock, Connection, Process, ProcessSystem, ShellHint } from '../ports.ts';
import type { Live, Running } from './sessions.ts';

/** Whose a request is. */
export interface Whose {
  agent: string;
  /** The Bash call it comes from, by the system's word. null: of several it may be, or none is known. */
  call: Running | null;
  /** Calls it may come from, where it is not known of which. */
  among: readonly Running[];
  /** The process that asks, where that is seen. */
  program: Process | null;
}

/** Which Bash call a request comes from: the connection's process, the shell above it, and that one's command line. */
export interface ShellCalls {
  /**
   * A call is let run. The shells of equal calls that other agents have at work are told before it, while they can be; and what may
   * go on when its own shell has ended is looked for while that lives.
   */
  begin(live: Live, call: Running): Promise<void>;
  whose(live: Live, asker: Asker): Promise<Whose>;
  /** How the process behind a connection was started. */
  launchOf(program: Process): ReturnType<ProcessSystem['launch']>;
}

export interface ShellCallsOptions {
  system: ProcessSystem;
  clock: Clock;
  /** After so many ms; never keeps the daemon alive. */
  wait(ms: number): Promise<void>;
}

interface Bound {
  start: string;
  call: Running;
  session: string;
}

/** Processes that are known to belong to a call; the oldest are forgotten. */
const MAX_BOUND = 4_000;

/** How long a call is held back until the shell of an equal one of another agent has shown itself, in ms. */
const APART_MS = 250;
const APART_STEP_MS = 3;

/** How long a request of one of several equal calls waits until the client has named those in the background, in ms. */
const NAMED_MS = 400;
const NAMED_STEP_MS = 10;

/**
 * How often it is looked for what a call leaves at work, by how long that has been done, in ms. A shell that leaves
 * something behind it may live for ten milliseconds; on a busy machine it comes seconds after its call was let run, after a
 * person's yes minutes. A look takes half a millisecond of reading /proc, where there is one.
 */
const LOOKS: readonly (readonly [until: number, every: number])[] = [[1_500, 4], [5_000, 10], [30_000, 50], [10 * 60_000, 250]];
const DEAR_LOOK_TIMES = 10;

/** How far the system's and our own idea of a moment may lie apart, in ms. */
const SLACK_MS = 60;

export function createShellCalls({ system, clock, wait }: ShellCallsOptions): ShellCalls {
  /** By pid: shells, and what was seen below one. */
  const bound = new Map<number, Bound>();
  /** Calls that are being let run, by their text. */
  const beginning = new Map<string, Promise<void>>();
  const lines = new WeakMap<Connection, { hint: number | null; line: Promise<readonly Process[] | null> }>();

  function bind(process: Process, call: Running, session: string): void {
    if (bound.size >= MAX_BOUND) bound.delete(bound.keys().next().value!);
    bound.delete(process.pid);
    bound.set(process.pid, { start: process.start, call, session });
  }

  function boundTo(live: Live, { pid, start }: Process): Running | null {
    const known = bound.get(pid);
    return known !== undefined && known.start === start && known.session === live.session.id ? known.call : null;
  }

  /** Also when its leader has ended: while one of a group is there, nobody else gets its number. */
  async function boundByGroup(live: Live, { pid, group }: Process): Promise<Running | null> {
    const known = group === pid ? undefined : bound.get(group);
    if (known === undefined || known.session !== live.session.id) return null;
    const leader = await system.process(group);
    return leader === null || leader.start === known.start ? known.call : null;
  }

  /** Calls whose shell this may be, so far as theirs is not known. */
  function open(live: Live, shell: Process): Running[] {
    const begun = [...live.running.values(), ...live.background.values()].filter((call) => call.shell === null && call.begunAt !== null);
    const inTime = begun.filter((call) => wasMadeFor(call, shell));
    // A system that tells the time otherwise tells us nothing.
    return inTime.length === 0 ? begun : inTime;
  }

  /** The call whose text a child of the client evaluates; where several have it, those; where none has, all that have no shell yet. */
  async function callOf(live: Live, shell: Process): Promise<{ call: Running } | { among: readonly Running[] }> {
    const texts = boundTo(live, shell) === null ? [...evaluatedTexts(await system.commandLine(shell.pid))] : [];
    // It may have been found out meanwhile.
    const known = boundTo(live, shell);
    if (known !== null) return { call: known };
    const calls = open(live, shell);
    const text = texts.find((one) => calls.some(({ command }) => command === one));
    // Another plugin may have written the command anew.
    if (text === undefined) return { among: calls };
    const fitting = calls.filter(({ command }) => command === text);
    const named = fitting.length > 1 ? await byTask(fitting, shell) : null;
    const call = named ?? (fitting.length === 1 ? fitting[0]! : null);
    // Meanwhile it may have been found to have another.
    if (call === null || call.shell !== null) return boundTo(live, shell) === null ? { among: fitting } : { call: boundTo(live, shell)! };
    call.shell = shell.pid;
    bind(shell, call, live.session.id);
    return { call };
  }

  /** Of equal ones in the background: the client opens a file of that name for the output of each. */
  async function byTask(calls: readonly Running[], shell: Process): Promise<Running | null> {
    if (!calls.some(({ task }) => task !== null)) return null;
    const files = await system.openFiles(shell.pid);
    return calls.find(({ task }) => task !== null && files.some((file) => file.endsWith(`/${task}.output`))) ?? null;
  }

  /** The client names what it runs in the background a moment after it has begun. */
  async function callOfInTime(live: Live, shell: Process): ReturnType<typeof callOf> {
    for (let waited = 0; ; waited += NAMED_STEP_MS) {
      const found = await callOf(live, shell);
      if ('call' in found || found.among.length < 2 || waited >= NAMED_MS || !found.among.some(({ inBackground, task }) => inBackground && task === null)) return found;
      await wait(NAMED_STEP_MS);
    }
  }

  /** Whoever it is of all that have started anything in this session: what left its shell unseen may be of any of them. */
  function unseen(live: Live, program: Process | null): Whose {
    return { agent: commonAncestor(live.session, [...live.shellUsers]), call: null, among: [...live.running.values(), ...live.background.values()], program };
  }

  /** The client's own child, which it is itself or whose group it is in. */
  async function shellAbove(live: Live, process: Process): Promise<Process | null> {
    const client = live.session.clientPid;
    if (process.parent === client) return process;
    const leader = process.group === process.pid || process.parent > 1 ? null : await system.process(process.group);
    return leader !== null && leader.parent === client ? leader : null;
  }

  async function placed(live: Live, line: readonly Process[]): Promise<Whose> {
    const [program] = line as [Process];
    for (const process of line) {
      const known = boundTo(live, process) ?? (await boundByGroup(live, process));
      if (known !== null) return { agent: known.agent, call: known, among: [], program };
      const shell = await shellAbove(live, process);
      if (shell === null) continue;
      const found = await callOfInTime(live, shell);
      if ('call' in found) return { agent: found.call.agent, call: found.call, among: [], program };
      return found.among.length === 0 ? unseen(live, program) : { agent: commonTo(live, found.among), call: null, among: found.among, program };
    }
    return unseen(live, program);
  }

  /** The process table of a sandbox is its own, so only what its commands say of themselves tells the calls at work apart. */
  function inSandbox(live: Live, hint: ShellHint | null): Whose {
    const calls = [...live.running.values(), ...live.background.values()].filter(({ sandboxed }) => sandboxed);
    if (calls.length === 1) return { agent: calls[0]!.agent, call: calls[0]!, among: calls, program: null };
    const named = hint !== null && 'print' in hint ? calls.filter(({ command }) => printOf(command).includes(hint.print)) : [];
    const among = named.length === 0 ? calls : named;
    // It chooses whom a request is charged to, and proves nothing: what a person said of a call is not for it.
    return { agent: commonTo(live, among), call: null, among, program: null };
  }

  function lineOf(live: Live, { connection, shell }: Asker): Promise<readonly Process[] | null> {
    if (connection.remotePort === undefined) return Promise.resolve(null);
    const hint = shell !== null && 'pid' in shell ? shell.pid : null;
    let known = lines.get(connection);
    if (known === undefined || known.hint !== hint) {
      const likely = [...(hint === null ? [] : [hint]), ...leftBehind(live)];
      known = { hint, line: system.behind(connection.remotePort, { likely, client: live.session.clientPid }).catch(() => null) };
      lines.set(connection, known);
    }
    return known.line;
  }

  /** What was seen below a shell: it may have a session of its own by now, and no parent that anybody knows. */
  function leftBehind(live: Live): number[] {
    return [...bound].filter(([pid, { session, call }]) => session === live.session.id && call.shell !== pid).map(([pid]) => pid).slice(-MAX_LEFT_BEHIND);
  }

  async function look(live: Live, call: Running): Promise<void> {
    const client = live.session.clientPid;
    if (client === null) return;
    if (call.shell === null) for (const child of await system.children(client)) if (boundTo(live, child) === null) await callOf(live, child);
    if (call.shell === null) return;
    const shell = await system.process(call.shell);
    if (shell === null || boundTo(live, shell) !== call) return;
    const below = [shell.pid];
    for (const pid of below) {
      for (const child of await system.children(pid)) {
        if (below.length >= MAX_LEFT_BEHIND) return;
        if (boundTo(live, child) === null) bind(child, call, live.session.id);
        below.push(child.pid);
      }
    }
  }

  /** Until its shell is gone, or nobody knows any more whether it will come. */
  async function watch(live: Live, call: Running): Promise<void> {
    const times = system.isCheap ? 1 : DEAR_LOOK_TIMES;
    let since = clock();
    for (let hadShell = false; ; ) {
      const every = LOOKS.find(([until]) => clock() - since < until)?.[1];
      if (every === undefined) return;
      await wait(every * times);
      await look(live, call);
      if (call.shell === null ? !isAtWork(live, call) : (await system.process(call.shell)) === null) return;
      // What it starts, it starts soon.
      if (!hadShell && call.shell !== null) [hadShell, since] = [true, clock()];
    }
  }

  async function toldApart(live: Live, call: Running): Promise<void> {
    const client = live.session.clientPid;
    const others = (): boolean => [...live.running.values()].some((one) => one !== call && one.begunAt !== null && one.shell === null && one.command === call.command && one.agent !== call.agent);
    if (client === null) return;
    for (let waited = 0; others() && waited < APART_MS; waited += APART_STEP_MS) {
      for (const child of await system.children(client)) if (boundTo(live, child) === null) await callOf(live, child);
      if (others()) await wait(APART_STEP_MS);
    }
  }

  return {
    async begin(live, call) {
      const key = JSON.stringify([live.session.id, call.command]);
      // Three equal ones wait one for the other.
      const before = beginning.get(key) ?? Promise.resolve();
      const mine = before.then(() => toldApart(live, call)).catch(() => {}).then(() => void (call.begunAt = clock()));
      beginning.set(key, mine);
      await mine;
      if (beginning.get(key) === mine) beginning.delete(key);
      if (call.outlives && live.session.clientPid !== null) void watch(live, call).catch(() => {});
    },
    async whose(live, asker) {
      if (asker.by === 'sandbox' || asker.confinedTo !== undefined) return inSandbox(live, asker.shell);
      const line = await lineOf(live, asker);
      return line === null || line.length === 0 ? unseen(live, null) : placed(live, line);
    },
    launchOf: ({ pid }) => system.launch(pid),
  };
}

const MAX_LEFT_BEHIND = 64;

function isAtWork(live: Live, call: Running): boolean {
  return live.running.get(call.id) === call || live.background.get(call.id) === call;
}

/** A shell is made after its call was let run, and before the client has told of its end. */
function wasMadeFor({ begunAt, endedAt }: Running, { startedAt }: Process): boolean {
  if (startedAt === null || begunAt === null) return begunAt !== null;
  return startedAt >= begunAt - SLACK_MS && (endedAt === null || startedAt <= endedAt + SLACK_MS);
}

function commonTo(live: Live, calls: readonly Running[]): string {
  return commonAncestor(live.session, calls.map(({ agent }) => agent));
}
