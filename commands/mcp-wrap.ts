import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { Client } from '../daemon/contract/client.ts';
import { digestOf, TOOL_PAYMENT, type CalledTool, type ToolPaymentAnswer, type ToolPaymentEnd, type ToolPaymentRequest, type ToolPaymentResult } from '../daemon/contract/tool-payment.ts';
import { answersIn, answerTo, cancelledIn, cancelling, paidCall, refusedAnswer, requestsIn, toolAnswerIn, toolCallIn, type AskedCall, type ToolAnswer } from '../daemon/core/tool-call.ts';
import { createLines } from './lines.ts';
import { LADDER, startServer, type Ladder } from './mcp-server-process.ts';

export interface WrapOptions {
  command: string;
  args: readonly string[];
  client: Pick<Client, 'post'>;
  /** Of the MCP client. */
  input: Readable;
  output: Writable;
  pid: number;
  ladder?: Ladder;
  /** Whether the MCP client is there. */
  hasClient?: () => boolean;
}

/** How the server ended, and so its wrapper. `problem`: it could not be started. */
export type Wrapped = { code: number } | { signal: NodeJS.Signals } | { problem: string };

/** Of an answer; what demands has some hundreds of bytes. */
const MAX_LOOKED_AT = 256 * 1024;
/** While a call is on its way that was paid for: its answer tells whether it was, however long it is. */
const MAX_PAID = 32 * 1024 * 1024;
/** Of a call. A longer one is none that could be made again. */
const MAX_CALL = 1024 * 1024;
/** Calls whose answer is waited for; a server that leaves them open pushes out its own oldest. */
const MAX_CALLS = 1_000;
/** The daemon reads limits, signs and writes, and asks the chain what is there. */
const ASK_MS = 60_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** A server that says nothing for so long after the end of its input has forgotten what it was asked. */
const FORGOTTEN_MS = 60_000;
/** What a server had said when it ended is here in no time, unless another program holds its output open. */
const DRAIN_MS = 500;

/**
 * Stands between a client and an MCP server on stdio. Every line passes as it came, but for the answer to a tool call that
 * demands a payment: there the daemon is asked for one, and the call is made again with it. Without a daemon the demand passes.
 */
