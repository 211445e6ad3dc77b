import { shortened } from '../contract/printable.ts';
import type { AccountView, DifferenceView, ReconciliationView } from '../contract/reconciliation-views.ts';
import { tokenName } from '../core/token-names.ts';
import { count, dollars, moment, WIDTH, wrap } from './page.ts';
import { receiptLines } from './receipts-text.ts';

/** Differences of one account on a screen; JSON has them all. */
const MAX_ROWS = 20;

/** `pag0 reconcile` as a person reads it. */
export function reconciliationText(view: ReconciliationView, timeZone: string): string {
  const head = `pag0 reconcile, since ${moment(view.since, timeZone)}`;
  if (view.accounts.length === 0) return [head, '', 'There is no wallet, and nothing was paid from one.'].join('\n');
  return [head, ...view.accounts.flatMap((one) => ['', ...accountLines(one, view.since, timeZone)])].join('\n');
}

function accountLines(account: AccountView, asked: number, timeZone: string): string[] {
  const head = [shortened(tokenName(account.network, account.asset), WIDTH), `  from ${shortened(account.payer, WIDTH - 7)}`];
  if (account.unknown !== null) return [...head, `  unknown: ${WHY[account.unknown]}`];
  const { agreed, agreedAmount, pending, differences, since } = account;
  const more = differences.length - MAX_ROWS;
  return [
    ...head,
    ...(since! > asked ? wrap(`the chain was read back to ${moment(since!, timeZone)} and no further`, '  ') : []),
    `  ${agreed === 1 ? '1 payment agrees' : `${agreed} payments agree`}, ${dollars(agreedAmount)}`,
    ...(pending === 0 ? [] : [`  ${count(pending, 'payment')} that can still be cashed or posted`]),
    `  ${differences.length === 0 ? 'no difference' : count(differences.length, 'difference')}`,
    ...differences.slice(0, MAX_ROWS).flatMap((one) => ['', ...differenceLines(one, timeZone)]),
    ...(more <= 0 ? [] : ['', `  … and ${more} more; \`pag0 reconcile --json\` has them all`]),
  ];
}

const WHY: Record<NonNullable<AccountView['unknown']>, string> = {
  NO_RPC: 'NO_RPC, no node is named that could be asked',
  NO_ANSWER: 'NO_ANSWER, the node that was asked gave none that can be relied on',
};

const WHAT: Record<DifferenceView['kind'], string> = {
  CASHED_NOT_POSTED: 'the chain has it, and the book does not count it as spent',
  POSTED_NOT_CASHED: 'the book counts it as spent, and nobody cashed it',
  DIFFERS: 'the book has it otherwise than the chain',
  OUTSIDE: 'money left the wallet without pag0',
};

function differenceLines({ kind, payment, transfer }: DifferenceView, timeZone: string): string[] {
  const chain = transfer === null ? [] : [`chain, block ${transfer.block}: ${dollars(transfer.amount)} to ${transfer.to}`, transfer.transaction];
  return [`  ${kind}: ${WHAT[kind]}`, ...(payment === null ? [] : receiptLines(payment, timeZone)), ...chain.flatMap((line) => wrap(line, '    '))];
}
