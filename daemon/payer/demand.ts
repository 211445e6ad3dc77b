import { z } from '@x402/core/schemas';
import type { PaymentDemand, PaymentOption, UnpayableDemand } from '../ports.ts';
import { chainOf } from './networks.ts';
import { UNREADABLE, valueIn, valuesIn } from './field-json.ts';

const MAX_OPTIONS = 50;
const MAX_RESOURCE = 2_000;
/** Options that are told of in words. */
const MAX_NAMED = 3;

/**
 * What a 402 demands: in PAYMENT-REQUIRED, as version 2 says it, else in its body, as version 1
 * does and as some sellers of version 2 do, too. The first that can be paid counts, and nothing
 * that a seller says besides may contradict it: which of two prices or payees is meant nobody
 * guesses. null: it is not x402.
 */
export function readDemand(
  fields: readonly string[],
  body: string | null,
): PaymentDemand | UnpayableDemand | null {
  try {
    const inFields = valuesIn(fields).map(sourceIn);
    const inBody = body === null ? null : sourceIn(valueIn(body));
    const demanding = [...inFields, inBody].filter((source) => source !== null);
    if (demanding.length === 0) return fields.length === 0 ? null : GARBLED;
    return quarrel(inFields, inBody) ?? payable(demanding) ?? unpayable(demanding);
  } catch {
    // Nested too deep to be written again, and so to be meant.
    return null;
  }
}

/** The option at a place of a demand's `raw`, read again, and what the seller wrote there. */
export function optionIn(
  raw: string,
  index: number,
): { version: 1 | 2; required: object; offered: OfferedOption; option: PaymentOption } | null {
  const required: object = JSON.parse(raw);
  const { x402Version: version, accepts } = envelope.parse(required);
  const { reading } = readOffer(version, accepts[index], index);
  return 'option' in reading
    ? { version, required, offered: accepts[index] as OfferedOption, option: reading.option }
    : null;
}

/** As far as it was looked at; all else a seller wrote is still there. */
export interface OfferedOption {
  network: string;
  maxTimeoutSeconds: number;
}

/** One place where a seller demands. */
interface Source {
  version: 1 | 2;
  required: object;
  offers: readonly Offer[];
}

interface Offer {
  /**
   * What it says of the money, as far as that can be read: compared with what else the seller says.
   */
  terms: { network: string; asset: string; payTo: string; amount: string };
  reading: { option: PaymentOption } | Unread;
}

/**
 * `foreign`: well said, and paid in a way that this wallet has not. `why` stands behind "because".
 */
interface Unread {
  foreign: boolean;
  why: string;
}

// The library's own zod, so that the bundle has one. Of a demand no more is asked than is needed to
// pay it: the library's schemas refuse a whole demand for one option they do not know, and for a
// seller's name of 33 letters.
const envelope = z.object({
  x402Version: z.union([z.literal(1), z.literal(2)]),
  accepts: z.array(z.unknown()),
});

function sourceIn(value: unknown): Source | null {
  const read = value === UNREADABLE ? null : envelope.safeParse(value);
  if (read?.success !== true) return null;
  const { x402Version: version, accepts } = read.data;
  return {
    version,
    required: value as object,
    offers: accepts
      .slice(0, MAX_OPTIONS)
      .map((offered, index) => readOffer(version, offered, index)),
  };
}

/**
 * Of several values of one field all say the same, and the body says nothing else of what the field
 * offers.
 */
function quarrel(
  inFields: readonly (Source | null)[],
  inBody: Source | null,
): UnpayableDemand | null {
  const first = inFields.find((source) => source !== null);
  // A field in which nothing is demanded says nothing of money.
  if (first == null) return null;
  const different = inFields.find((other) => other === null || termsOf(other) !== termsOf(first));
  if (different !== undefined)
    return contradicting(
      [first, different],
      'what it asks stands there more than once and is not the same',
    );
  if (inBody === null) return null;
  const against = [contradiction(first, inBody), contradiction(inBody, first)].some(
    (found) => found,
  );
  return against
    ? contradicting([first, inBody], 'its field and its body ask different things')
    : null;
}

function termsOf({ offers }: Source): string {
  return [...new Set(offers.map(({ terms }) => JSON.stringify(terms)))].sort().join();
}

