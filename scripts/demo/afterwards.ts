import { complete } from './errand.ts';
import { PATIENCE, type Play } from './play.ts';

const WORKING_MS = 1_000;

/** The loop is over, the session is not; then the session's own budget is. */
export async function afterwards(play: Play): Promise<void> {
  play.begin('3. Afterwards: another agent, same session', 'The loop is over, the session goes on: a new executor works with what is left of the $5.');
  await play.session.prompt('Let an executor do it.');
  await play.session.subagent('executor', 'Make the tests pass', async (actor) => {
    const agent = { ...actor, name: 'executor-2' };
    for (let step = 1; step <= PATIENCE; step += 1) {
      const outcome = await play.act(agent, complete(play.seller, `Step ${step}.`));
      if (!outcome.ran) {
        play.screen.quote(agent.name, outcome.reason);
        if (outcome.ended) return `I made ${step - 2} steps; the session's budget is spent.`;
      }
      await play.pause(WORKING_MS);
    }
    return 'Nobody ended me.';
  });
  await play.session.stop(false);
  await play.keep();
  play.screen.say('Its calls went through until the session reached its own $5; not one cent beyond.');
}
