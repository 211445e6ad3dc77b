import type { FirstPayment } from '../core/payment-choice.ts';
import { firstExceeded, settle, ZERO, type Balance, type Ending } from '../core/transfer.ts';
import { spread, total } from './lines.ts';
import type { Cheque, JournalFilter, JournalSum, Ledger, Line, MoneyKind, Note, OpenFilter, OpenReservation, Origin, Receipt, Reserve, Reserved } from '../ports.ts';
import { slotOf } from './totals.ts';

/** The book without a disk: the reference for the suite, and what unit tests of the pipeline charge. Forgets at exit. */
export function memoryLedger(): Ledger {
  interface Open {
    reserve: Reserve;
    held: boolean;
  }
  interface Entry {
    at: number;
    origin: Origin;
    line: Line;
    what: JournalSum['what'];
    code: string | null;
    kind: MoneyKind;
  }
  const balances = new Map<string, Balance>();
  const open = new Map<string, Open>();
  const ended = new Set<string>();
  const cheques = new Map<string, { cheque: Cheque; reserve: Reserve; end: Pick<Receipt, 'state' | 'proof'> | null; answered: boolean }>();
  const terms = new Map<string, FirstPayment>();
  const marks = new Set<string>();
  const entries: Entry[] = [];
  const balanceOf = (key: string): Balance => balances.get(key) ?? ZERO;

  function end(key: string, ending: Ending, actual?: bigint, proof: string | null = null): boolean {
    const entry = open.get(key);
    if (entry === undefined || (entry.held && ending === 'hold')) return false;
    const { reserve } = entry;
    const reserved = total(reserve.lines);
    for (const scope of reserve.scopes) {
      const balance = balanceOf(scope.key);
      const from = entry.held ? { ...balance, held: balance.held - reserved, reserved: balance.reserved + reserved } : balance;
      balances.set(scope.key, settle(from, reserved, ending, actual ?? reserved));
    }
    if (ending === 'hold') {
      entry.held = true;
      return true;
    }
    open.delete(key);
    ended.add(key);
    const signed = cheques.get(key);
    if (signed === undefined) return true;
    signed.end = { state: ending === 'post' ? 'posted' : 'void', proof };
    const { endpoint } = reserve.lines[0]!;
    const { amount, payTo, agreed } = signed.cheque;
    if (ending === 'post' && (agreed || !terms.has(endpoint))) terms.set(endpoint, { amount, payTo });
    return true;
  }

  return {
    async reserve(request: Reserve): Promise<Reserved> {
      if (open.has(request.key)) return { outcome: 'duplicate', ended: false };
      if (ended.has(request.key)) return { outcome: 'duplicate', ended: true };
      const amount = total(request.lines);
      const exceeded = firstExceeded(amount, request.scopes, balanceOf);
      if (exceeded !== null) return { outcome: 'exceeded', exceeded };
      for (const scope of request.scopes) {
        const balance = balanceOf(scope.key);
        balances.set(scope.key, { ...balance, reserved: balance.reserved + amount });
      }
      open.set(request.key, { reserve: request, held: false });
      return { outcome: 'reserved' };
    },
    async post(key, at, actual, proof) {
      const entry = open.get(key);
      if (!end(key, 'post', actual, proof)) return false;
      const { origin, lines, kind } = entry!.reserve;
      for (const line of spread(lines, actual)) entries.push({ at, origin, line, what: 'posted', code: null, kind });
      return true;
    },
    async void(key, _at, reason) {
      return end(key, 'void', undefined, reason);
    },
    async voidUnsigned(key, _at, reason) {
      return !cheques.has(key) && end(key, 'void', undefined, reason);
    },
    async hold(key) {
      return end(key, 'hold');
    },
    async signed(cheque) {
      const reservation = open.get(cheque.key);
      if (reservation === undefined || cheques.has(cheque.key)) return false;
      cheques.set(cheque.key, { cheque, reserve: reservation.reserve, end: null, answered: false });
      return true;
    },
    async answered(key) {
      const signed = cheques.get(key);
      if (signed !== undefined) signed.answered = true;
    },
    async uncashed() {
      return [...cheques.values()].filter(({ end: ending }) => ending === null).map(({ cheque }) => cheque).sort((one, other) => one.at - other.at);
    },
    async lost(request) {
      const notVoid = [...cheques.values()].filter(({ cheque, end: ending }) => cheque.request === request && ending?.state !== 'void');
      // One that waits for proof counts whatever the clock said when it was written.
      const waiting = notVoid.find(({ end: ending, answered }) => ending === null && !answered);
      const newest = waiting ?? notVoid.reverse().sort((one, other) => other.cheque.at - one.cheque.at)[0];
      return newest === undefined || newest.answered ? null : { cheque: newest.cheque, posted: newest.end !== null };
    },
    async terms(endpoint) {
      return terms.get(endpoint) ?? null;
    },
    async receipts(filter, limit) {
      const chosen = [...cheques.values()].filter(({ cheque, reserve }) => ('since' in filter ? cheque.at >= filter.since && cheque.at < filter.until : selects(filter, reserve.origin, cheque.at)));
      const receipts = chosen.map(({ cheque, reserve, end: ending, answered }): Receipt => {
        const { tool, endpoint } = reserve.lines[0]!;
        const state = open.get(cheque.key)?.held === true ? 'held' : 'open';
        return { ...cheque, origin: reserve.origin, tool, endpoint, ...(ending ?? { state, proof: null }), answered };
      });
      return receipts.reverse().sort((one, other) => other.at - one.at).slice(0, limit);
    },
    note(note: Note) {
      const line: Line = { tool: note.tool, endpoint: note.endpoint, amount: note.saved ?? 0n, requests: note.requests };
      entries.push({ at: note.at, origin: note.origin, line, what: note.what, code: note.code ?? null, kind: 'billed' });
    },
    async balances(keys) {
      return keys.map(balanceOf);
    },
    async open(filter) {
      return [...open.values()].map((one) => openOf(one, cheques.has(one.reserve.key))).filter((one) => fits(one, filter));
    },
    async openSessions() {
      return [...new Set([...open.values()].map(({ reserve }) => reserve.origin.session))];
    },
    async mark(name) {
      if (marks.has(name)) return false;
      marks.add(name);
      return true;
    },
    async sums(filter) {
      const held = [...open.values()].filter((one) => one.held);
      const heldEntries = held.flatMap(({ reserve }) => reserve.lines.map((line): Entry => ({ at: reserve.at, origin: reserve.origin, line, what: 'held', code: null, kind: reserve.kind })));
      return addUp([...entries, ...heldEntries].filter((entry) => selects(filter, entry.origin, entry.at)));
    },
    async close() {},
  };

  function addUp(selected: readonly Entry[]): JournalSum[] {
    const sums = new Map<string, JournalSum>();
    for (const { origin, line, what, code, kind } of selected) {
      const key = JSON.stringify([origin.session, origin.agent, line.tool, line.endpoint, what, code, kind]);
      const sum = sums.get(key);
      if (sum === undefined) sums.set(key, { session: origin.session, agent: origin.agent, tool: line.tool, endpoint: line.endpoint, what, code, kind, amount: line.amount, requests: line.requests });
      else sums.set(key, { ...sum, amount: sum.amount + line.amount, requests: sum.requests + line.requests });
    }
    return [...sums.values()];
  }
}

function openOf({ reserve, held }: { reserve: Reserve; held: boolean }, signed: boolean): OpenReservation {
  const { key, origin, kind, at } = reserve;
  return { key, origin, amount: total(reserve.lines), scopes: reserve.scopes.map((scope) => scope.key), kind, signed, held, at };
}

function fits({ origin, kind }: OpenReservation, filter: OpenFilter): boolean {
  return origin.session === filter.session && (filter.agent === undefined || origin.agent === filter.agent) && (filter.kind === undefined || kind === filter.kind);
}

function selects(filter: JournalFilter, origin: Origin, at: number): boolean {
  if ('session' in filter) return origin.session === filter.session;
  if ('run' in filter) return origin.run === filter.run;
  if ('project' in filter) return origin.project === filter.project;
  if ('since' in filter) return slotOf(at) >= slotOf(filter.since) && slotOf(at) < slotOf(filter.until);
  return true;
}
