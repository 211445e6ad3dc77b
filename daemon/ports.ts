import type { Readable } from 'node:stream';
import type { SecureContext } from 'node:tls';
import type { Micros } from './core/amount.ts';
import type { CacheRules } from './core/cache-rules.ts';
import type { Refusal } from './core/errors.ts';
import type { FieldLine } from './core/fields.ts';
import type { ProxyAddress } from './core/own-proxy.ts';
import type { FirstPayment, PaymentOption } from './core/payment-choice.ts';
import type { ChainTransfer } from './core/reconciliation.ts';
import type { Agent, Link, Session } from './core/tree.ts';
import type { Balance, Exceeded, Scope } from './core/transfer.ts';
import type { UnpayableDemand } from './core/unpaid.ts';

/** The edges of the daemon, as the pipeline sees them. Each has a suite that every implementation passes. */

/** Milliseconds since the epoch. */
export type Clock = () => number;

/** Money kinds, never added silently: `settled` by x402, `billed` by price table, `estimated` model tokens. */
export type MoneyKind = 'billed' | 'settled' | 'estimated';

/** Who a journal row belongs to. */
export interface Origin {
  session: string;
  agent: string;
  run: string;
  project: string;
}

/** One request (or several equal ones) inside a tool call. */
export interface Line {
  tool: string;
  endpoint: string;
  amount: Micros;
  requests: number;
}

export interface Reserve {
  /** The call's own id; the same key again is the same reservation, never a second one. */
  key: string;
  origin: Origin;
  lines: readonly Line[];
  /** Narrowest first. All of them are charged, or none. */
  scopes: readonly Scope[];
  kind: MoneyKind;
  at: number;
}

export type Reserved =
  | { outcome: 'reserved' }
  /** The key is known: nothing was charged again. `ended` tells whether it is over already. */
  | { outcome: 'duplicate'; ended: boolean }
  | { outcome: 'exceeded'; exceeded: Exceeded };

export interface OpenFilter {
  session: string;
  agent?: string;
  kind?: MoneyKind;
}

export interface OpenReservation {
  key: string;
  origin: Origin;
  amount: Micros;
  scopes: readonly string[];
  kind: MoneyKind;
  /** It has a cheque. */
  signed: boolean;
  /** Its outcome is unknown, and it waits for proof. */
  held: boolean;
  at: number;
}

/**
 * A signed payment, written down before it leaves: whoever has it can cash it, so it stays counted until its end is
 * proved. One for a reservation, and never a second.
 */
export interface Cheque {
  /** The reservation's. */
  key: string;
  network: string;
  asset: string;
  from: string;
  payTo: string;
  amount: Micros;
  /** Names the authorization on the chain (EIP-3009). */
  nonce: string;
  /** Seconds since the epoch; later nobody can cash it. */
  validBefore: number;
  /** What was bought, in the seller's words or by its address. */
  resource: string | null;
  /** Digest of the request it pays: while nobody knows what came of one, the same again is not paid. */
  request: string;
  /** A person saw this price and payee and agreed: once posted, they are what the endpoint is held to. */
  agreed: boolean;
  at: number;
}

export interface Receipt extends Cheque {
  origin: Origin;
  tool: string;
  endpoint: string;
  /** `open`: on its way. `held`: nobody knows yet. */
  state: 'open' | 'held' | 'posted' | 'void';
  /** The transaction that cashed it, or why it never will be. */
  proof: string | null;
  /** What it bought has come. */
  answered: boolean;
}

/** A row that moves no money: a free call, one that was refused, or one whose answer somebody already had. */
export interface Note {
  /** `shadow`: it would have been refused, for `code`; without one it would have been paid. The call itself is written down besides. */
  what: 'free' | 'refused' | 'hit' | 'shadow';
  origin: Origin;
  tool: string;
  endpoint: string;
  requests: number;
  at: number;
  code?: string;
  /** Of a hit: what the one who asked first paid, and this one did not. Of a shadow: what would have been paid. */
  saved?: Micros;
}

