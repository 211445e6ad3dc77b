import { type Aspect, type Case, type Difference, nameOf, type World } from './case.ts';
import type { Observation, PlayedSession } from './job.ts';

/**
 * What two runs differ in, in words; empty when they are equal. Both runs have the same paths, ports, addresses, dates and
 * ids, so next to nothing has to be made equal first.
 */
export function differencesOf(one: Case, without: Observation | undefined, withPag0: Observation | undefined, world: World): string[] {
  if (without === undefined) return [`${nameOf(one)}: it was never run without pag0`];
  if (withPag0 === undefined) return ['It was never run: the session had ended.'];
  const { of, apart }: Pick<Difference, 'of' | 'apart'> = one.differs !== undefined && (one.differs.in ?? [world]).includes(world) ? one.differs : { of: [] };
  const shown = (lines: readonly string[]): readonly string[] => (apart === undefined ? lines : lines.map((line) => line.replace(apart, '')));
  return ASPECTS.filter(([aspect]) => !of.includes(aspect)).flatMap(([aspect, view]) => difference(aspect, shown(view(without, one)), shown(view(withPag0, one))));
}

const ASPECTS: readonly (readonly [Aspect, (seen: Observation, one: Case) => readonly string[]])[] = [
  ['text', (seen) => [usual(seen.text), `(told apart) ${usual(JSON.stringify(withoutDiffView(seen.outcome)))}`]],
  ['failed', (seen) => [String(seen.isError)]],
  ['programs', (seen, { unordered }) => [JSON.stringify(seen.input), ...(unordered ? [...seen.programs].sort() : seen.programs)]],
  ['requests', (seen, { unordered }) => {
    const requests = seen.requests.map(({ to, from, head, body }) => usual(`to ${to} from ${from}\n${head}${body}`));
    return unordered ? requests.sort() : requests;
  }],
  ['files', (seen) => Object.entries(seen.files).sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, state]) => `${path}: ${usual(state)}`)],
];

/** What differs between two runs of the same thing whether pag0 is there or not. */
const BY_NATURE: readonly (readonly [RegExp, string])[] = [
  // A random boundary; a task's and a temporary file's random names.
  [/-{20,}[0-9a-f]{16}/g, '(boundary)'],
  [/(\bID: |\btasks\/|"backgroundTaskId":"|<task-id>)[a-z0-9]{6,12}\b/g, '$1(task)'],
  [/npm-session: [0-9a-f]+/gi, 'npm-session: (random)'],
  [/(seqno|session)=[0-9a-f]{8,}/g, '$1=(random)'],
  [/\bcnonce="[^"]*"/g, 'cnonce="(random)"'],
  [/\bresponse="[0-9a-f]{32}"/g, 'response="(of the cnonce)"'],
  [/"(durationMs|duration_ms|timeoutMs)":[0-9.]+/g, '"$1":0'],
  [/\bafter \d+ ms\b/g, 'after (some) ms'],
  [/\/tool-results\/[a-z0-9]+\.txt/g, '/tool-results/(random).txt'],
  [/\/claude-[0-9a-f]{4}-cwd\b/g, '/claude-(random)-cwd'],
  [/: line (\d+): +\d+ (Killed|Terminated|Segmentation fault)/g, ': line $1: (pid) $2'],
];

/** What the client shows of changed files, when it is quick enough; files are compared by themselves. */
function withoutDiffView(outcome: unknown): unknown {
  return typeof outcome === 'object' && outcome !== null ? { ...outcome, bashEditDiff: undefined } : outcome;
}

export function usual(text: string): string {
  return BY_NATURE.reduce((all, [pattern, instead]) => all.replace(pattern, instead), text);
}

const SHOWN = 700;

function difference(aspect: Aspect, without: readonly string[], withPag0: readonly string[]): string[] {
  const count = Math.max(without.length, withPag0.length);
  const found: string[] = [];
  for (let at = 0; at < count; at++) {
    const [a, b] = [without[at], withPag0[at]];
    if (a === b) continue;
    const from = a === undefined || b === undefined ? 0 : Math.max(0, firstDifference(a, b) - 60);
    const cut = (text: string | undefined): string => (text === undefined ? '(nothing)' : JSON.stringify(text.slice(from, from + SHOWN)));
    found.push(`${aspect}${count > 1 ? ` ${at + 1}` : ''}\n  without: ${cut(a)}\n  with:    ${cut(b)}`);
  }
  return found;
}

function firstDifference(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  return at;
}

/** By name, for a session that ended early has fewer. */
export function observationOf(session: PlayedSession | undefined, one: Case, at: number): Observation | undefined {
  const seen = session?.observations[at];
  return seen?.name === nameOf(one) ? seen : session?.observations.find(({ name }) => name === nameOf(one));
}
