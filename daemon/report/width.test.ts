import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CachedAnswerFullView } from '../contract/cache-views.ts';
import type { QuoteView } from '../contract/quote-views.ts';
import type { ReceiptView } from '../contract/receipt-views.ts';
import { answerText, listText } from '../http/cache-text.ts';
import { approvalsText, approvalsView } from './approvals.ts';
import { budgetText } from './budget-text.ts';
import { budgetView } from './budget.ts';
import { createGrove } from './grove.fixture.ts';
import { quoteText } from './quote-text.ts';
import { receiptsText } from './receipts-text.ts';
import { reconciliationText } from './reconciliation-text.ts';
import { reportText } from './report-text.ts';
import { reportOf } from './report.ts';
import { sessionsText, sessionsView } from './sessions.ts';

/**
 * Columns by Unicode's own East Asian width (W and F) and emoji presentation, written down anew and not taken from what it is to prove.
 * Everything that is not certainly without width counts as one.
 */
function columnsOf(line: string): number {
  const wide = /[ᄀ-ᅟ⌚⌛\u2329\u232a⏩-⏬⏰⏳◽◾☔☕☰-☷♈-♓♿⚊-⚏⚓⚡⚪⚫⚽⚾⛄⛅⛎⛔⛪⛲⛳⛵⛺⛽✅✊✋✨❌❎❓-❕❗➕-➗➰➿⬛⬜⭐⭕⺀-⺙⺛-⻳⼀-⿕⿰-〾ぁ-ゖ゙-ヿㄅ-ㄯㄱ-ㆎ㆐-㇥㇯-㈞㈠-㉇㉐-ꒌ꒐-꓆ꥠ-ꥼ가-힣\uf900-﫿︐-︙︰-﹒﹔-﹦﹨-﹫！-｠￠-￦]|[\u{16fe0}-\u{18cff}\u{1aff0}-\u{1b2ff}\u{1d300}-\u{1d376}\u{1f004}\u{1f0cf}\u{1f18e}\u{1f191}-\u{1f19a}\u{1f200}-\u{1f320}\u{1f32d}-\u{1faff}\u{20000}-\u{3fffd}]/u;
  return [...line].reduce((sum, one) => sum + (/[\p{Mn}\p{Me}]/u.test(one) ? 0 : wide.test(one) ? 2 : 1), 0);
}

const PAYEE = `0x${'b'.repeat(40)}`;

