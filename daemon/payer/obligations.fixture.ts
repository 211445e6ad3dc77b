import { expect, it } from 'vitest';

/** Where an obligation is proved: `prove(place, …)` is called there, once. */
export type Place = 'payer' | 'exchange' | 'mcp' | 'wallet';

export interface Obligation {
  id: string;
  version: 1 | 2;
  /** Document and section of the specification: `core` is x402-specification-v1 or -v2, the others are its transports and schemes. */
  section: string;
  /** In our words, as what a buyer promises. */
  says: string;
  proof: Place | { none: string };
}

type Row = readonly [id: string, section: string, says: string, proof: Obligation['proof']];

const none = (reason: string): { none: string } => ({ none: reason });
const NOT_SPOKEN = none('spoken between seller and facilitator; a buyer calls none of it');
const EVM_ONLY = none('the wallet has one EVM key; such options are passed over');
const OPTIONAL = none('optional, and no part of a payment');

/**
 * What x402 asks of a buyer, by what it says and by what it can only mean. Read from specs/ of github.com/coinbase/x402,
 * commit dd927a26cfefc98c24b3ec38b3a8f204dad0c60d, and of github.com/x402-foundation/x402, where it goes on, at core 8efa37d7,
 * http and exact EVM 03f722fe, mcp 2cbfc56b, exact 02834ce7; which of these are on its main branch could not be seen.
 */