/** Rows of the journal added up; a report is built of these and of balances, and only reads. */
export interface JournalSum {
  session: string;
  agent: string;
  tool: string;
  endpoint: string;
  what: 'posted' | 'held' | 'free' | 'refused' | 'hit' | 'shadow';
  code: string | null;
  kind: MoneyKind;
  /** Of a hit: what was saved. Of a shadow: what would have been paid. */
  amount: Micros;
  requests: number;
}

/** `since` and `until` count by quarters of an hour; days begin on them in every time zone. */
export type JournalFilter = { session: string } | { run: string } | { project: string } | { since: number; until: number } | { all: true };

/**
 * The book of money: append-only, integers. Every promise is durable before it resolves. Rejects with
 * `LEDGER_UNAVAILABLE` when the store cannot be written; then nothing was charged.
 */
export interface Ledger {
  reserve(request: Reserve): Promise<Reserved>;
  /** Spent: by default what was reserved, else `actual`. `proof`: the transaction. False when the key is not open. */
  post(key: string, at: number, actual?: Micros, proof?: string): Promise<boolean>;
  /** Not spent. */
  void(key: string, at: number, reason: string): Promise<boolean>;
  /** The same unless it has a cheque, which another process may have written just now. */
  voidUnsigned(key: string, at: number, reason: string): Promise<boolean>;
  /** Unknown: stays counted until a later post or void. */
  hold(key: string, at: number, reason: string): Promise<boolean>;
  /** Before a signature leaves. False when the reservation is not open or has a cheque already: then nothing may leave. */
  signed(cheque: Cheque): Promise<boolean>;
  /** What a cheque bought has come. Said in one turn of the event loop with its `post` or `hold`, both are durable at once. */
  answered(key: string, at: number): Promise<void>;
  /** Cheques whose reservation has no end, oldest first. */
  uncashed(): Promise<Cheque[]>;
  /** The newest cheque for a request, when what it bought has not come and it is not void. `posted`: it was cashed all the same. */
  lost(request: string): Promise<{ cheque: Cheque; posted: boolean } | null>;
  /** What an endpoint took at its first posted payment, or at the last one a person agreed to; null: it was never paid. */
  terms(endpoint: string): Promise<FirstPayment | null>;
  /** Newest first. */
  receipts(filter: JournalFilter, limit: number): Promise<Receipt[]>;
  /** Written behind: it moves no money, so nobody waits for it, and a crash may lose the last of them. */
  note(note: Note): void;
  balances(keys: readonly string[]): Promise<Balance[]>;
  open(filter: OpenFilter): Promise<OpenReservation[]>;
  /** Sessions with open reservations, so that nobody has to read all of them to find whose they are. */
  openSessions(): Promise<string[]>;
  /** True the first time a mark is set, for things that happen once per scope. */
  mark(name: string, at: number): Promise<boolean>;
  sums(filter: JournalFilter): Promise<JournalSum[]>;
  close(): Promise<void>;
}

/** A person's word, or a model's that only lowers: kept for ever, newest wins. */
export interface Directive {
  kind: 'limit' | 'kill' | 'resume';
  /** The scope's key, or `all`. */
  scope: string;
  limit: Micros | null;
  by: 'person' | 'agent';
  at: number;
}

/** What must outlive the daemon besides money: the tree and what people ordered. Written behind, read at start. */
export interface Roster {
  saveSession(session: Session): void;
  saveAgent(sessionId: string, agent: Agent): void;
  session(id: string): Session | undefined;
  /** Newest first. */
  recent(limit: number): { id: string; startedAt: number; parent: Link | null; run: string }[];
  saveDirective(directive: Directive): Promise<void>;
  directives(): Directive[];
}

/** Header fields by lower-case name, end-to-end ones only (RFC 9110, section 7.6.1). */
export type Fields = Readonly<Record<string, string | readonly string[]>>;

/** How a message was written. Whoever passes it on writes it so again, except where `fields` was changed meanwhile. */
interface Written {
  version: '1.0' | '1.1';
  /** All of them, in their order. */
  lines: readonly FieldLine[];
  /** The fields as they came. */
  fields: Fields;
}