/** Of what one place offers, another has the same token of the same network on other terms. */
function contradiction({ offers }: Source, other: Source): boolean {
  return offers.some(({ terms, reading }) => {
    const rivals =
      'option' in reading
        ? other.offers.filter(
            (rival) => rival.terms.network === terms.network && rival.terms.asset === terms.asset,
          )
        : [];
    return (
      rivals.length > 0 &&
      !rivals.some(
        (rival) => rival.terms.payTo === terms.payTo && rival.terms.amount === terms.amount,
      )
    );
  });
}

function contradicting(sources: readonly (Source | null)[], why: string): UnpayableDemand {
  return { foreign: false, why, asks: named(sources.flatMap((source) => source?.offers ?? [])) };
}

function payable(sources: readonly Source[]): PaymentDemand | null {
  // We send no identifier (extension `payment-identifier`), so such a seller would turn the payment
  // down after it was signed.
  if (sources.some(({ required }) => requiresIdentifier.safeParse(required).success)) return null;
  for (const { version, required, offers } of sources) {
    const options = offers.flatMap(({ reading }) => ('option' in reading ? [reading.option] : []));
    if (options.length === 0) continue;
    const accepts = (required as z.infer<typeof envelope>).accepts;
    return {
      version,
      resource: resourceOf(version === 1 ? accepts[options[0]!.index] : required),
      options,
      raw: JSON.stringify(required),
    };
  }
  return null;
}

const requiresIdentifier = z.object({
  extensions: z.object({
    'payment-identifier': z.object({ info: z.object({ required: z.literal(true) }) }),
  }),
});

/** What keeps a wallet like ours from paying comes before what is another's to pay. */
function unpayable(sources: readonly Source[]): UnpayableDemand {
  const offers = sources.flatMap((source) => source.offers);
  const unread = offers.flatMap(({ reading }) => ('option' in reading ? [] : [reading]));
  const isIdentified = unread.length < offers.length;
  const { foreign, why } = isIdentified
    ? NEEDS_IDENTIFIER
    : (unread.find((one) => !one.foreign) ?? unread[0] ?? NO_OFFER);
  return { foreign, why, asks: named(offers) };
}

const NO_OFFER: Unread = { foreign: true, why: 'it offers no way to pay' };
const NEEDS_IDENTIFIER: Unread = {
  foreign: true,
  why: 'it wants an identifier beside the payment, which pag0 does not send',
};
const GARBLED: UnpayableDemand = { foreign: true, why: 'what it asks cannot be read', asks: '' };

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;
const address = z
  .string()
  .regex(ADDRESS)
  .transform((text) => text.toLowerCase());
/** How a token is paid: by EIP-3009 and after the answer is authorized, or not by us. */
const ways = z.object({ assetTransferMethod: z.unknown(), paymentFlow: z.unknown() }).partial();
/** The token's EIP-712 domain. */
const domain = z.object({ name: z.string().min(1).max(200), version: z.string().min(1).max(200) });
const offered = z
  .object({
    scheme: z.unknown(),
    network: z.unknown(),
    asset: z.unknown(),
    payTo: z.unknown(),
    amount: z.unknown(),
    maxAmountRequired: z.unknown(),
    maxTimeoutSeconds: z.unknown(),
    extra: z.unknown(),
  })
  .partial();

