import { beforeAll, describe, expect, it } from 'vitest';
import { type Case, nameOf, type World } from './ordinary/case.ts';
import { POLICY_CONFIG } from './ordinary/cases/policy.ts';
import { makeCertificates } from './ordinary/certificates.ts';
import { differencesOf, observationOf, usual } from './ordinary/compare.ts';
import type { Played, PlayedSession, Setup } from './ordinary/job.ts';
import { play, whyNotHere } from './ordinary/namespace.ts';
import { PLANS } from './ordinary/plans.ts';
import { PRICED, UNNAMED } from './ordinary/worlds.ts';

/**
 * Ordinary work stays exactly as it was. What an agent does all day runs twice in the real client, with pag0 and without
 * it, on two machines that are the same to the last path, address and date; then everything is compared, byte by byte.
 * See `ordinary/` for the tables (`cases/`), the servers (`answers.ts`) and what is compared (`compare.ts`).
 */

const LIMIT = 900_000;
const AT_ONCE = 2;
const TITLE = 110;
const why = whyNotHere();

/** A proxy that breaks off tells a program nothing, so pag0 tells the model; and how the money stands, where there is any in it. */
const SAID_BY_DESIGN = /hook additional context: pag0: (\S+ (cannot be reached|gave no answer)|this session has spent)/;
/** The client's own, every so many minutes. */
const FROM_TIME_TO_TIME = /^\s*(<system-reminder>\s*)?The user hasn't heard from you/;

const certificates = why === null ? makeCertificates() : null;
let running = 0;
const waiting: (() => void)[] = [];

/** Two runs at a time, each in namespaces of its own. */
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  running += 1;
  try {
    return await work();
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}

const started = new Map<string, Promise<Played>>();

function played(plan: string, setup: Setup | null): Promise<Played> {
  const key = `${plan} ${setup === null ? 'without' : JSON.stringify(setup.config)}`;
  const run = started.get(key) ?? inTurn(async () => play({ plan, pag0: setup, certificates: (await certificates)! }));
  started.set(key, run);
  // Who awaits it tells of its failure.
  run.catch(() => {});
  return run;
}

const titleOf = (one: Case): string => {
  const name = nameOf(one).replaceAll('\n', '\\n').replaceAll('%', '%%');
  return name.length > TITLE ? `${name.slice(0, TITLE)}…` : name;
};

interface Pair {
  readonly without: PlayedSession;
  readonly withPag0: PlayedSession;
  readonly missing: readonly string[];
}

/** The tests of one plan in one world: one for each command, and one for what is said around them. */
function itIsTheSame(plan: string, setup: Setup, world: World = setup.world): void {
  for (const session of PLANS[plan] ?? []) {
    describe(session.name, () => {
      let pair: Pair;
      beforeAll(async () => {
        const [without, withPag0] = await Promise.all([played(plan, null), played(plan, setup)]);
        const of = ({ sessions }: Played): PlayedSession => sessions.find(({ name }) => name === session.name)!;
        pair = { without: of(without), withPag0: of(withPag0), missing: without.missing };
      }, LIMIT);

      it('ends as it did, and says nothing more to the model', () => {
        const shown = ({ result, denials, exitCode, reminders, stderr }: PlayedSession) => ({ result, denials, exitCode, reminders: reminders.filter((text) => !SAID_BY_DESIGN.test(text) && !FROM_TIME_TO_TIME.test(text)).map(usual), stderr });
        expect(shown(pair.withPag0)).toEqual(shown(pair.without));
      });

      it.each(session.cases.map((one, at) => [titleOf(one), one, at] as const))('%s', (_, one, at) => {
        if (one.needs !== undefined && pair.missing.includes(one.needs)) return;
        const differences = differencesOf(one, observationOf(pair.without, one, at), observationOf(pair.withPag0, one, at), world);
        expect(differences, `${nameOf(one)}\n${differences.join('\n')}`).toEqual([]);
      });
    });
  }
}

const POLICY: Setup = { world: 'priced', config: POLICY_CONFIG };

describe.skipIf(why !== null)(`ordinary work${why === null ? '' : ` (not run, because ${why})`}`, () => {
  beforeAll(() => {
    // Begun together, so that both cores have something to do while the first results are awaited.
    for (const plan of ['curl', 'others', 'shell']) for (const setup of [null, UNNAMED, PRICED]) void played(plan, setup);
    for (const setup of [null, UNNAMED, PRICED]) void played('persons', setup);
    for (const setup of [null, PRICED]) void played('permissions', setup);
    for (const plan of ['away', 'starting']) for (const setup of [null, UNNAMED]) void played(plan, setup);
    for (const setup of [null, POLICY]) void played('policy', setup);
  });

  describe('is the same to the byte where no rule names the host:', () => {
    for (const plan of ['shell', 'curl', 'others']) itIsTheSame(plan, UNNAMED);
  });

  describe('is the same where a rule names the host and the money is there:', () => {
    for (const plan of ['shell', 'curl', 'others']) itIsTheSame(plan, PRICED);
  });

  describe('runs where a person’s rules let it, and nowhere else:', () => itIsTheSame('permissions', PRICED));

  describe('goes the way a person has set up, where no rule names the host:', () => itIsTheSame('persons', UNNAMED));
  describe('goes the way a person has set up, where one does:', () => itIsTheSame('persons', PRICED));

  describe('does not notice that', () => {
    itIsTheSame('away', UNNAMED);
    itIsTheSame('starting', UNNAMED);
  });

  describe('differs by the policy alone where', () => itIsTheSame('policy', POLICY));
});
