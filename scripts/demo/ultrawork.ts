import { complete, get, getEach, type Errand } from './errand.ts';
import { TEAM, type Role } from './figures.ts';
import { PATIENCE, type Play, type Player } from './play.ts';

/** One agent runs dry while the other four go on. */
export async function ultrawork(play: Play): Promise<void> {
  play.begin('1. Ultrawork: five agents in parallel', 'Each has $1 of its own; the session has $5. The researcher buys a report for $0.10 again and again.');
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
  await Promise.all(TEAM.map((role) => play.session.subagent(role, `Your part: ${role}`, (actor) => works[role]({ ...actor, name: `${role}-1` }))));
  await play.session.stop(false);
  await play.keep();
  play.screen.say('The researcher was ended at its own $1; the other four finished their work.');
}

const READING_MS = 450;
const WORKING_MS = 800;

async function research(play: Play, agent: Player): Promise<string> {
  for (let report = 1; report <= PATIENCE; report += 1) {
    const outcome = await play.act(agent, get(play.seller, '/research', `report-${report}`));
    if (!outcome.ran) {
      play.screen.quote(agent.name, outcome.reason);
      return `I have ${report - 1} reports; the budget is spent.`;
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
