import type { Report } from '../../daemon/contract/views.ts';
import { afterwards } from './afterwards.ts';
import { wrap } from '../../daemon/report/page.ts';
import { compare, compareChain, contradiction } from './agreement.ts';
import { createCleanup } from './cleanup.ts';
import { openPlay } from './play.ts';
import { ralph } from './ralph.ts';
import { createScreen } from './screen.ts';
import { openStage, type Stage } from './stage.ts';
import { ultrawork } from './ultrawork.ts';

/**
 * `npm run demo`: the product at work. The daemon, the hooks, the ledger, the seller and every request are real; only the client's
 * model is not, and what its agents would do is written in the scenes. `npm run demo -- --fast` leaves out the pauses.
 */
const fast = process.argv.includes('--fast');
const began = Date.now();
const cleanup = createCleanup();
const screen = createScreen(process.stdout, process.env);
cleanup.add(() => screen.close());

// npm, tsx and the terminal may each send the same signal.
let interrupted = false;
for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]] as const) process.on(signal, () => leave(code));
// `npm run demo | head`: the reader has seen enough.
process.stdout.on('error', () => leave(0));

process.exitCode = await demo();
await cleanup.run();
if (process.exitCode === 0 && !interrupted) {
  screen.page(`Nothing is left of it: no daemon, no files; your own pag0 was not touched. (${((Date.now() - began) / 1_000).toFixed(1)} s)`);
}

async function demo(): Promise<number> {
  let stage: Stage | undefined;
  try {
    stage = await openStage(cleanup);
    return (await show(stage)) ? 0 : 1;
  } catch (error) {
    if (interrupted) return 1;
    console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
    const log = (await stage?.log()) ?? '';
    if (log !== '') console.error(`The daemon's log ends so:\n${log}`);
    return 1;
  }
}

async function show(stage: Stage): Promise<boolean> {
  const { market } = stage;
  screen.page('pag0 demo: a daemon of its own, sellers on this machine, and hooks as the client\nsends them. Every request is a real one, made only when pag0 lets it.');
  screen.page(market === null ? 'Nothing is paid for by wallet here: npm has no chain (anvil) for this machine.' : 'One seller wants to be paid first: by a wallet, on a chain of this machine.');
  const had = (await market?.balance()) ?? 0n;
  const play = await openPlay(stage, screen, fast);
  cleanup.add(() => play.close());
  for (const scene of [ultrawork, ralph, afterwards]) {
    await scene(play);
    await play.pause(1_500);
  }
  await play.session.end();

  const about = ['report', '--session', play.session.id];
  screen.scene('4. The bill: `pag0 report`');
  screen.page(await stage.plugin.pag0(...about));
  const report = JSON.parse(await stage.plugin.pag0(...about, '--json')) as Report;
  const agreements = [compare(stage.seller, report), ...(market === null ? [] : [await compareChain(market, had, report)])];
  const wrong = contradiction(report);
  screen.page(['', ...[...agreements.map(({ sentence }) => sentence), ...(wrong === null ? [] : [wrong])].flatMap((sentence) => wrap(sentence, ''))].join('\n'));
  return agreements.every(({ agree }) => agree) && wrong === null;
}

function leave(code: number): void {
  if (interrupted) return;
  interrupted = true;
  void cleanup.run().finally(() => process.exit(code));
}
