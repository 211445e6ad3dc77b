import { formatDollars } from '../../daemon/core/amount.ts';
import { buy, complete, get, getEach, type Errand } from './errand.ts';
import { TEAM, type Role } from './figures.ts';
import { PATIENCE, type Play, type Player } from './play.ts';

/** Five agents want one document, and one of them runs dry while the other four go on. */
export async function ultrawork(play: Play): Promise<void> {
  const sold = play.market === null ? '' : ` All five want one document, whose seller demands ${formatDollars(play.market.price)} for it (x402).`;
  play.begin('1. Ultrawork: five agents in parallel', `Each has $1 of its own; the session has $5.${sold} The researcher buys a report for $0.10 again and again.`);
  await play.session.prompt('Find and fix the slow search.', 'oh-my-claudecode:ultrawork');

  let announce = (): void => {};
  const dry = new Promise<void>((resolve) => (announce = resolve));
  const works: Record<Role, (agent: Player) => Promise<string>> = {
    researcher: (agent) => research(play, agent).finally(announce),
    executor: (agent) => workOn(play, agent, dry),
    debugger: (agent) => workOn(play, agent, dry),
    reviewer: (agent) => workOn(play, agent, dry),
    writer: (agent) => workOn(play, agent, dry),
  };
  await Promise.all(TEAM.map((role) => play.session.subagent(role, `Your part: ${role}`, async (actor) => {
      const agent = { ...actor, name: `${role}-1` };
      await consult(play, agent);
      return works[role](agent);
    })));
  await play.session.stop(false);
  await play.keep();
  play.screen.say('The researcher was ended at its own $1; the other four finished their work.');
  if (play.market === null) return;
  const transfers = await play.market.transfers();
  play.screen.say(`All five have the document; ${transfers.length === 1 ? 'it was paid for once, by the executor' : `IT WAS PAID FOR ${transfers.length} TIMES`}.`);
}

/** The executor is first, so that the bill is the same each time; the others ask while the document is being bought. */
async function consult({ market, act, pause }: Play, agent: Player): Promise<void> {
  if (market === null) return;
  if (agent.agent_type !== 'executor') await market.asked();
  const outcome = await act(agent, buy(market));
  if (!outcome.ran || !outcome.stdout.includes('All there is to know')) throw new Error(`${agent.name} was not given the document: ${outcome.ran ? outcome.stdout : outcome.reason}`);
  await pause(WORKING_MS);
}

const READING_MS = 450;
const WORKING_MS = 800;

async function research(play: Play, agent: Player): Promise<string> {
  for (let report = 1; report <= PATIENCE; report += 1) {
    const outcome = await play.act(agent, get(play.seller, '/research', `report-${report}`));
    if (!outcome.ran) {
      play.screen.quote(agent.name, outcome.reason);
      // The first refusal tells it to say what it has; asking again all the same ends it.
      if (outcome.ended) return `I have ${report - 2} reports; the budget is spent.`;
    }
    await play.pause(READING_MS);
  }
  return 'Nobody ended me.';
}

/** The last errand comes when the researcher has been ended, to see that its end is nobody else's. */
async function workOn(play: Play, agent: Player, dry: Promise<void>): Promise<string> {
  const errands = ERRANDS[agent.agent_type as keyof typeof ERRANDS](play.seller);
  for (const [index, errand] of errands.entries()) {
    if (index === errands.length - 1) await dry;
    await play.act(agent, errand);
    await play.pause(WORKING_MS);
  }
  return 'Done.';
}

const ERRANDS: Record<Exclude<Role, 'researcher'>, (seller: string) => Errand[]> = {
  executor: (seller) => [
    complete(seller, 'Write the index.'),
    ...['btree', 'hash', 'bitmap', 'cover'].map((word) => get(seller, '/search', word)),
    get(seller, '/extract', 'indexes'),
    get(seller, '/search', 'vacuum'),
  ],
  debugger: (seller) => [getEach(seller, '/search', ['slow', 'query']), ...['plan', 'lock', 'trace'].map((word) => get(seller, '/search', word))],
  reviewer: (seller) => [get(seller, '/docs', 'style'), ...['a', 'b', 'c', 'd'].map((word) => get(seller, '/extract', word))],
  writer: (seller) => [get(seller, '/docs', 'release-notes'), ...['title', 'tone', 'terms', 'links', 'proof'].map((word) => get(seller, '/search', word))],
};