/** Every page that a person reads, of a book in which all names are somebody's text. */
async function pages(name: string, place: string, amount: bigint, times: number): Promise<Record<string, string>> {
  const grove = createGrove({ policy: { sessionBudget: '$1000000000', dailyBudget: '$1000000000', runBudget: '$999999999.123456', projectBudget: '$7' }, agents: { '*': { agentBudget: '$1000000000' } } });
  const live = grove.session(`${name}-session`, { cwd: `/${place}`, run: name, project: `/${place}/.git` });
  grove.agent(live, 'a1', name);
  grove.agent(live, 'a2', name, 'a1');
  const agent = live.session.agents.get('a1')!;
  agent.stopped = { code: 'AGENT_BUDGET_EXCEEDED', reason: `${name} has spent ${name}`, attempts: times, at: grove.now };
  const nested = grove.nested(`${name}-nested`, live, 'a2');
  for (const [who, session] of [['a1', live], ['a2', live], ['main', nested]] as const) {
    await grove.pay(session, who, amount, { endpoint: place, tool: name, requests: times });
    await grove.pay(session, who, 1n, { endpoint: place, tool: name, ending: 'hold' });
    await grove.note(session, who, 'hit', { endpoint: place, tool: name, requests: times, saved: amount });
    await grove.note(session, who, 'refused', { endpoint: place, tool: name, code: 'DAILY_BUDGET_EXCEEDED', requests: times });
    await grove.note(session, who, 'shadow', { endpoint: place, tool: name, code: 'REQUEST_LIMIT_EXCEEDED', requests: times });
  }
  grove.parts.approvals.ask({ session: live.session.id, request: 'r', network: 'eip155:84532', asset: '0xa', payTo: PAYEE, amount }, { agent: 'a1', label: place, code: 'PAYEE_CHANGED', why: `asks for ${name}` });
  const { session } = live;
  const view = await budgetView(grove.parts, live);
  const reports = await Promise.all(
    [{ scope: 'session', session } as const, { scope: 'run', run: session.run } as const, { scope: 'project', project: session.project } as const, { scope: 'today' } as const, { scope: 'all' } as const].map((filter) => reportOf(grove.parts, filter)),
  );
  const receipt: ReceiptView = { at: grove.now, state: 'posted', network: name, asset: PAYEE, payer: PAYEE, payee: name, amount: amount.toString(), nonce: '0x1', transaction: `0x${'c'.repeat(64)}`, reason: place, resource: `https://${place}/${name}`, endpoint: place, agent: name, tool: name, toolCall: name, session: session.id };
  const account = { network: name, asset: place, payer: name, since: grove.now - 1, asOf: grove.now, agreed: times, agreedAmount: amount.toString(), pending: times, unknown: null, differences: [{ kind: 'OUTSIDE' as const, payment: receipt, transfer: { transaction: `0x${'d'.repeat(64)}`, block: times, to: name, amount: amount.toString() } as never }] };
  const quote: QuoteView = { url: `https://${place}/${name}`, method: name, session: session.id, agent: name, mode: 'shadow', outcome: 'asks', priced: 'seller', price: amount.toString(), byUse: true, payTo: name, network: name, asset: place, answered: 402, cached: { id: '4f2a', price: amount.toString(), storedAt: 0, expiresAt: grove.now }, code: 'APPROVAL_REQUIRED', sentence: `pag0 APPROVAL_REQUIRED: ${place} ${name}` };
  const answer: CachedAnswerFullView = { id: '4f2a4f2a4f2a', method: name, url: `https://${place}/${name}`, status: 200, price: amount.toString(), scope: 'session', storedAt: 0, usedAt: 0, expiresAt: grove.now, hits: times, size: times, by: { agent: name, session: session.id, run: name, project: place }, fields: { 'content-type': place, [name.toLowerCase()]: [name, place] } };
  return {
    budget: budgetText({ ...view, mode: 'shadow', problems: [`${place}: ${name} is no field`] }),
    ...Object.fromEntries(reports.map((report) => [`report ${report.scope}`, reportText({ ...report, mode: 'shadow' }, 'UTC')])),
    sessions: sessionsText(await sessionsView(grove.parts, 5), 'UTC'),
    approvals: approvalsText(approvalsView(grove.parts), 'pag0 approve'),
    receipts: receiptsText({ scope: 'session', session: session.id, receipts: [receipt], more: true }, 'UTC'),
    reconcile: reconciliationText({ source: 'keystore', address: PAYEE, problem: null, since: 0, accounts: [account], differences: 1, unknown: 0 }, 'UTC'),
    quote: quoteText(quote, grove.now),
    'cache ls': listText({ answers: [answer], total: times, bytes: times, maxBytes: times }, grove.now),
    'cache show': answerText(answer, grove.now),
  };
}

const LONG: Record<string, string> = {
  plain: 'researcher-1',
  'a long name': `oh-my-claudecode:research-and-summarise-everything-about-${'agents-'.repeat(12)}17`,
  'a name without a break': 'x'.repeat(300),
  Korean: '연구원-조사하고-요약하는-에이전트-'.repeat(8),
  Japanese: 'リサーチャー'.repeat(30),
  emoji: '🚀✨⚡️👩‍💻'.repeat(25),
  Devanagari: 'शोधकर्ता-'.repeat(30),
};

describe('no page is wider than 80 columns', () => {
  it.each(Object.entries(LONG))('with names such as %s', async (_, name) => {
    for (const amount of [1_000_000n, 999_999_999_123_456n]) {
      for (const times of [1, 123_456_789]) {
        for (const [page, text] of Object.entries(await pages(name, `${name}.example.com/v1/${name}`, amount, times))) {
          for (const line of text.split('\n')) expect(columnsOf(line), `${page}: ${line}`).toBeLessThanOrEqual(80);
        }
      }
    }
  });

  it('whatever the names are', async () => {
    const any = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 90 });
    await fc.assert(
      fc.asyncProperty(any, any, fc.bigInt({ min: 0n, max: 10n ** 15n - 1n }), fc.nat(), async (name, place, amount, times) => {
        for (const [page, text] of Object.entries(await pages(name, place, amount, times + 1))) {
          for (const line of text.split('\n')) expect(columnsOf(line), `${page}: ${line}`).toBeLessThanOrEqual(80);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('and a name that is too long keeps its beginning and its end, which tell agents apart', async () => {
    const name = `oh-my-claudecode:${'research-'.repeat(12)}er`;
    const shown = await pages(name, `api.example.com/${'deep/'.repeat(30)}search`, 1n, 1);
    expect(shown['report session']).toMatch(/^ {2}research-.*….*er-1 /m);
    expect(shown['report session']).toMatch(/^ {2}research-.*….*er-2 /m);
    expect(shown['report session']).toMatch(/^ {2}api\..*….*search /m);
    expect(shown['budget']).toMatch(/^ +res.*….*-1 /m);
  });
});
