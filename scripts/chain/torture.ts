import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { driverIfPresent } from '../../daemon/ledger/driver.ts';
import type { Receipt } from '../../daemon/ports.ts';
import { BUYER } from './accounts.ts';
import { type Chain, startChain } from './chain.ts';
import { startFacilitator } from './facilitator.ts';
import { type Answered, buildProgram, configOf, curl, type Household, openHousehold } from './household.ts';
import { startStepSeller, type Step, type StepSeller, STEPS } from './step-seller.ts';
import { authorizationIn } from './wire.ts';

/**
 * `npm run torture [kills] [seed]`: the daemon is killed (SIGKILL) again and again while it pays, at every step between a
 * demand and the keeping of what was bought, and started anew; each request is then made again. What must hold whatever
 * happens is looked at after every kill and, with the chain as the judge, at the end.
 */
export interface Torture {
  kills: number;
  /** Of the choices; when exactly a process dies nobody can say twice. */
  seed: number;
  said?(line: string): void;
}

export interface Tortured {
  requests: number;
  /** What was killed for, and what that request was told when it was made again. */
  histogram: Record<string, Record<string, number>>;
  /** How the book had the request that was killed for, after the restart. */
  found: Record<string, number>;
  /** Sentences; empty: all the laws held. */
  violations: string[];
  spent: bigint;
  ms: number;
}

/** One request, and what became of it. */
interface Errand {
  method: 'GET' | 'POST';
  path: string;
  body: string;
  /** Several programs ask for it at once. */
  askers: number;
}

/** What the seller cannot see, and the book does: that money was set aside, that a signature was written down, that it is spent. */
const WRITTEN = {
  reserved: "SELECT 1 FROM entries WHERE what = 'reserve' AND endpoint = ?",
  signed: 'SELECT 1 FROM cheques JOIN entries ON entries.call = cheques.call WHERE endpoint = ?',
  posted: "SELECT 1 FROM entries WHERE what = 'post' AND endpoint = ?",
} as const;
type Written = keyof typeof WRITTEN;

/** `time`: at any moment. */
type Where = Step | Written | 'time';
const WHERE: readonly Where[] = ['time', ...STEPS, 'reserved', 'signed', 'posted'];

/** As long as a purchase takes, and a little longer, in ms. */
const A_PURCHASE_MS = 120;

export async function torture({ kills, seed, said = () => {} }: Torture): Promise<Tortured> {
  const began = performance.now();
  const [program, chain] = await Promise.all([buildProgram(), startChain()]);
  await chain.mint(BUYER.address, 1_000_000_000n);
  const facilitator = await startFacilitator(chain);
  const sellers = [await startStepSeller({ facilitator }), await startStepSeller({ facilitator, fields: { 'cache-control': 'no-store' } })];
  const household = await openHousehold(program, configOf(chain, sellers));
  try {
    const result = await killAndAsk({ kills, random: randomOf(seed), chain, sellers, household, said });
    return { ...result, ms: performance.now() - began };
  } finally {
    await household.close();
    for (const seller of sellers) await seller.close();
    await facilitator.close();
    await chain.stop();
    program.remove();
  }
}

interface Scene {
  kills: number;
  random: () => number;
  chain: Chain;
  sellers: readonly StepSeller[];
  household: Household;
  said(line: string): void;
}