export interface WrittenRequest extends Written {
  /** In the form in which the server is to be asked (RFC 9112, section 3.2), one character a byte. */
  target: string;
  /** A chunked body as it came, with its framing; null: it had none, or it is a stream. */
  framedBody: Buffer | null;
  /** The client's connection: one to the server is only used again as the client itself would. */
  connection: object;
  /** An answer that is none yet (RFC 9110, section 15.2), whole and as it came. */
  interim(head: Buffer): void;
}

export interface WrittenAnswer extends Written {
  statusLine: string;
  /** What tells where its body ends. */
  framing: 'none' | 'length' | 'chunked' | 'close';
  /** The lines behind a chunked body, once that has ended. */
  trailers(): readonly string[];
}

/** How an answer that is kept was written: fields are found by lower-case names, and shown in their letters. */
export interface Spelling {
  reason: string;
  /** Those that are not in lower case. */
  names: readonly string[];
}

/** One HTTP request behind the gateway, whatever way it came in. */
export interface WebRequest {
  /** A token; methods have a case (RFC 9110, section 9.1). */
  method: string;
  /** Absolute, without a fragment, all of it ASCII. */
  url: string;
  fields: Fields;
  /** null: none. A Buffer where it is small enough to be looked at and sent again, else a stream that can be sent once. */
  body: Buffer | Readable | null;
  written?: WrittenRequest;
  /** Whose way out it takes. Without one it is the daemon's own request. */
  session?: string;
}

export interface WebAnswer {
  status: number;
  fields: Fields;
  /** As it was sent: still encoded as `content-encoding` says. */
  body: Buffer | Readable;
  written?: WrittenAnswer;
  /** Of one that was kept. */
  spelling?: Spelling;
}

/** How a session's programs reach a host where no pag0 is. */
export interface WayOut {
  /** null: straight. */
  proxy: ProxyAddress | null;
  /** Whom they trust; undefined: whom everybody does. */
  trust: SecureContext | undefined;
  /** The same for the same way. */
  name: string;
}

export type FindWayOut = (session: string | undefined, to: { host: string; secure: boolean }) => WayOut;

/** Who is at the other end. Verifies certificates strictly and follows no redirect. */
export interface Upstream {
  /** Rejects with an `UpstreamError`. Aborting ends the exchange in any phase. */
  send(request: WebRequest, signal: AbortSignal): Promise<WebAnswer>;
  close(): Promise<void>;
}

/** Whose answers these are, and by which rules they are kept. */
export interface CachePlace {
  /** `session:<id>`, `project:<path>` or `user`. */
  scope: string;
  /** Of the wallet that would pay; empty while there is none. Answers bought by one are not another's. */
  wallet: string;
  rules: CacheRules;
}

/** An answer that somebody already has. */
export interface StoredAnswer {
  /** Names it for `pag0 cache show`. */
  id: string;
  status: number;
  /** With `age` as of now. */
  fields: Fields;
  body: Buffer;
  spelling?: Spelling;
  /** What the first one paid for it. */
  price: Micros;
  by: Origin;
  storedAt: number;
  expiresAt: number;
}

export type Found =
  | { state: 'miss' }
  | { state: 'fresh'; answer: StoredAnswer }
  /** It may be used again if the server says so; `conditions` are the fields that ask (RFC 9111, section 4.3). */
  | { state: 'stale'; answer: StoredAnswer; conditions: Fields };

/**
 * A private cache (RFC 9111) of one person, shared by that person's agents. Rejects with `CACHE_UNAVAILABLE` when the
 * store cannot be read: a broken cache is not a miss.
 */
