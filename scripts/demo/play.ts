import { setTimeout as sleep } from 'node:timers/promises';
import { startSession, type Actor, type CallOutcome, type ClientSession } from './client-session.ts';
import type { Errand } from './errand.ts';
import type { Market } from './market.ts';
import type { Screen } from './screen.ts';
import type { Stage } from './stage.ts';

/** What a scene has to work with. */
export interface Play {
  readonly session: ClientSession;
  readonly screen: Screen;
  /** The seller's address. */
  readonly seller: string;
  /** Where something is to be bought; null: nothing can be paid on this machine. */
  readonly market: Market | null;
  /** The headline of a scene; from here on the tree moves. */
  begin(title: string, ...sentences: string[]): void;
  /** A call of an agent, shown as it happens. */
  act(player: Player, errand: Errand): Promise<CallOutcome>;
  /** Long enough to be read; nothing with `--fast`. */
  pause(ms: number): Promise<void>;
  /** The tree as it stands now, to stay on the page. */
  keep(): Promise<void>;
  close(): Promise<void>;
}

/** `name` is for the lines of this demo; pag0 finds its own, which is the same. */
export interface Player extends Actor {
  name: string;
}

export const MAIN: Player = { name: 'main' };

export async function openPlay(stage: Stage, screen: Screen, fast: boolean): Promise<Play> {
  const session = await startSession(stage, (sentence) => sentence.split('\n').forEach((one) => screen.quote('the person', one, 2)));
  let stopDrawing = async (): Promise<void> => {};
  return {
    session,
    screen,
    seller: stage.seller.url,
    market: stage.market,
    begin(title, ...sentences) {
      screen.scene(title, ...sentences);
      if (screen.live) stopDrawing = keepDrawing(stage, session.id, screen);
    },
    act: ({ name, ...actor }, errand) =>
      session.bash(actor, errand, (runs) => screen.call({ id: actor.agent_id ?? 'main', name }, described(errand, runs))),
    pause: (ms) => (fast ? Promise.resolve() : sleep(ms)),
    async keep() {
      await stopDrawing();
      screen.keep(await stage.budget(session.id));
    },
    close: () => stopDrawing(),
  };
}

/** Far beyond what any budget here allows: should pag0 end nobody, this does, and the demo fails. */
export const PATIENCE = 100;

const REDRAW_MS = 120;

/** From the daemon, as `pag0 budget` sees it: no figure in the tree is the demo's own arithmetic. */
function keepDrawing(stage: Stage, session: string, screen: Screen): () => Promise<void> {
  const stop = new AbortController();
  const drawing = (async () => {
    while (!stop.signal.aborted) {
      // While a newer daemon takes over, the tree stands still.
      const view = await stage.budget(session).catch(() => null);
      if (view !== null && !stop.signal.aborted) screen.show(view);
      await sleep(REDRAW_MS, undefined, { signal: stop.signal }).catch(() => {});
    }
  })();
  return async () => {
    stop.abort();
    await drawing;
  };
}

function described({ what, price }: Errand, runs: boolean): string {
  return `${(runs ? price : 'refused').padEnd(8)}${what}`;
}
