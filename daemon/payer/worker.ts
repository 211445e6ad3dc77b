import { parentPort, type MessagePort } from 'node:worker_threads';
import { readDemand } from './demand.ts';
import type { Answer, Asked, Failure, KeyGiven } from './messages.ts';
import { readSettlement, readSettlementText } from './settlement.ts';
import { openWallet, sign, type Wallet } from './sign.ts';

/** The thread that knows the key. It opens no connection; the key comes in, and only signatures go out. */
function serve(port: MessagePort): void {
  let wallet: Wallet | Failure = NO_WALLET;

  async function answer(asked: Asked): Promise<unknown> {
    switch (asked.ask) {
      case 'demand':
        return readDemand(asked.fields, asked.body);
      case 'settlement':
        return 'fields' in asked ? readSettlement(asked.fields) : readSettlementText(asked.text);
      case 'address':
        return wallet === NO_WALLET ? null : usable(wallet).address.toLowerCase();
      case 'sign':
        return sign(usable(wallet), asked);
    }
  }

  port.on('message', (message: KeyGiven | (Asked & { id: number })) => {
    if ('key' in message) {
      wallet = opened(message.key);
      return;
    }
    const { id } = message;
    answer(message)
      .then((value) => port.postMessage({ id, value } satisfies Answer))
      .catch((error: unknown) => port.postMessage({ id, failure: error instanceof Unusable ? error.failure : 'the payment was not signed' } satisfies Answer));
  });
}

const NO_WALLET: Failure = 'there is no wallet to pay from';

class Unusable extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure);
    this.failure = failure;
  }
}

function opened(key: KeyGiven['key']): Wallet | Failure {
  if (key === null) return NO_WALLET;
  try {
    return openWallet(key);
  } catch {
    return 'the key of the wallet cannot be used';
  }
}

function usable(wallet: Wallet | Failure): Wallet {
  if (typeof wallet === 'string') throw new Unusable(wallet);
  return wallet;
}

if (parentPort !== null) serve(parentPort);
