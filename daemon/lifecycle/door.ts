import type { HttpBindings } from '@hono/node-server';
import { Hono, type Context } from 'hono';
import { answerProof, type CheckRequest, NONCE_HEADER, PROOF_HEADER, TIME_HEADER } from '../contract/proof.ts';
import { ROUTES, type ErrorAnswer, type HelloAnswer, type StatusAnswer, type StopAnswer, type StopReason } from '../contract/routes.ts';
import { readBody } from '../http/body.ts';

/** What serves everything but the daemon's own life: the assembled app, once the ledger is open. */
export type Fetch = (request: Request, env?: object) => Response | Promise<Response>;

export interface DoorOptions {
  token: string;
  check: CheckRequest;
  clock: () => number;
  hello(): HelloAnswer;
  status(): StatusAnswer;
  /** Called once the answer is on its way. */
  stop(reason: StopReason): void;
  /** null while the daemon starts or ends. */
  app(): Fetch | null;
  /** A request carried a proof made with another token than ours. */
  forged(): void;
}

type DoorContext = Context<{ Bindings: HttpBindings }>;

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const STOP_REASONS: readonly StopReason[] = ['upgrade', 'person', 'idle', 'signal', 'token', 'failed'];

/**
 * The one place where a request under `/v1` is proven and its answer signed; what lies behind it sees only requests of our own
 * hooks and commands. It stands before the ledger is open, so that whoever finds the port taken can learn at once by whom.
 */
export function createDoor(options: DoorOptions): Fetch {
  const door = new Hono<{ Bindings: HttpBindings }>();
  door.get(ROUTES.health, (c) => c.json({ service: 'pag0' }));
  door.all('/v1/*', async (c) => proven(c, options));
  door.all('*', (c) => (isElsewhere(c.env.incoming.url ?? '', options.app() !== null) ? nothing(c) : unavailable(c)));
  return (request, env) => door.fetch(request, env as HttpBindings);
}

async function proven(c: DoorContext, options: DoorOptions): Promise<Response> {
  const nonce = c.req.header(NONCE_HEADER);
  const read = await readBody(c.env.incoming, MAX_BODY_BYTES);
  if (!read.ok) return c.json<ErrorAnswer>({ error: { code: 'BAD_REQUEST', message: read.problem } }, read.status);
  const body = read.text;
  // As it was sent: an address that was parsed and written again may differ from the one that was signed.
  const target = c.env.incoming.url ?? '';
  const rejection = options.check(
    { method: c.req.method, target, body, nonce, time: c.req.header(TIME_HEADER), proof: c.req.header(PROOF_HEADER) },
    options.clock(),
  );
  if (rejection === 'forged') options.forged();
  if (rejection === 'unsigned' || rejection === 'forged') {
    // Not signed: our proof over a nonce of their choosing is nothing a stranger should be able to collect.
    return c.json<ErrorAnswer>({ error: { code: 'FORBIDDEN', message: 'The request does not prove that it comes from this pag0.' } }, 401);
  }
  const answer =
    rejection === null ? await serve(c, target, body, options) : Response.json({ error: { code: 'FORBIDDEN', message: `The request is ${rejection}.` } }, { status: 401 });
  return sign(answer, options.token, nonce!);
}

async function serve(c: DoorContext, target: string, body: string, options: DoorOptions): Promise<Response> {
  const route = `${c.req.method} ${target}`;
  if (route === `GET ${ROUTES.hello}`) return Response.json(options.hello());
  if (route === `GET ${ROUTES.status}`) return Response.json(options.status());
  if (route === `POST ${ROUTES.stop}`) return stop(body, options);
  const app = options.app();
  if (app === null) return unavailable(c);
  // The body has been read for the proof, so the app gets a request of its own.
  const init = c.req.method === 'GET' || c.req.method === 'HEAD' ? {} : { body };
  return app(new Request(c.req.url, { method: c.req.method, headers: c.req.raw.headers, ...init }), c.env);
}

function stop(body: string, options: DoorOptions): Response {
  const reason = stopReason(body);
  if (reason === null) return Response.json({ error: { code: 'BAD_REQUEST', message: 'Send { "reason": "upgrade" | "person" }.' } }, { status: 400 });
  setImmediate(() => options.stop(reason));
  return Response.json({ stopping: true, pid: process.pid } satisfies StopAnswer, { status: 202 });
}

function stopReason(body: string): StopReason | null {
  try {
    const { reason } = JSON.parse(body) as { reason?: StopReason };
    return STOP_REASONS.find((known) => known === reason) ?? null;
  } catch {
    return null;
  }
}

/**
 * A path that the daemon does not have, whether or not it is open: who looks for one, as clients do for `/.well-known/…`, takes a
 * 503 for a server out of order. What comes in absolute form is for the proxy, and so is `/mcp/` at any depth.
 */
function isElsewhere(url: string, isOpen: boolean): boolean {
  return isOpen || (url.startsWith('/') && !url.startsWith(ROUTES.hook) && !/^\/(mcp|\.well-known\/[^/?]+\/mcp)\//.test(url));
}

function nothing(c: DoorContext): Response {
  return c.json<ErrorAnswer>({ error: { code: 'NOT_FOUND', message: 'pag0 has nothing at this path.' } }, 404);
}

/** 503 makes an http hook fail, which refuses a call that can cost (`onFailure: block`) and lets every other one run. */
function unavailable(c: DoorContext): Response {
  return c.json<ErrorAnswer>({ error: { code: 'DRAINING', message: 'pag0 is starting or stopping.' } }, 503);
}

async function sign(answer: Response, token: string, nonce: string): Promise<Response> {
  const bytes = Buffer.from(await answer.arrayBuffer());
  const headers = new Headers(answer.headers);
  headers.set(PROOF_HEADER, answerProof(token, nonce, answer.status, bytes));
  return new Response(bytes.length === 0 && answer.status === 204 ? null : bytes, { status: answer.status, headers });
}
