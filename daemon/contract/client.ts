import { Agent, request } from 'node:http';
import { randomBytes } from 'node:crypto';
import { portFrom, readToken, type Home } from './home.ts';
import { errorCode } from './problem.ts';
import { answerProof, NONCE_HEADER, newNonce, PROOF_HEADER, requestProof, sameProof, TIME_HEADER } from './proof.ts';

/**
 * What came of a question. Only `answer` was proven to be from our own daemon, whatever its status.
 * `absent`: nobody listens. `stranger`: somebody answered and could not prove it. `silent`: somebody holds the port and
 * said nothing in time, or hung up.
 */
export type Outcome<T> = { kind: 'answer'; status: number; body: T } | { kind: 'absent' } | { kind: 'stranger' } | { kind: 'silent' };

export interface Client {
  get<T>(path: string, timeoutMs?: number): Promise<Outcome<T>>;
  post<T>(path: string, body: unknown, timeoutMs?: number): Promise<Outcome<T>>;
  /** Lets the process end; a kept connection would hold it for a while. */
  close(): void;
}

export interface ClientOptions {
  home: Home;
  port?: number;
  timeoutMs?: number;
}

const HOST = '127.0.0.1';
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

/**
 * `const client = createClient({ home: homeAt(homeDir()) }); const outcome = await client.get<StatusAnswer>(ROUTES.status);`
 * node:http because the global fetch adds 100 ms to a process that starts for one question. One kept connection, so that a
 * peer that has proven itself is the same peer at the next question.
 */
export function createClient(options: ClientOptions): Client {
  const port = options.port ?? portFrom();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = <T>(method: string, path: string, body: string, timeoutMs?: number): Promise<Outcome<T>> =>
    send<T>({ agent, port, token: tokenOf(options.home), method, path, body, timeoutMs: timeoutMs ?? options.timeoutMs ?? 5_000 });
  return {
    get: (path, timeoutMs) => ask('GET', path, '', timeoutMs),
    post: (path, body, timeoutMs) => ask('POST', path, JSON.stringify(body), timeoutMs),
    close: () => agent.destroy(),
  };
}

/** Our daemon makes the token before it takes the port. Without one nobody can be ours: a token nobody knows says so. */
function tokenOf(home: Home): string {
  const found = readToken(home);
  return found !== null && found.ok ? found.token : randomBytes(32).toString('hex');
}

interface Question {
  agent: Agent;
  port: number;
  token: string;
  method: string;
  path: string;
  body: string;
  timeoutMs: number;
}

function send<T>(question: Question): Promise<Outcome<T>> {
  const { agent, port, token, method, path, body, timeoutMs } = question;
  const nonce = newNonce();
  const time = String(Date.now());
  const headers: Record<string, string> = {
    [NONCE_HEADER]: nonce,
    [TIME_HEADER]: time,
    [PROOF_HEADER]: requestProof(token, { method, target: path, port, nonce, time, body }),
  };
  if (method !== 'GET') {
    headers['content-type'] = 'application/json';
    headers['content-length'] = String(Buffer.byteLength(body));
  }

  return new Promise((settle) => {
    const outgoing = request({ host: HOST, port, method, path, headers, agent });
    // One clock over the whole exchange: a peer that sends a byte now and then must not hold a hook.
    const limit = setTimeout(() => finish({ kind: 'silent' }, true), timeoutMs);
    const finish = (outcome: Outcome<T>, drop = false): void => {
      clearTimeout(limit);
      if (drop) outgoing.destroy();
      settle(outcome);
    };
    outgoing.on('error', (error) => finish(connectionFailure(error)));
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = [];
      let size = 0;
      incoming.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_ANSWER_BYTES) return finish({ kind: 'stranger' }, true);
        chunks.push(chunk);
      });
      incoming.on('error', () => finish({ kind: 'silent' }));
      incoming.on('end', () => {
        const status = incoming.statusCode ?? 0;
        const answer = Buffer.concat(chunks);
        const given = incoming.headers[PROOF_HEADER];
        if (!sameProof(answerProof(token, nonce, status, answer), typeof given === 'string' ? given : undefined)) {
          return finish({ kind: 'stranger' }, true);
        }
        finish({ kind: 'answer', status, body: parse<T>(answer) });
      });
    });
    outgoing.end(method === 'GET' ? undefined : body);
  });
}

function connectionFailure(error: Error): { kind: 'absent' } | { kind: 'stranger' } | { kind: 'silent' } {
  const code = errorCode(error) ?? '';
  if (code === 'ECONNREFUSED') return { kind: 'absent' };
  // The parser's own codes: what came back is not HTTP at all.
  return code.startsWith('HPE_') ? { kind: 'stranger' } : { kind: 'silent' };
}

function parse<T>(bytes: Buffer): T {
  try {
    return JSON.parse(bytes.toString('utf8')) as T;
  } catch {
    // Proven, so it is ours; a text that is not JSON is shown as it is.
    return bytes.toString('utf8') as T;
  }
}