const ROWS: readonly Row[] = [
  ['v2-core-1', 'core 2', 'nothing is signed until a seller has asked for it', 'exchange'],
  ['v2-core-2', 'core 5.1.2', 'a demand of a version that is neither 1 nor 2 is not paid', 'payer'],
  ['v2-core-3', 'core 5.1.2', 'an option that lacks a required field is not paid', 'payer'],
  ['v2-core-4', 'core 5.1.2', 'what is optional may be missing, and the payment makes none of it up', 'payer'],
  ['v2-core-5', 'core 5.1.2', 'one of the options is chosen, and those of other schemes and networks are passed over', 'payer'],
  ['v2-core-6', 'core 5.1.2', 'the amount is in the token’s smallest unit and signed to its last digit', 'payer'],
  ['v2-core-7', 'core 5.1.2', 'a currency code for an asset and a role for a payee are not paid', 'payer'],
  ['v2-core-8', 'core 5.1.2', 'every extension comes back with all that the seller said in it', 'payer'],
  ['v2-core-9', 'core 5.2.2', 'a payment has the fields of its schema and no others', 'payer'],
  ['v2-core-10', 'core 5.2.2', 'the resource comes back as the seller described it', 'payer'],
  ['v2-core-11', 'core 5.2.2', '`accepted` is the option that was chosen, as the seller wrote it', 'payer'],
  ['v2-core-12', 'core 5.2.2', 'an authorization has its six fields, numbers as decimal strings', 'payer'],
  ['v2-core-13', 'core 5.2.2, 10.1', 'a nonce is 32 bytes and never used twice, not even for the same demand', 'payer'],
  ['v2-core-14', 'core 5.3.2', 'a settlement is read, also one that failed and has an empty transaction', 'payer'],
  ['v2-core-15', 'core 5.3.2', 'a settlement may lack what is optional and have what nobody knows', 'payer'],
  ['v2-core-16', 'core 5.3.2', 'what counts as spent is what was signed, whatever amount a settlement names', 'exchange'],
  ['v2-core-17', 'core 9', 'a standard error code is kept as the seller said it', 'payer'],
  ['v2-core-18', 'core 9', 'a payment that was refused for a standard error code is not followed by a second one', 'exchange'],
  ['v2-core-19', 'core 6.1.2, 10.1', 'an authorization is valid at once, and no longer than `maxTimeoutSeconds`', 'payer'],
  ['v2-core-20', 'core 11.1', 'a network is a CAIP-2 id, and its number is the chain that is signed for', 'payer'],
  ['v2-core-21', 'core 6.2', 'exact on Solana and on other networks that are not EVM', EVM_ONLY],
  ['v2-core-22', 'core 5.4, 7', 'verify, settle and supported', NOT_SPOKEN],
  ['v2-core-23', 'core 8', 'the discovery of what is for sale', OPTIONAL],
  ['v2-core-24', 'core 10.2', 'authentication beside the payment', none('optional, and would take a signature that is no payment, which this key does not give (v2-evm-5)')],
  ['v2-core-25', 'core 12.3, a2a', 'payments over A2A', none('the client speaks no A2A')],

  ['v2-http-1', 'http, Payment Required Signaling', 'a demand is read from the base64 of PAYMENT-REQUIRED', 'payer'],
  ['v2-http-2', 'http, Payment Required Signaling', 'only status 402 asks for a payment', 'exchange'],
  ['v2-http-3', 'http, Response Body', 'where field and body both demand and do not contradict each other, the field counts', 'payer'],
  ['v2-http-4', 'http, Payment Payload Transmission', 'the payment goes into PAYMENT-SIGNATURE, JSON in base64, and into no other field', 'payer'],
  ['v2-http-5', 'http, Payment Payload Transmission', 'the field is plain ASCII, whatever letters the seller uses', 'payer'],
  ['v2-http-6', 'http, Payment Payload Transmission', 'the paid request is the one that was asked for: same method, address, fields and body, and the payment', 'exchange'],
  ['v2-http-7', 'http, Payment Payload Transmission', 'a request whose body cannot be sent a second time is not paid', 'exchange'],
  ['v2-http-8', 'http, Payment Payload Transmission', 'a payment goes to the server that asked for it, and along with no redirect', 'exchange'],
  ['v2-http-9', 'http, Settlement Response Delivery', 'a settlement is read from the base64 of PAYMENT-RESPONSE', 'payer'],
  ['v2-http-10', 'http, Settlement Response Delivery', 'an answer that was paid for reaches the program with its status, body and PAYMENT-RESPONSE', 'exchange'],
  ['v2-http-11', 'http, Settlement Response Delivery', 'an answer without PAYMENT-RESPONSE, or with one that cannot be read, is an answer all the same', 'exchange'],
  ['v2-http-12', 'http, Error Handling', 'a 402 after the payment, with a failed settlement or with a new demand, is not paid again', 'exchange'],
  ['v2-http-13', 'http, Error Handling', 'a 400 after the payment is passed on and not paid again', 'exchange'],
  ['v2-http-14', 'http, Error Handling', 'a 500 after the payment is passed on, and neither repeated nor paid again', 'exchange'],
  ['v2-http-15', 'http, Response Body', 'a 402 that is not paid reaches the program as it came, or pag0’s reason in its place', 'exchange'],

  ['v2-exact-1', 'exact, Summary', 'exactly the amount that was asked for is signed', 'payer'],
  ['v2-exact-2', 'exact, Payment Flow', 'of two flows the one is taken in which the answer comes before the money, and an absent flow is that one', 'payer'],
  ['v2-exact-3', 'exact, Payment Flow', 'the `upfront` flow', none('the money would be gone before anything is delivered; such options are passed over')],
  ['v2-exact-4', 'exact, Client-submitted', 'payments that the buyer submits and then proves', none('what holds the key has no connection and submits nothing')],
  ['v2-exact-5', 'exact, Multi-Payee Splits', 'an option with `extra.splits` is refused where the network defines none', none('only in a draft that the document read here does not have; what is signed goes to `payTo` alone')],
  ['v2-exact-6', 'upto, batch-settlement, auth-capture', 'other schemes than exact', none('not registered: what is signed has to be what was decided on (v2-evm-5)')],

  ['v2-evm-1', 'exact EVM 1', 'the signature has 65 bytes, is one the token’s contract takes, and recovers to `from`', 'payer'],
  ['v2-evm-2', 'exact EVM 1', 'it is made for the domain of `extra.name`, `extra.version`, the network’s chain and the asset', 'payer'],
  ['v2-evm-3', 'exact EVM 1', 'without `extra.name` or `extra.version` nothing is signed, and neither is guessed', 'payer'],
  ['v2-evm-4', 'exact EVM 1', '`assetTransferMethod` may be missing, and then EIP-3009 is used', 'payer'],
  ['v2-evm-5', 'exact EVM, Summary', 'the key signs the amount and the payee that were decided on, and nothing else', 'payer'],
  ['v2-evm-6', 'exact EVM 1', 'payee, token and network of the authorization are the option’s', 'payer'],
  ['v2-evm-7', 'exact EVM 1', 'what the payer has of an asset can be seen before it is asked for', 'wallet'],
  ['v2-evm-8', 'exact EVM 2', 'Permit2, its approvals, and 412 where one is missing', none('wants an approval that outlives the payment; such options are passed over')],
  ['v2-evm-9', 'exact EVM 3', 'delegations (ERC-7710)', none('for smart accounts; the wallet is a key')],
  ['v2-evm-10', 'exact EVM 1', 'a payment by EIP-3009 names its method in `accepted.extra` also where the offer named none', none('`accepted` would no longer be the seller’s option (v2-core-11), which sellers compare; the specification’s own example names none')],

  ['v2-ext-1', 'payment_identifier', 'an id of the payment, where the seller requires one', none('not built: a demand that requires one is not paid')],
  ['v2-ext-2', 'sign-in-with-x, offer-and-receipt, gas sponsoring', 'what other extensions ask of a buyer beyond their echo', none('optional; they are echoed (v2-core-8) and otherwise not looked at')],

  ['v2-mcp-1', 'mcp, Payment Required Signaling', 'a tool result with `isError` and a demand in `structuredContent` asks for a payment', 'mcp'],
  ['v2-mcp-2', 'mcp, Client Requirements', 'where `structuredContent` has no `x402Version` and `accepts`, the JSON of `content[0].text` is read', 'mcp'],
  ['v2-mcp-3', 'mcp, Client Requirements', 'where both demand, `structuredContent` counts', 'mcp'],
  ['v2-mcp-4', 'mcp, Payment Required Signaling', 'a result without `isError` asks for nothing, whatever its text says', 'mcp'],
  ['v2-mcp-5', 'mcp, Payment Payload Transmission', 'the same tool is called again with the same arguments, and the payment in `_meta["x402/payment"]` beside what else was there', 'mcp'],
  ['v2-mcp-6', 'mcp, Payment Payload Transmission', 'the payment for `_meta` is the object that the HTTP field has in base64', 'payer'],
  ['v2-mcp-7', 'mcp, Client Requirements', 'a demand is read from JSON text as from the field, with a resource that is no web address', 'payer'],
  ['v2-mcp-8', 'mcp, Settlement Response Delivery', 'a settlement is read from `_meta["x402/payment-response"]`', 'mcp'],
  ['v2-mcp-9', 'mcp, Settlement Failure', 'an error after the payment is passed on, a new demand is told as pag0’s refusal; neither is paid again', 'mcp'],
  ['v2-mcp-10', 'mcp, Error Handling', 'an error that is none of payment is passed on as it came', 'mcp'],
  ['v2-mcp-11', 'mcp, Binding Selection', 'a result is read the same with `resultType` complete and without one', 'mcp'],
  ['v2-mcp-12', 'mcp, Extension Binding', 'the `payment_required` result of `org.x402/payment`', none('experimental; the client states its own capabilities, and a server may not use it unless they name it')],

  ['v1-core-1', 'core 5.1.2', 'a demand is read by the names of version 1: `maxAmountRequired`, and the resource in its option', 'payer'],
  ['v1-core-2', 'core 5.1.2', 'an option that lacks what a payment needs is not paid', 'payer'],
  ['v1-core-3', 'core 5.1.2', 'what is optional may be missing or null', 'payer'],
  ['v1-core-4', 'core 5.2.2', 'a payment has version, scheme, network and payload, and nothing else', 'payer'],
  ['v1-core-5', 'core 5.2.2', 'an authorization has its six fields, numbers as decimal strings', 'payer'],
  ['v1-core-6', 'core 5.2.2, 10.1', 'a nonce is 32 bytes and never used twice', 'payer'],
  ['v1-core-7', 'core 5.3.2', 'a settlement is read, also one that failed', 'payer'],
  ['v1-core-8', 'core 6.1.2', 'the amount that was asked for is signed, and not more, which the seller would take', 'payer'],
  ['v1-core-9', 'core 6.1.2, 10.1', 'an authorization is valid at once, and no longer than `maxTimeoutSeconds`', 'payer'],
  ['v1-core-10', 'core 9', 'a standard error code is kept as the seller said it', 'payer'],
  ['v1-core-11', 'core 11.1', 'the networks it lists are known by their names, in capitals and by their ids too, and no others are guessed', 'payer'],
  ['v1-core-12', 'core 6.2', 'exact on Solana', EVM_ONLY],
  ['v1-core-13', 'core 7', 'verify, settle and supported', NOT_SPOKEN],
  ['v1-core-14', 'core 8, 10.2, 12.3', 'discovery, authentication and A2A', none('as of version 2 (v2-core-23 to v2-core-25)')],

  ['v1-http-1', 'http, Payment Required Signaling', 'a demand is read from the body', 'payer'],
  ['v1-http-2', 'http, Payment Required Signaling', 'it is read also from a body that came compressed', 'exchange'],
  ['v1-http-3', 'http, Payment Payload Transmission', 'the payment goes into X-PAYMENT, JSON in base64, and into no other field', 'payer'],
  ['v1-http-4', 'http, Payment Payload Transmission', 'the paid request is the one that was asked for, with the payment', 'exchange'],
  ['v1-http-5', 'http, Settlement Response Delivery', 'a settlement is read from the base64 of X-PAYMENT-RESPONSE', 'payer'],
  ['v1-http-6', 'http, Settlement Response Delivery', 'an answer that was paid for reaches the program with its X-PAYMENT-RESPONSE', 'exchange'],
  ['v1-http-7', 'http, Error Handling', 'a 402 after the payment, whose body demands once more, is not paid again', 'exchange'],
  ['v1-http-8', 'http, Error Handling', 'a 400 or 500 after the payment is passed on and not paid again', 'exchange'],

  ['v1-evm-1', 'core 6.1.1', 'the signature has 65 bytes, is one the token’s contract takes, and recovers to `from`', 'payer'],
  ['v1-evm-2', 'core 6.1.2, exact EVM', 'it is made for the token’s domain, and for payee, token and network of the option', 'payer'],
  ['v1-evm-3', 'core 5.1.2, exact EVM', 'without `extra.name` or `extra.version` nothing is signed', 'payer'],

  ['v1-mcp-1', 'mcp, Payment Required Signaling', 'a tool result with `isError` and a demand of version 1 in `structuredContent` asks for a payment', 'mcp'],
  ['v1-mcp-2', 'mcp, Client Requirements', 'where there is none, the JSON of `content[0].text` is read, also in the envelope `x402/error`', 'mcp'],
  ['v1-mcp-3', 'mcp, Payment Payload Transmission', 'the same call is made again with the payment of version 1 in `_meta["x402/payment"]`', 'mcp'],
  ['v1-mcp-4', 'mcp, Payment Payload Transmission', 'the payment for `_meta` is the object that the HTTP field has in base64', 'payer'],
  ['v1-mcp-5', 'mcp, Settlement Response Delivery', 'a settlement is read from `_meta["x402/payment-response"]`, and a failed one is not paid again', 'mcp'],
];

export const OBLIGATIONS: readonly Obligation[] = ROWS.map(([id, section, says, proof]) => ({ id, version: id.startsWith('v1-') ? 1 : 2, section, says, proof }));

/** One test for every obligation that is proved at a place, and one that says so. */
export function prove(place: Place, tests: Readonly<Record<string, () => unknown>>): void {
  const due = OBLIGATIONS.filter(({ proof }) => proof === place);
  it.each(due.filter(({ id }) => Object.hasOwn(tests, id)).map(({ id, says }) => [id, says] as const))('%s: %s', async (id) => {
    await tests[id]!();
  });
  it(`every obligation that is proved at the ${place} has its test, and every test its obligation`, () => {
    expect(Object.keys(tests).toSorted()).toEqual(due.map(({ id }) => id).toSorted());
  });
}
