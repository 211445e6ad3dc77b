import { createHash } from 'node:crypto';
import type { Asker, Clock } from '../ports.ts';
import { MAIN } from '../core/tree.ts';
import type { TicketFiles, TicketProgram } from '../core/ticketable.ts';
import { curlTicket, wgetTicket, type Way } from './client-files.ts';
import { createFolder } from './folder.ts';
import { createSeal } from './seal.ts';
import { readUserConfig } from './user-config.ts';

export interface TicketsOptions {
  /** Ours alone: `PAG0_HOME/tickets`. */
  dir: string;
  /** The home's token: what seals a secret, so that one of ours is known as such after a restart. */
  token: string;
  random: (bytes: number) => Buffer;
  clock: Clock;
  /** The gateway's own port on this machine. */
  port: number;
  /** Certificates of the system's roots and of our CA, in one file. */
  caBundle: string;
  /** The user's folder, with `.wgetrc` and `.curlrc` in it. */
  userHome: string;
}

export interface TicketRequest {
  session: string;
  agent: string;
  toolUseId: string;
  /** There the way to the gateway is known by the environment alone. */
  sandboxed: boolean;
  programs: ReadonlySet<TicketProgram>;
}

export type TicketReading = { asker: Asker } | { rejected: 'unknown' | 'expired' };

/** What shows a request to be a session's, and one call's. */
export interface Tickets {
  /** The files to hand to the call's programs. The same call asked for twice has one ticket. Throws when the disk fails. */
  issue(request: TicketRequest): TicketFiles;
  /** From a request's `Proxy-Authorization`. `expired`: we made it, and its call has ended, or the daemon it was made by. */
  whoAsks(proxyAuthorization: string): TicketReading;
  /** The call is over: its ticket admits nobody any more. Nothing happens when it had none. */
  end(session: string, toolUseId: string): void;
  endSession(session: string): void;
  /** What a session's environment shows of itself. The same for a session for ever, also after a restart. */
  sessionTicket(session: string): SessionTicket;
  /** Programs that the user's own configuration sends another way. */
  ownConfig(): ReadonlySet<TicketProgram>;
}

/** Safe in a URL and in a shell as they are. */
export interface SessionTicket {
  user: string;
  secret: string;
}

interface Ticket {
  asker: Asker;
  name: string;
  secret: string;
  files: Map<TicketProgram, string>;
  issuedAt: number;
}

/** Calls at work at once. One that nobody ended (turned down by a person, lost in a crash) makes room in the end. */
const MAX_TICKETS = 1_000;
const MAX_AGE_MS = 12 * 60 * 60_000;

/** How long what the user's own files say is taken to hold: every command asks, and a person changes them by hand. */
const OWN_CONFIG_MS = 1_000;
const PROGRAMS: readonly TicketProgram[] = ['curl', 'wget'];

const CALL = 'call';
const SESSION = 'session-';

export function createTickets(options: TicketsOptions): Tickets {
  const { clock, random } = options;
  const folder = createFolder(options.dir);
  const seal = createSeal(options.token);
  /** Oldest first. */
  const byCall = new Map<string, Ticket>();
  const bySecret = new Map<string, Ticket>();

  function issue({ session, agent, toolUseId, sandboxed, programs }: TicketRequest): TicketFiles {
    const key = callKey(session, toolUseId);
    let ticket = byCall.get(key);
    if (ticket === undefined) {
      makeRoom();
      const secret = seal.sealed(CALL, random(24).toString('base64url'));
      ticket = { asker: { session, agent, toolUseId, by: 'ticket' }, name: random(8).toString('hex'), secret, files: new Map(), issuedAt: clock() };
      byCall.set(key, ticket);
      bySecret.set(digest(secret), ticket);
    }
    const proxy = sandboxed ? null : `http://127.0.0.1:${options.port}`;
    return { curl: fileOf(ticket, 'curl', programs, proxy), wget: fileOf(ticket, 'wget', programs, proxy) };
  }

  function fileOf(ticket: Ticket, program: TicketProgram, wanted: ReadonlySet<TicketProgram>, proxy: string | null): string {
    const known = ticket.files.get(program);
    if (known !== undefined || !wanted.has(program)) return known ?? '';
    const way: Way = { proxy, user: CALL, secret: ticket.secret, caBundle: options.caBundle };
    const text = program === 'curl' ? curlTicket(way) : wgetTicket(way, readUserConfig('wget', options.userHome).text);
    const file = folder.write(`${ticket.name}.${program}`, text);
    ticket.files.set(program, file);
    return file;
  }

  function makeRoom(): void {
    const oldest = clock() - MAX_AGE_MS;
    for (const [key, ticket] of byCall) {
      if (ticket.issuedAt >= oldest && byCall.size < MAX_TICKETS) return;
      forget(key, ticket);
    }
  }

  function forget(key: string, ticket: Ticket): void {
    byCall.delete(key);
    bySecret.delete(digest(ticket.secret));
    for (const file of ticket.files.values()) folder.remove(file);
  }

  function whoAsks(proxyAuthorization: string): TicketReading {
    const shown = basic(proxyAuthorization);
    if (shown === null) return { rejected: 'unknown' };
    const { user, secret } = shown;
    if (user.startsWith(SESSION)) {
      const session = Buffer.from(user.slice(SESSION.length), 'base64url').toString();
      if (!seal.same(sessionTicket(session).secret, secret)) return { rejected: 'unknown' };
      return { asker: { session, agent: MAIN, toolUseId: null, by: 'environment' } };
    }
    // Looked up by its digest: how long that takes says nothing about the secret.
    const ticket = user === CALL ? bySecret.get(digest(secret)) : undefined;
    if (ticket !== undefined && clock() - ticket.issuedAt <= MAX_AGE_MS) return { asker: ticket.asker };
    return { rejected: user === CALL && seal.isOurs(CALL, secret) ? 'expired' : 'unknown' };
  }

  function end(session: string, toolUseId: string): void {
    const key = callKey(session, toolUseId);
    const ticket = byCall.get(key);
    if (ticket !== undefined) forget(key, ticket);
  }

  function endSession(session: string): void {
    for (const [key, ticket] of byCall) if (ticket.asker.session === session) forget(key, ticket);
  }

  function sessionTicket(session: string): SessionTicket {
    const user = SESSION + Buffer.from(session).toString('base64url');
    return { user, secret: seal.of(user) };
  }

  let own = { at: Number.NEGATIVE_INFINITY, programs: new Set<TicketProgram>() };

  function ownConfig(): ReadonlySet<TicketProgram> {
    if (clock() - own.at >= OWN_CONFIG_MS) own = { at: clock(), programs: new Set(PROGRAMS.filter((program) => readUserConfig(program, options.userHome).ownWay)) };
    return own.programs;
  }

  return { issue, whoAsks, end, endSession, sessionTicket, ownConfig };
}

function callKey(session: string, toolUseId: string): string {
  return JSON.stringify([session, toolUseId]);
}

function digest(secret: string): string {
  return createHash('sha256').update(secret).digest('base64');
}

/** RFC 7617. Longer than any of ours is none of ours. */
function basic(header: string): { user: string; secret: string } | null {
  const encoded = /^basic +([A-Za-z0-9+/=_-]{1,2048}) *$/i.exec(header)?.[1];
  const text = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  return colon < 0 ? null : { user: text.slice(0, colon), secret: text.slice(colon + 1) };
}