export function wrap({ command, args, client, input, output, pid, ladder = LADDER, hasClient = isParentThere() }: WrapOptions): Promise<Wrapped> {
  const serverProcess = startServer(command, args, ladder);
  const { child } = serverProcess;
  const server = digestOf(JSON.stringify([command, ...args]));
  const calls = new Map<string, AskedCall>();
  /** Calls with a payment, by the id they were given here; null: there will be no answer. */
  const repeats = new Map<string, (text: string | null) => void>();
  /** Calls that are being paid for, by the id that the client knows: under which id they were made again. */
  const paidFor = new Map<string, { id: string | null; isCancelled: boolean }>();
  /** Whatever the client asked and has no answer to, by id. */
  const unanswered = new Set<string>();
  const paying = new Set<Promise<void>>();
  let isOver = false;
  /** Bytes. */
  let heard = 0;
  let heardAt = 0;
  let looking: NodeJS.Timeout | undefined;

  const toServer = (raw: Buffer | string): void => {
    if (!child.stdin.destroyed && !child.stdin.write(raw)) input.pause();
  };
  const toClient = (raw: Buffer | string): void => {
    if (!output.write(raw)) child.stdout.pause();
  };

  function asked(raw: Buffer): void {
    if (raw.length <= MAX_CALL) for (const id of requestsIn(raw.toString('utf8'))) limited(unanswered).add(id);
    // Before it leaves: its answer may come at once.
    const call = raw.length <= MAX_CALL && raw.includes('tools/call') ? toolCallIn(raw.toString('utf8')) : null;
    if (call !== null) {
      limited(calls).set(call.id, call);
    }
    toServer(raw.length > MAX_CALL ? raw : readdressed(raw));
  }

  /** What takes back a call that is being paid for means the one that the server is at work on. */
  function readdressed(raw: Buffer): Buffer | string {
    const text = paidFor.size > 0 ? raw.toString('utf8') : '';
    const id = cancelledIn(text);
    const now = id === null ? undefined : paidFor.get(id);
    if (now === undefined) return raw;
    now.isCancelled = true;
    return now.id === null ? raw : cancelling(now.id, text);
  }

  function answered(raw: Buffer): void {
    if (unanswered.size > 0) for (const id of answersIn(raw.toString('utf8'))) unanswered.delete(id);
    const answer = calls.size + repeats.size === 0 ? null : toolAnswerIn(raw.toString('utf8'));
    if (answer === null) return toClient(raw);
    const paid = repeats.get(answer.id);
    if (paid !== undefined) return paid(raw.toString('utf8').trimEnd());
    const call = calls.get(answer.id);
    calls.delete(answer.id);
    if (call === undefined || answer.demand === null) return toClient(raw);
    const work = pay(call, answer, answer.demand, raw).catch(() => toClient(raw));
    paying.add(work);
    void work.then(() => {
      paying.delete(work);
      paidFor.delete(call.id);
    });
  }

  async function pay(call: AskedCall, answer: ToolAnswer, demand: string, raw: Buffer): Promise<void> {
    const now = { id: null as string | null, isCancelled: false };
    paidFor.set(call.id, now);
    const called: CalledTool = { server, name: basename(command), tool: call.tool, arguments: digestOf(call.arguments), toolUseId: call.toolUseId };
    const begun = await ask<ToolPaymentAnswer>(TOOL_PAYMENT, { ...called, demand, pid } satisfies ToolPaymentRequest);
    if (begun === null || begun.outcome === 'passed') return toClient(raw);
    if (begun.outcome === 'refused') return toClient(`${refusedAnswer(call.id, begun.sentence, answer)}\n`);

    if (now.isCancelled) {
      // Nobody waits for an answer.
      await ask<ToolPaymentEnd>(`${TOOL_PAYMENT}/${begun.id}`, { unsent: 'the call was cancelled' } satisfies ToolPaymentResult);
      return;
    }
    const text = await repeated(call, begun.payment, (id) => (now.id = id));
    const result = text === null ? null : toolAnswerIn(text);
    const told: ToolPaymentResult = result === null ? { lost: 'ended before it answered' } : { demand: result.demand, settlement: result.settlement, failed: result.failed };
    const ended = await ask<ToolPaymentEnd>(`${TOOL_PAYMENT}/${begun.id}`, told);
    // A daemon that is gone finds out from the chain what it was; the answer is here all the same.
    const sentence = ended?.outcome === 'refused' ? ended.sentence : result === null || result.demand !== null ? UNKNOWN : null;
    toClient(sentence === null ? `${answerTo(call.id, text!)}\n` : `${refusedAnswer(call.id, sentence, answer)}\n`);
  }

  function repeated(call: AskedCall, payment: unknown, underId: (id: string) => void): Promise<string | null> {
    if (isOver || child.stdin.destroyed) return Promise.resolve(null);
    const id = JSON.stringify(`pag0-${randomBytes(9).toString('base64url')}`);
    underId(id);
    return new Promise((resolve) => {
      repeats.set(id, (text) => {
        repeats.delete(id);
        resolve(text);
      });
      toServer(`${paidCall(call, id, payment).trimEnd()}\n`);
    });
  }

  /** null: no daemon of ours that could say. */
  async function ask<T>(path: string, body: unknown): Promise<T | null> {
    const outcome = await client.post<T>(path, body, ASK_MS);
    return outcome.kind === 'answer' && outcome.status === 200 ? outcome.body : null;
  }

  const up = createLines(() => MAX_CALL, asked, toServer);
  const down = createLines(() => (repeats.size > 0 ? MAX_PAID : MAX_LOOKED_AT), answered, toClient);
  input.on('data', (chunk: Buffer) => up.push(chunk));
  input.once('end', () => {
    up.end();
    child.stdin.end();
    heardAt = performance.now();
    looking = setInterval(() => void (isDone() && serverProcess.leave()), ladder.closeMs / 8);
  });

  /** The input has ended: what is still to come is waited for, as long as somebody does. */
  function isDone(): boolean {
    const quiet = performance.now() - heardAt;
    if (quiet < ladder.closeMs || (child.stdout.isPaused() && hasClient())) return false;
    return unanswered.size + paying.size === 0 || quiet > FORGOTTEN_MS || !hasClient();
  }

  // A client that cannot be told anything any more has gone.
  output.on('error', () => serverProcess.leave());
  child.stdin.on('drain', () => input.resume()).on('error', () => input.resume());
  child.stdout.on('data', (chunk: Buffer) => {
    heard += chunk.length;
    heardAt = performance.now();
    down.push(chunk);
  });
  output.on('drain', () => child.stdout.resume());

  const passOn = Object.fromEntries(SIGNALS.map((signal) => [signal, () => serverProcess.signal(signal)]));
  for (const signal of SIGNALS) process.on(signal, passOn[signal]!);

  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) finish({ problem: error.code === 'ENOENT' ? 'it was not found' : error.message });
    });
    child.once('exit', (code, signal) => {
      const ended: Wrapped = signal === null ? { code: code ?? 0 } : { signal };
      serverProcess.over();
      clearInterval(looking);
      let before = heard;
      const draining = setInterval(() => {
        // A client that reads slowly is waited for.
        if (child.stdout.isPaused() || heard !== before) before = heard;
        else child.stdout.destroy();
      }, DRAIN_MS);
      child.once('close', () => {
        clearInterval(draining);
        void over().then(() => finish(ended));
      });
    });

    /** What the server left without an answer has none, and the daemon is told before this ends. */
    async function over(): Promise<void> {
      isOver = true;
      down.end();
      for (const lost of [...repeats.values()]) lost(null);
      await Promise.all(paying);
    }

    function finish(how: Wrapped): void {
      for (const signal of SIGNALS) process.off(signal, passOn[signal]!);
      input.removeAllListeners('data').pause();
      // All of it has to be gone before the process ends.
      output.write('', () => resolve(how));
    }
  });
}

const UNKNOWN = 'pag0 PAYMENT_UNKNOWN: this tool was shown a payment and whether that was cashed is not known, because the server or pag0 ended meanwhile; it is not paid again, go on without it';

function limited<T extends Set<string> | Map<string, unknown>>(many: T): T {
  if (many.size >= MAX_CALLS) many.delete(many.keys().next().value!);
  return many;
}

/** The process that started this one is its client, or stands for it. */
function isParentThere(): () => boolean {
  const parent = process.ppid;
  return () => process.ppid === parent;
}