export interface AnswerCache {
  /** Whether a request has an answer that may be kept at all: the methods and rules that never do cost no look-up. */
  mayKeep(place: CachePlace, request: WebRequest): boolean;
  /** Two requests with one key have one answer: the single flight goes by it, too. */
  keyOf(place: CachePlace, request: WebRequest): string;
  find(place: CachePlace, request: WebRequest, now: number): Promise<Found>;
  /** Whether an answer with this head will be kept, so that others may wait for the rest of it. */
  lasts(place: CachePlace, request: WebRequest, head: { status: number; fields: Fields; price: Micros }, now: number): boolean;
  /** Keeps it if the rules allow, and says whether they did. A failure to write is nobody's error but the log's. */
  keep(place: CachePlace, request: WebRequest, answer: { status: number; fields: Fields; body: Buffer; spelling?: Spelling }, paid: { price: Micros; by: Origin }, now: number): Promise<boolean>;
  /**
   * A request that may have changed something was answered: what is kept of it is out of date (RFC 9111, section 4.4).
   */
  written(place: CachePlace, request: WebRequest, answer: { status: number; fields: Fields }): Promise<void>;
  /** The server said 304: the stored answer, made fresh. */
  renewed(place: CachePlace, request: WebRequest, stale: StoredAnswer, fields: Fields, now: number): Promise<StoredAnswer>;
  close(): Promise<void>;
}

export type { ChainTransfer, PaymentOption, UnpayableDemand };

/** A seller's demand (HTTP 402 with x402, version 1 or 2), parsed and validated. A plain value that can be written down. */
export interface PaymentDemand {
  version: 1 | 2;
  /** What is sold, in the seller's words. */
  resource: string | null;
  /** Those that could be paid at all, at least one; the rules choose among them (`core/payment-choice.ts`). */
  options: readonly PaymentOption[];
  /** As it came, JSON; the signature answers it. */
  raw: string;
}

/** A cheque to bearer: whoever has it can cash it until it expires or was cashed. */
export interface SignedPayment {
  /** What the repeated request carries. */
  fields: Fields;
  /** The same for `_meta["x402/payment"]` of an MCP call. */
  payload: unknown;
  /** Lower-case. */
  from: string;
  /** 32 bytes in hex; names the authorization on the chain. */
  nonce: string;
  /** Seconds since the epoch. */
  validBefore: number;
}

/** What the seller says of it. Its word alone proves nothing. */
export interface Settlement {
  success: boolean;
  /** The hash of a transaction, or null. */
  transaction: string | null;
  /** In the seller's words, at most 200 characters. */
  reason: string | null;
}

/**
 * The wallet. Nobody else can sign, and it signs what it is told, once per call. Rejects with `PAYMENT_FAILED` when it is
 * broken or late; then nothing that was signed has left it.
 */
export interface Payer {
  /** Lower-case; null while there is no wallet. */
  address(): Promise<string | null>;
  /** `body` without its content coding. null: this 402 is not x402. */
  demandOf(answer: { fields: Fields; body: Buffer }): Promise<PaymentDemand | UnpayableDemand | null>;
  /** `option` is one of the demand's own. `validSeconds` bounds what the seller asked for. */
  sign(demand: PaymentDemand, option: PaymentOption, validSeconds: number): Promise<SignedPayment>;
  /** null: the answer says nothing of it. */
  settlementOf(fields: Fields): Promise<Settlement | null>;
  /** The same of an MCP result's `_meta["x402/payment-response"]`. */
  settlementIn(meta: object | null): Promise<Settlement | null>;
  /** Ends the thread that knows the key; the next call begins another. */
  close(): Promise<void>;
}

/**
 * What became of an authorization. Not cashed as of a block whose time is `asOf` (seconds since the epoch): where that is
 * `validBefore` or later, it never can be (EIP-3009). This machine's clock proves nothing, for the chain goes by its own.
 */
export type AuthorizationState = { cashed: false; asOf: number } | { cashed: true; transaction: string | null };

/** What left a wallet. `since` and `asOf` (seconds since the epoch) say of which time that is all; `since` is later than asked where the node was asked often enough. */
export interface TransfersRead {
  /** Oldest first. */
  transfers: ChainTransfer[];
  since: number;
  asOf: number;
}

/** What the chain says. `null`: it could not be asked, or what answered is not that chain. */
export interface ChainReader {
  /** Whether an authorization was cashed, and by which transaction where that is found. */
  authorization(option: { network: string; asset: string; from: string; nonce: string }): Promise<AuthorizationState | null>;
  /** In the asset's smallest unit. */
  balance(of: { network: string; asset: string; owner: string }): Promise<bigint | null>;
  /** All of an asset that left an address since then (seconds since the epoch), as far back as a node is asked. */
  transfers(of: { network: string; asset: string; from: string; since: number }): Promise<TransfersRead | null>;
}

