import type { QuoteOutcome, QuoteView } from '../contract/quote-views.ts';
import { printable, shortened } from '../contract/printable.ts';
import { dollars, SHADOW, shortId, WIDTH, wrap } from './page.ts';

/** `pag0 quote` as a person reads it: one line of what it comes to, and what that rests on. */
export function quoteText(view: QuoteView, now: number): string {
  const { method, url, session, agent, mode, payTo, network, asset, answered, sentence } = view;
  return [
    ...wrap(`${method} ${url}`, '', 3),
    '',
    ...wrap(`${COMES_TO[view.outcome]}${priceOf(view)}`, '  '),
    ...(sentence === null ? [] : wrap(sentence, '  ')),
    ...(payTo === null ? [] : ['', ...[`  payee    ${payTo}`, `  token    ${asset}`, `  network  ${network}`].map((line) => printable(line, WIDTH))]),
    ...(view.cached === null ? [] : ['', ...wrap(`${dollars(view.cached.price)} was paid for the answer ${minutes(now - view.cached.storedAt)} ago; it is good for another ${minutes(view.cached.expiresAt - now)}.`, '  ')]),
    '',
    ...(answered === null ? ['Nothing was sent.'] : [`It was asked once, without a payment, and answered ${answered}.`]),
    session === null ? 'pag0 has seen no session yet: this is by the defaults.' : `For ${shortened(agent, 28)} of session ${shortId(session)}, as its limits stand now.`,
    ...(mode === 'shadow' ? [SHADOW] : []),
  ].join('\n');
}

const COMES_TO: Record<QuoteOutcome, string> = {
  ungoverned: 'not governed: a local address that no rule names',
  free: 'free: no rule prices it, and it was answered without being paid',
  cached: 'free: the answer is in the cache',
  billed: 'let through',
  pays: 'paid from the wallet',
  asks: 'a person is asked first',
  refused: 'refused',
  unpaid: 'not paid',
  failed: 'not known',
  unsent: 'only the seller knows',
};

function priceOf({ outcome, price, priced, byUse }: QuoteView): string {
  if (price === null || outcome === 'ungoverned' || outcome === 'free' || outcome === 'cached') return '';
  const by = priced === 'table' ? 'by the price table' : 'as the seller demands';
  return `: ${dollars(price)} ${by}${byUse ? ', set aside until the answer says what it cost' : ''}`;
}

function minutes(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
