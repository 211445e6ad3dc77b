import { setTimeout as sleep } from 'node:timers/promises';
import { x402Facilitator } from '@x402/core/facilitator';
import type { PaymentPayload, PaymentRequirements, SettleResponse, VerifyResponse } from '@x402/core/types';
import { type FacilitatorEvmSigner, toFacilitatorEvmSigner } from '@x402/evm';
import { registerExactEvmScheme } from '@x402/evm/exact/facilitator';
import type { Address, Hex } from 'viem';
import { listenOnLoopback, type LoopbackServer, readBody, sendJson } from '../e2e/loopback.ts';
import { type Chain, clientOf, NETWORK, receiptOf } from './chain.ts';
import { authorizationIn, type Version } from './wire.ts';

/** Money that moved, as whoever moved it wrote it down. */
export interface Settled {
  readonly version: Version;
  readonly from: Address;
  readonly to: Address;
  readonly value: bigint;
  readonly nonce: Hex;
  readonly transaction: string;
}

/** Who checks payments and cashes them, for sellers of both versions. */
export interface Facilitator extends LoopbackServer {
  readonly settled: readonly Settled[];
  /** Connections are cut instead of answered. */
  down: boolean;
  /** It takes that long over every answer. */
  slowMs: number;
  /** No payment is good enough. */
  refuses: boolean;
}

interface Asked {
  readonly paymentPayload: PaymentPayload;
  readonly paymentRequirements: PaymentRequirements;
}

/** The library's own on both sides: what it settles is settled. */
export async function startFacilitator(chain: Chain): Promise<Facilitator> {
  const core = registerExactEvmScheme(new x402Facilitator(), { signer: signerOn(chain.url), networks: NETWORK });
  const settled: Settled[] = [];
  const server = await listenOnLoopback(async (request, response) => {
    const body = await readBody(request);
    if (facilitator.slowMs > 0) await sleep(facilitator.slowMs);
    if (facilitator.down) return void request.socket.destroy();
    if (request.url === '/supported') return sendJson(response, core.getSupported());
    const asked = JSON.parse(body) as Asked;
    if (request.url === '/verify') return sendJson(response, facilitator.refuses ? REFUSED : await core.verify(asked.paymentPayload, asked.paymentRequirements));
    const result = await core.settle(asked.paymentPayload, asked.paymentRequirements);
    if (result.success) settled.push(entryOf(asked.paymentPayload, result));
    sendJson(response, result);
  });
  const facilitator: Facilitator = { ...server, settled, down: false, slowMs: 0, refuses: false };
  return facilitator;
}

const REFUSED: VerifyResponse = { isValid: false, invalidReason: 'the_facilitator_refuses' };

function entryOf(payment: PaymentPayload, { transaction }: SettleResponse): Settled {
  const { from, to, value, nonce } = authorizationIn(payment);
  return { version: payment.x402Version === 1 ? 1 : 2, from, to, value: BigInt(value), nonce, transaction };
}

/** Sends one transaction after the other: several at once would ask for the same number of the account and all but one fail. */
function signerOn(url: string): FacilitatorEvmSigner {
  const client = clientOf(url);
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(send: () => Promise<T>): Promise<T> => {
    const turn = last.then(send);
    last = turn.catch(() => {});
    return turn;
  };
  return toFacilitatorEvmSigner({
    address: client.account.address,
    getCode: (asked) => client.getCode(asked),
    readContract: (asked) => client.readContract(asked),
    verifyTypedData: (asked) => client.verifyTypedData(asked as Parameters<typeof client.verifyTypedData>[0]),
    writeContract: (asked) => inTurn(() => client.writeContract(asked)),
    sendTransaction: (asked) => inTurn(() => client.sendTransaction(asked)),
    waitForTransactionReceipt: ({ hash }) => receiptOf(client, hash),
  });
}
