import { printable, shortened, widthOf } from '../contract/printable.ts';
import type { ReceiptsView, ReceiptView } from '../contract/receipt-views.ts';
import { networkName } from '../core/token-names.ts';
import { csv } from './csv.ts';
import { cell, count, dollars, moment, shortId, WIDTH, wrap } from './page.ts';

/** `pag0 receipts` as a person reads it. */
export function receiptsText({ scope, session, receipts, more }: ReceiptsView, timeZone: string): string {
  const head = scope === 'session' ? `pag0 receipts, session ${shortId(session!)}` : scope === 'today' ? 'pag0 receipts, today' : 'pag0 receipts, everything';
  if (receipts.length === 0) return [head, '', 'Nothing was paid from the wallet.'].join('\n');
  return [
    head,
    '',
    ...receipts.flatMap((one) => receiptLines(one, timeZone)),
    '',
    ...wrap(sumsOf(receipts), '  '),
    ...(more ? [`  ${count(receipts.length, 'payment')} shown; --limit shows more.`] : []),
  ].join('\n');
}

/** Every token here is worth a dollar and has six decimals, as the budgets count. */
export function receiptLines(receipt: ReceiptView, timeZone: string): string[] {
  const { at, state, amount, endpoint, payee, network, agent, toolCall, session, transaction, reason, resource } = receipt;
  const facts = `  ${cell(moment(at, timeZone), 18)}  ${cell(state, 6)}  ${dollars(amount).padStart(9)}  `;
  const by = `    by ${shortened(agent, 26)} in ${shortId(session)}${toolCall === null ? '' : `, ${printable(toolCall, 32)}`}`;
  return [
    facts + shortened(endpoint, WIDTH - widthOf(facts)),
    `    to ${shortened(payee, 42)} on ${shortened(networkName(network), 20)}`,
    by,
    ...(resource === null ? [] : [`    for ${shortened(resource, WIDTH - 8)}`]),
    ...(transaction === null ? [] : [`    ${transaction}`]),
    ...(reason === null ? [] : [`    ${printable(reason, WIDTH - 4)}`]),
  ];
}

const WORDS: Record<ReceiptView['state'], string> = { posted: 'posted', held: 'unconfirmed', open: 'on the way', void: 'not spent' };

function sumsOf(receipts: readonly ReceiptView[]): string {
  const parts = (['posted', 'held', 'open', 'void'] as const).flatMap((state) => {
    const some = receipts.filter((one) => one.state === state);
    return some.length === 0 ? [] : [`${dollars(some.reduce((sum, { amount }) => sum + BigInt(amount), 0n).toString())} ${WORDS[state]} in ${count(some.length, 'payment')}`];
  });
  return parts.join(', ');
}

const COLUMNS: readonly (readonly [name: string, value: (receipt: ReceiptView) => string | null])[] = [
  ['time', ({ at }) => new Date(at).toISOString()],
  ['state', ({ state }) => state],
  ['network', ({ network }) => network],
  ['asset', ({ asset }) => asset],
  ['payer', ({ payer }) => payer],
  ['payee', ({ payee }) => payee],
  ['amount', ({ amount }) => amount],
  ['transaction', ({ transaction }) => transaction],
  ['nonce', ({ nonce }) => nonce],
  ['resource', ({ resource }) => resource],
  ['endpoint', ({ endpoint }) => endpoint],
  ['agent', ({ agent }) => agent],
  ['tool', ({ tool }) => tool],
  ['tool_call', ({ toolCall }) => toolCall],
  ['session', ({ session }) => session],
  ['reason', ({ reason }) => reason],
];

/** For a spreadsheet: amounts in the token's smallest unit, times in UTC. */
export function receiptsCsv({ receipts }: ReceiptsView): string {
  return csv([COLUMNS.map(([name]) => name), ...receipts.map((receipt) => COLUMNS.map(([, value]) => printable(value(receipt) ?? '')))]);
}
