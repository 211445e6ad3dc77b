import type { Client, Outcome } from '../daemon/contract/client.ts';
import { homeAt } from '../daemon/contract/home.ts';
import { runProgram } from './program.ts';
import type { Exit, Started, Terminal } from './terminal.ts';

/** A daemon that answers what it is told to, by the beginning of the path. */
export type Script = Record<string, Outcome<unknown> | ((body: unknown) => Outcome<unknown>)>;

export interface Ran {
  exit: Exit;
  out: string;
  err: string;
  /** Paths asked, and what was posted. */
  asked: { path: string; body?: unknown }[];
  /** Questions put to the person, those without echo among them. */
  questions: string[];
}

export const answered = (body: unknown, status = 200): Outcome<unknown> => ({ kind: 'answer', status, body });

export async function runWith(words: readonly string[], script: Script, more: Partial<Pick<Terminal, 'env' | 'cwd' | 'interactive' | 'home'>> & { typed?: string; secrets?: string[]; input?: string; start?: () => Started } = {}): Promise<Ran> {
  const ran: Ran = { exit: 0, out: '', err: '', asked: [], questions: [] };
  const find = <T>(path: string, body?: unknown): Promise<Outcome<T>> => {
    ran.asked.push(body === undefined ? { path } : { path, body });
    const entry = Object.entries(script).find(([start]) => path.startsWith(start))?.[1];
    if (entry === undefined) throw new Error(`nobody expected ${path}`);
    return Promise.resolve((typeof entry === 'function' ? entry(body) : entry) as Outcome<T>);
  };
  const secrets = [...(more.secrets ?? [])];
  const client: Client = { get: (path) => find(path), post: (path, body) => find(path, body), close: () => {} };
  const terminal: Terminal = {
    env: more.env ?? {},
    cwd: more.cwd ?? '/work/app',
    pid: 4711,
    interactive: more.interactive ?? false,
    home: more.home ?? homeAt('/nowhere'),
    port: 4999,
    columns: null,
    json: false,
    client,
    start: () => Promise.resolve(more.start?.() ?? { ok: false, problem: { code: 'DAEMON_DIED', sentence: 'pag0: the daemon ended as soon as it started.' } }),
    out: (text) => void (ran.out += `${text}\n`),
    err: (text) => void (ran.err += `${text}\n`),
    ask: (question) => {
      ran.questions.push(question);
      return Promise.resolve(more.typed ?? '');
    },
    askSecret: (question) => {
      ran.questions.push(question);
      return Promise.resolve(secrets.shift() ?? null);
    },
    readInput: () => Promise.resolve(more.input ?? ''),
  };
  ran.exit = await runProgram(words, terminal);
  return ran;
}