async function killAndAsk({ kills, random, chain, sellers, household, said }: Scene): Promise<Omit<Tortured, 'ms'>> {
  const violations: string[] = [];
  const histogram: Tortured['histogram'] = {};
  const found: Record<string, number> = {};
  let requests = 0;
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  // Nothing is loaded yet: the first one would be killed before it came to paying.
  await curl(household.way, `${sellers[0]!.url}/paid/warm`);

  for (let round = 0; round < kills; round += 1) {
    const where = WHERE[round % WHERE.length]!;
    const seller = pick(sellers);
    const errands = Array.from({ length: 3 }, (_, index): Errand => {
      const method = pick(['GET', 'POST'] as const);
      return { method, path: `/paid/${round}-${index}`, body: method === 'GET' ? '' : `order ${round}`, askers: method === 'GET' ? pick([1, 1, 2]) : 1 };
    });
    const [target] = errands as [Errand, ...Errand[]];
    requests += errands.length;
    const paidFor = ({ method, path, body }: Errand): number => seller.shown.get(`${method} ${path} ${body}`)?.length ?? 0;
    const askFor = ({ method, path, body }: Errand): Promise<Answered> => curl(household.way, `${seller.url}${path}`, { method, ...(body === '' ? {} : { body }), patience: 20 });

    const jitter = random() < 0.5 ? 0 : random() * 10;
    const what = `${target.method} ${target.path} ${target.body}`;
    const over = new AbortController();
    const moment = isWritten(where) ? written(household, where, new URL(`${seller.url}${target.path}`), over.signal) : where === 'time' ? sleep(random() * A_PURCHASE_MS) : reached(seller, where, what, random() < 0.5);
    const killing = moment.then(() => (jitter === 0 || where === 'time' ? undefined : sleep(jitter)));
    const asked = Promise.all(errands.map(async (errand) => ({ errand, had: await Promise.all(Array.from({ length: errand.askers }, () => askFor(errand))) })));
    // A target that is refused, or had already, never comes to the step.
    await Promise.race([killing, asked]);
    over.abort();
    await household.restart('SIGKILL');
    seller.at = () => {};
    const first = await asked;

    const receipts = await household.receipts();
    const receipt = receipts.find((one) => one.resource === `${seller.url}${target.path}`);
    count(found, receipt === undefined ? 'no cheque' : `${receipt.state}${receipt.answered ? ', answered' : ''}`);

    await Promise.all(
      first.map(async ({ errand, had }) => {
        const isTarget = errand === target;
        const before = paidFor(errand);
        // A POST that was answered is done; the next one would be another order.
        if (errand.method === 'POST' && had.some(({ status, exit }) => status === 200 && exit === 0)) return isTarget ? count((histogram[where] ??= {}), 'had') : undefined;
        const again = await askFor(errand);
        const told = again.code ?? (again.fields['x-pag0-cache'] === 'hit' ? 'hit' : again.status === 200 ? 'paid' : `status ${again.status}`);
        if (isTarget) count((histogram[where] ??= {}), told);
        const about = `${errand.method} ${errand.path} (killed at ${where}, then told ${told})`;
        const wasHad = had.some(({ status, exit }) => status === 200 && exit === 0);
        if (told === 'paid' && before > 0 && !wasHad) violations.push(`${about} was paid a second time`);
        if (!['hit', 'paid', 'PAYMENT_UNKNOWN', 'APPROVAL_REQUIRED'].includes(told)) violations.push(`${about} came to nothing that was meant: ${again.text.slice(0, 300)}`);
        if (told === 'hit' && before === 0) violations.push(`${about} was had without a payment`);
      }),
    );
    for (const errand of errands) if (paidFor(errand) > 1 && !first.some((one) => one.errand === errand && one.had.some(({ status, exit }) => status === 200 && exit === 0))) violations.push(`${errand.method} ${errand.path} was signed for ${paidFor(errand)} times`);
    if ((round + 1) % 20 === 0) said(`${round + 1} kills, ${violations.length} violations`);
  }

  // What was cashed is found; then nobody can cash any more, and the rest is given back.
  await household.restart();
  const cashed = new Set((await chain.transfersFrom(BUYER.address)).map(({ nonce }) => nonce?.toLowerCase()));
  await settled(household, ({ nonce, state }) => state === 'posted' || !cashed.has(nonce.toLowerCase()));
  await chain.passTime(3_600);
  await household.restart();
  await settled(household, ({ state }) => state === 'posted' || state === 'void');
  violations.push(...(await laws(chain, sellers, household)));
  return { requests, histogram, found, violations, spent: (await chain.transfersFrom(BUYER.address)).reduce((sum, { value }) => sum + value, 0n) };
}

/** Until then, or long enough: what is not as it should be by then is told by the laws. */
async function settled(household: Household, isEnded: (receipt: Receipt) => boolean): Promise<void> {
  for (const began = performance.now(); performance.now() - began < 30_000; await sleep(100)) if ((await household.receipts()).every(isEnded)) return;
}

