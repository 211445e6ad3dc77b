import { complete } from './errand.ts';
import { MAIN, PATIENCE, type Play } from './play.ts';

const THINKING_MS = 300;

/** A loop that another plugin's Stop hook drives on, for ever, until pag0 lets a Stop be one. */
export async function ralph(play: Play): Promise<void> {
  play.begin(
    '2. Ralph: a loop that does not stop by itself',
    'Every attempt costs $0.15. The loop has $3 of its own. Its plugin answers each Stop with the same prompt again.',
  );
  await play.session.prompt('Make the tests pass.', 'ralph-loop:ralph-loop');
  const attempts = await loop(play);
  await play.pause(THINKING_MS);
  await play.keep();
  play.screen.say(attempts === null ? 'Nobody ended the loop.' : `pag0 ended the loop at the Stop after attempt ${attempts}; a next one could not be paid for.`);
}

/** The attempt after which pag0 ended it, or null. */
async function loop(play: Play): Promise<number | null> {
  for (let attempt = 1; attempt <= PATIENCE; attempt += 1) {
    await play.act({ ...MAIN, name: `attempt ${attempt}` }, complete(play.seller, `Make the tests pass. Attempt ${attempt}.`));
    const answer = await play.session.stop(attempt > 1);
    if (answer.continue === false) return attempt;
    await play.pause(THINKING_MS);
  }
  return null;
}