/** Turns web pages into text that a model reads. */
export interface PageConverter {
  /** Markdown; null when the page takes more time or memory than a page may. */
  markdown(html: string, url: string): Promise<string | null>;
  close(): Promise<void>;
}

/** The client's end of a connection to the gateway. The same object for all that comes over it. */
export interface Connection {
  readonly remotePort?: number | undefined;
  readonly destroyed?: boolean;
}

/** Who speaks to the gateway: shown by the session's environment, else by the process, else nobody we know. */
export interface Asker {
  session: string;
  /** `environment`: what a session started, by what it shows. `sandbox`: a process below a session's client that shows nothing. */
  by: 'environment' | 'sandbox';
  /** Which shell it names as the one it comes from: a hint where to look, and no proof. */
  shell: ShellHint | null;
  connection: Connection;
  /** The session whose sandbox it comes out of, whatever it shows; only what that lets out may pass. */
  confinedTo?: string;
}

/** `pid`: of a shell, where its process table is ours. `print`: of its command (`core/command-print.ts`), where it is not. */
export type ShellHint = { pid: number } | { print: string };

/** A process as the system tells of it. */
export interface Process {
  pid: number;
  parent: number;
  /** The session that it belongs to (setsid(2)), by its leader's pid; on macOS its process group. It stays when the parent is gone. */
  group: number;
  /** With its pid, one life of a process. */
  start: string;
  /** ms since the epoch, to some hundredths of a second; null: the system does not say. */
  startedAt: number | null;
  name: string;
}

/** Where the holder of a connection is looked for. */
export interface Search {
  /** First below these, and in their groups. */
  likely: readonly number[];
  /** Then below this one. */
  client: number | null;
}

/** The system's table of processes. */
export interface ProcessSystem {
  /** It can be asked often. */
  readonly isCheap: boolean;
  /** Who holds the other end of a connection, and what is above that, nearest first. null: nobody who was looked at, or it cannot be told. */
  behind(remotePort: number, search: Search): Promise<readonly Process[] | null>;
  /** null: gone. */
  process(pid: number): Promise<Process | null>;
  children(pid: number): Promise<readonly Process[]>;
  /** Its words, with a blank between them. */
  commandLine(pid: number): Promise<string>;
  /** What it has open, as far as that can be told. */
  openFiles(pid: number): Promise<readonly string[]>;
  /** Its words and its variables. null: cannot be told. */
  launch(pid: number): Promise<{ argv: readonly string[]; env: Readonly<Record<string, string>> } | null>;
}

/** What the gateway does with a connection to a host, asked before a byte of it is read. */
export type Passage =
  /** Not our business: bytes are passed on as they are. */
  | { passage: 'tunnel' }
  /** Governed: TLS ends here and every request is looked at. */
  | { passage: 'look' }
  | { passage: 'refuse'; refusal: Refusal };

/** What came of a request: somebody's answer, or pag0's own word that there is none. */
export type Exchanged = { answer: WebAnswer } | { refusal: Refusal };

/** The pipeline, as the gateway sees it. */
export interface Governor {
  /** From the `Proxy-Authorization` of a request; where there is none, from the process at the other end. */
  whoAsks(proxyAuthorization: string | undefined, connection: Connection): Promise<{ asker: Asker | null } | { rejected: Refusal }>;
  passage(asker: Asker | null, authority: { host: string; port: number; secure: boolean }): Passage | Promise<Passage>;
  /** One governed request, to its end. `signal` is aborted when the client goes away. Rejects only with an `UpstreamError`. */
  exchange(asker: Asker | null, request: WebRequest, signal: AbortSignal): Promise<Exchanged>;
  /** A governed WebSocket, by its handshake, before that is sent: charged as one request, whatever passes afterwards. null: it may go. */
  admitSocket(asker: Asker | null, request: WebRequest): Promise<Refusal | null>;
  /** No connection, or one that broke: `why` is a sentence for whoever asked, who sees no more than that there is no answer. */
  failed(asker: Asker | null, why: string): void;
}