/** What must hold when all is over: the chain, the book and what the sellers saw tell one story. */
async function laws(chain: Chain, sellers: readonly StepSeller[], household: Household): Promise<string[]> {
  const violations: string[] = [];
  const [receipts, transfers] = [await household.receipts(), await chain.transfersFrom(BUYER.address)];
  const byNonce = new Map(receipts.map((receipt) => [receipt.nonce.toLowerCase(), receipt]));
  for (const { nonce, value, to, transaction } of transfers) {
    const receipt = byNonce.get(nonce?.toLowerCase() ?? '');
    if (receipt === undefined) violations.push(`${transaction} is in no book`);
    else if (receipt.state !== 'posted' || receipt.amount !== value || receipt.payTo !== to.toLowerCase()) violations.push(`${transaction} is ${receipt.state} in the book, ${receipt.amount} to ${receipt.payTo}`);
  }
  for (const payment of sellers.flatMap(({ shown }) => [...shown.values()].flat())) if (!byNonce.has(authorizationIn(payment).nonce.toLowerCase())) violations.push(`${authorizationIn(payment).nonce} left and was never written down`);
  const moved = transfers.reduce((sum, { value }) => sum + value, 0n);
  const posted = receipts.filter(({ state }) => state === 'posted').reduce((sum, { amount }) => sum + amount, 0n);
  if (posted !== moved) violations.push(`the book says that ${posted} was spent, and the chain ${moved}`);

  const book = driverIfPresent(household.home)!.open(household.home.ledgerFile, { readOnly: true });
  try {
    const unsigned = book.prepare("SELECT COUNT(*) AS n FROM entries AS ends JOIN entries AS first ON first.no = ends.reservation WHERE ends.what IN ('post', 'hold') AND first.kind = 'settled' AND NOT EXISTS (SELECT 1 FROM cheques WHERE cheques.call = first.call)").get();
    if (Number(unsigned?.['n']) !== 0) violations.push(`${String(unsigned?.['n'])} charges have no cheque`);
    const open = book.prepare('SELECT COUNT(*) AS n FROM open').get();
    if (Number(open?.['n']) !== 0) violations.push(`${String(open?.['n'])} reservations have no end`);
    for (const { scope, posted: spent, reserved, held } of book.prepare('SELECT * FROM balances').all()) {
      if (BigInt(spent as number) !== moved || Number(reserved) !== 0 || Number(held) !== 0) violations.push(`${String(scope)} counts ${String(spent)} spent, ${String(reserved)} set aside and ${String(held)} held, and the chain ${moved}`);
    }
  } finally {
    book.close();
  }
  return violations;
}

/** Resolves when a seller comes to that step of that sale. `breaks`: there it breaks the connection, and does nothing more. */
function reached(seller: StepSeller, step: Step, what: string, breaks: boolean): Promise<void> {
  return new Promise((resolve) => {
    seller.at = (now, which) => {
      if (now !== step || which !== what) return;
      resolve();
      if (breaks) throw new Error('the seller breaks');
    };
  });
}

function isWritten(where: Where): where is Written {
  return where in WRITTEN;
}

/** Resolves as soon as the book has it, looked at without a pause. */
async function written(household: Household, where: Written, { host, pathname }: URL, signal: AbortSignal): Promise<void> {
  const book = driverIfPresent(household.home)!.open(household.home.ledgerFile, { readOnly: true });
  const found = book.prepare(WRITTEN[where]);
  while (!signal.aborted && found.get(host + pathname) === undefined) await new Promise((resolve) => setImmediate(resolve));
  book.close();
}

function count(into: Record<string, number>, name: string): void {
  into[name] = (into[name] ?? 0) + 1;
}

/** mulberry32 */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [kills = 200, seed = Date.now() % 1_000_000] = process.argv.slice(2).map(Number);
  console.log(`${kills} kills, seed ${seed}`);
  // Two daemons, each on a chain of its own: most of the time one of them starts.
  const lanes = [Math.ceil(kills / 2), Math.floor(kills / 2)].map((share, lane) => torture({ kills: share, seed: seed + lane, said: (line) => console.log(`${lane + 1}: ${line}`) }));
  const results = await Promise.all(lanes);
  for (const { requests, histogram, found, spent, ms } of results) {
    console.log(`${requests} requests, $${(Number(spent) / 1e6).toFixed(2)} spent, ${(ms / 1_000).toFixed(1)} s`);
    console.log('killed at, then told:', histogram);
    console.log('the book after the kill:', found);
  }
  const violations = results.flatMap((result) => result.violations);
  for (const violation of violations) console.error(`✗ ${violation}`);
  process.exit(violations.length === 0 ? 0 : 1);
}
