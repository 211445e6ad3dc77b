/** One thing an agent does, as data. A table of these is played to the client twice. */
export interface Case {
  /** The text of the Bash call. */
  readonly run: string;
  /** Needed only where two cases would read alike. */
  readonly name?: string;
  /** The Bash tool's own `run_in_background`. */
  readonly background?: true;
  /** What has to lie in the project before the next case begins: for what goes on after its call has ended. */
  readonly until?: string;
  /** The Bash tool's own limit, in milliseconds. */
  readonly limit?: number;
  /** Its requests run beside each other, so the server's order says nothing. */
  readonly unordered?: true;
  /** What the machine must have for it, else it is left out and said to be. */
  readonly needs?: Need;
  /** Where another outcome than without pag0 is right, why, and in which worlds. */
  readonly differs?: Difference;
  /** Something the stage does before the next case; nothing is run. */
  readonly act?: Act;
}

export type Need = 'ipv6' | 'requests' | 'pip' | 'npm' | 'http2' | 'socat';
export type Act = 'kill-daemon';

/** A world is a way in which pag0 is there; see `plans.ts`. */
export type World = 'unnamed' | 'priced' | 'wallet';

export interface Difference {
  /** In all of them when none is named. */
  readonly in?: readonly World[];
  readonly because: string;
  /** What is not compared then; all else still is. */
  readonly of: readonly Aspect[];
  /** What is taken out of both before they are compared, where a whole aspect would be too much. */
  readonly apart?: RegExp;
}

/** What of a case is compared. */
export type Aspect = 'text' | 'failed' | 'requests' | 'order' | 'files' | 'programs';

export const nameOf = (one: Case): string => one.name ?? one.run;

/** Which exit code and which words is not compared, since a proxy can only break off; that it fails is. */
export const UNREACHABLE: Difference = { because: 'a proxy stands between, which can only break off', of: ['text'] };
/** The program shows how it gets to the server. */
export const SHOWS_THE_WAY: Difference = { because: 'it prints how it gets to the server', of: ['text'] };

/** Where TLS ends at the gateway because a rule names the host. */
const LOOKED_AT: readonly World[] = ['priced', 'wallet'];
/** The same where the gateway is who meets the server. */
export const UNTRUSTED: Difference = { ...UNREACHABLE, in: LOOKED_AT, because: 'the gateway is who met the server, and can only break off' };
export const READ_AS_HTTP1: Difference = { in: LOOKED_AT, because: 'what is looked at is read as HTTP/1.1', of: ['text', 'requests'] };
export const READ_FIRST: Difference = { in: LOOKED_AT, because: 'a body is read to be weighed before anything is passed on', of: ['text', 'requests'] };
/** wget tells every server of it when it has a proxy, also inside a tunnel that nobody reads. */
export const SAYS_PROXY_CONNECTION: Difference = { because: 'wget itself writes it wherever it has a proxy', of: [], apart: /(\r\n|\\r\\n)Proxy-Connection: Keep-Alive/g };