function readOffer(version: 1 | 2, value: unknown, index: number): Offer {
  const read = offered.safeParse(value);
  const {
    scheme,
    network: on,
    asset,
    payTo,
    maxTimeoutSeconds,
    extra,
    ...amounts
  } = read.success ? read.data : {};
  const network = typeof on === 'string' ? chainOf(on, version) : null;
  const amount = amountIn(
    version === 1
      ? [amounts.maxAmountRequired, amounts.amount]
      : [amounts.amount, amounts.maxAmountRequired],
  );
  const terms = {
    network: network ?? plain(on),
    asset: account(asset),
    payTo: account(payTo),
    amount: 'whole' in amount ? amount.whole.toString() : amount.said,
  };
  const no = (foreign: boolean, why: string): Offer => ({ terms, reading: { foreign, why } });

  if (!isScheme(scheme))
    return no(true, `pag0 pays by the scheme "exact" and not by ${quoted(scheme)}`);
  if (network === null)
    return no(
      !/^eip155:/i.test(String(on)),
      `pag0 pays on EVM networks and ${quoted(on)} is none that it knows`,
    );
  const { data: how = {} } = ways.safeParse(extra);
  if (!isUsual(how.assetTransferMethod, 'eip3009'))
    return no(true, `pag0 pays by EIP-3009 and not by ${quoted(how.assetTransferMethod)}`);
  if (!isUsual(how.paymentFlow, 'authorization'))
    return no(
      true,
      `pag0 pays when the answer comes and not in the flow ${quoted(how.paymentFlow)}`,
    );
  const [token, payee] = [address.safeParse(asset), address.safeParse(payTo)];
  if (!token.success) return no(false, 'the token it names has no address');
  if (!payee.success) return no(false, 'the payee it names has no address');
  if ('why' in amount) return no(false, amount.why);
  if (
    typeof maxTimeoutSeconds !== 'number' ||
    !Number.isSafeInteger(maxTimeoutSeconds) ||
    maxTimeoutSeconds <= 0
  )
    return no(false, 'it does not say in whole seconds how long a payment is to hold');
  if (!domain.safeParse(extra).success)
    return no(
      false,
      "it does not name its token's domain (`extra.name` and `extra.version`), " +
        'which is signed with the payment',
    );
  return {
    terms,
    reading: {
      option: {
        network,
        asset: token.data,
        payTo: payee.data,
        amount: amount.whole,
        maxTimeoutSeconds,
        index,
      },
    },
  };
}

/** ASCII alone: there are letters that look like others, and some become others in lower case. */
function isScheme(value: unknown): boolean {
  return typeof value === 'string' && /^exact$/i.test(value);
}

function isUsual(value: unknown, usual: string): boolean {
  return value === undefined || value === null || value === usual;
}

type Amount = { whole: bigint } | { why: string; said: string };

/**
 * `amount` as version 2 calls it and `maxAmountRequired` as version 1 does, the version's own
 * first: sellers mix the names, and some write both. A whole number of the token's smallest unit,
 * as text or as a number that JSON keeps exactly. `0x2710`, `1e4` and `0.01` may mean two things
 * and are none.
 */
function amountIn(values: readonly unknown[]): Amount {
  const said = values.filter((value) => value !== undefined && value !== null && value !== '');
  const shown = said.map((value) => plain(value)).join(' and ');
  const whole = said.map(wholeNumber);
  if (said.length === 0) return { why: 'it names no amount', said: '' };
  const [first, second] = whole;
  if (first == null || second === null)
    return {
      why: `its amount ${shown} is no whole number of the token's smallest unit`,
      said: shown,
    };
  if (second !== undefined && second !== first)
    return { why: `it names two amounts, ${shown}`, said: shown };
  return { whole: first };
}

/** Nineteen digits are more than any amount has. */
function wholeNumber(value: unknown): bigint | null {
  if (typeof value === 'number')
    return Number.isSafeInteger(value) && value > 0 ? BigInt(value) : null;
  return typeof value === 'string' && /^[1-9]\d{0,18}$/.test(value) ? BigInt(value) : null;
}

/** What offers ask, in words: a seller's list may be long, and its reader is a model. */
function named(offers: readonly Offer[]): string {
  const texts = [
    ...new Set(
      offers.map(
        ({ terms: { amount, asset, payTo, network } }) =>
          `${amount || 'an unnamed amount'} of ${asset} on ${network} to ${payTo}`,
      ),
    ),
  ];
  return texts.length <= MAX_NAMED
    ? texts.join(', or ')
    : `${texts.slice(0, MAX_NAMED).join(', or ')}, or in ${texts.length - MAX_NAMED} other ways`;
}

/**
 * A seller's word in a sentence of ours: a code, a name or a number, and nothing that could be read
 * as an order.
 */
function plain(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && /^[\w.:$+-]{1,100}$/.test(text) ? text : '(unreadable)';
}

/** Where capitals are no part of an address they tell no two apart. */
function account(value: unknown): string {
  const text = plain(value);
  return ADDRESS.test(text) ? text.toLowerCase() : text;
}

function quoted(value: unknown): string {
  return value === undefined || value === null ? 'one that it does not name' : `"${plain(value)}"`;
}

function resourceOf(value: unknown): string | null {
  const { data } = resource.safeParse(value);
  return data === undefined ? null : data.resource.slice(0, MAX_RESOURCE);
}

const resource = z.object({
  resource: z.union([z.string(), z.object({ url: z.string() }).transform(({ url }) => url)]),
});
