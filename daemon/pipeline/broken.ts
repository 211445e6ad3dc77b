import { Pag0Error, refusal, type Refusal } from '../core/errors.ts';

/**
 * A broken ledger or cache is an answer, too: nobody can say whether the call would cost, so it does not happen.
 * `what`: "the call", "the request".
 */
export function brokenPart(error: unknown, what: string): Refusal {
  const code = error instanceof Pag0Error ? error.code : 'LEDGER_UNAVAILABLE';
  const why = error instanceof Pag0Error ? error.message : 'the ledger failed';
  return refusal(code, `${what} was not sent because ${why}; ask the person to run \`pag0 daemon status\``, { scope: 'daemon' });
}
