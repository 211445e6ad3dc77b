import { readArguments, type Argument } from './arguments.ts';
import { endpointOf, type Endpoint } from './endpoint.ts';
import { programName, type Invocation, type ShellReading, type ShellWord } from './invocation.ts';
import { CURL, WGET, requestsOf } from './network-client.ts';
import { CURL_WAYS, UNSEEN, WGET_WAYS, ownVariable, ownWay, setsVariable } from './own-way.ts';

/** Programs that can read a ticket from a file, so that nobody reads it in the list of processes. */
export type TicketProgram = 'curl' | 'wget';
export type TicketFiles = Readonly<Record<TicketProgram, string>>;

export interface LeftAlone {
  invocation: Invocation;
  /** "curl carries no ticket: it sets its own proxy" */
  why: string;
}

export interface TicketPlan {
  /** Where in the text arguments are put in. None: nothing to rewrite. */
  places: readonly { at: number; program: TicketProgram }[];
  /** Every request of these will come with the ticket. */
  ticketed: readonly Invocation[];
  /** These would deserve one and cannot carry it, so the gateway does not see them as what they are. */
  left: readonly LeftAlone[];
}

export interface TicketOptions {
  /** The client itself runs the command in the background: when its call has ended, it has not. */
  background: boolean;
  /** Programs that the user's own configuration files send another way. */
  ownConfig: ReadonlySet<TicketProgram>;
}

type Ways = { places: number[] } | { why: string };

const INSERTED: Readonly<Record<TicketProgram, (file: string) => string[]>> = {
  curl: (file) => ['-K', file],
  wget: (file) => [`--config=${file}`],
};

/**
 * Which clients of a command line can carry a ticket, and where it has to be put. `governed` says of an endpoint (null:
 * unknown) whether its request deserves one; a command without such a request stays as it is.
 */
export function planTickets(reading: ShellReading, governed: (endpoint: Endpoint | null) => boolean, options: TicketOptions): TicketPlan {
  const deserving = reading.invocations.filter((invocation) => requestsOf(invocation).some(({ url }) => governed(url === null ? null : endpointOf(url))));
  const everybody = whyNobody(reading, options);
  const wayAt = waysByPlace(reading, options);
  const places = new Map<number, TicketProgram>();
  const ticketed: Invocation[] = [];
  const left: LeftAlone[] = [];
  for (const invocation of deserving) {
    const ways = everybody === null ? wayAt(invocation.ends[0]) : { why: everybody };
    if ('why' in ways) {
      left.push({ invocation, why: ways.why });
      continue;
    }
    for (const at of ways.places) places.set(at, invocation.program as TicketProgram);
    ticketed.push(invocation);
  }
  return { places: [...places].map(([at, program]) => ({ at, program })).sort((a, b) => a.at - b.at), ticketed, left };
}

/**
 * The command with its tickets, or null when it would no longer be read as the same commands with the same words. Text
 * is only put in, never taken out.
 */
export function withTickets(command: string, reading: ShellReading, plan: TicketPlan, files: TicketFiles, readShell: (command: string) => ShellReading): string | null {
  if (plan.places.length === 0) return command;
  let rewritten = command;
  for (const { at, program } of plan.places.toReversed()) rewritten = rewritten.slice(0, at) + inserted(program, files) + rewritten.slice(at);
  const again = readShell(rewritten);
  return !again.unreadable && isSame(reading.invocations, again.invocations, plan, files) ? rewritten : null;
}

function inserted(program: TicketProgram, files: TicketFiles): string {
  const quoted = `'${files[program].replaceAll("'", `'\\''`)}'`;
  return program === 'curl' ? ` -K ${quoted}` : ` --config=${quoted}`;
}

function isSame(before: readonly Invocation[], after: readonly Invocation[], plan: TicketPlan, files: TicketFiles): boolean {
  const added = new Map(plan.places.map(({ at, program }) => [at, INSERTED[program](files[program])]));
  const shown = ({ program, wrappers, assignments, redirects, times, timesKnown, background }: Invocation, words: readonly ShellWord[]): string =>
    JSON.stringify([program, words, wrappers, assignments, redirects, times, timesKnown, background]);
  return (
    before.length === after.length &&
    before.every((invocation, index) => {
      const { words, ends } = invocation;
      const expected = words.flatMap((word, at) => [word, ...(added.get(ends[at] ?? -1) ?? [])]);
      return shown(invocation, expected) === shown(after[index]!, after[index]!.words);
    })
  );
}

/** What speaks against every ticket in a command. */
function whyNobody({ invocations, unreadable }: ShellReading, { background }: TicketOptions): string | null {
  if (unreadable) return 'the command cannot be read';
  if (background) return 'it runs in the background, beyond its call';
  return invocations.some(setsVariable) ? 'the command sets variables about proxies or certificates' : null;
}

/** A place in a loop or a function is run several times. All of those take the same arguments there, or none does. */
function waysByPlace(reading: ShellReading, options: TicketOptions): (place: number | null | undefined) => Ways {
  const runs = new Map<number, Invocation[]>();
  for (const invocation of reading.invocations) {
    const place = invocation.ends[0];
    if (typeof place !== 'number') continue;
    const others = runs.get(place);
    if (others === undefined) runs.set(place, [invocation]);
    else others.push(invocation);
  }
  const known = new Map<number, Ways>();
  return (place) => {
    if (typeof place !== 'number') return { why: 'it is not literally in the text' };
    let ways = known.get(place);
    if (ways === undefined) known.set(place, (ways = together(runs.get(place)!, reading, options)));
    return ways;
  };
}

function together(runs: readonly Invocation[], reading: ShellReading, options: TicketOptions): Ways {
  if (runs.some(({ program }) => program !== runs[0]!.program)) return { why: 'its place in the text is another program, too' };
  const ways = runs.map((invocation) => wayOf(invocation, reading, options));
  const [first] = ways;
  const reason = ways.find((way) => 'why' in way);
  if (reason !== undefined) return reason;
  return ways.every((way) => JSON.stringify(way) === JSON.stringify(first)) ? first! : { why: 'its place in the text is run with different options' };
}

function wayOf(invocation: Invocation, { invocations }: ShellReading, { ownConfig }: TicketOptions): Ways {
  const { program, wrappers, background } = invocation;
  if (program !== 'curl' && program !== 'wget') return { why: `${program} takes a proxy only where everybody can read it` };
  if (ownConfig.has(program)) return { why: `your own configuration of ${program} says which way it goes` };
  if (ownVariable(invocation)) return { why: 'it has variables of its own about proxies or certificates' };
  const wrapped = wrapping(wrappers);
  if (wrapped !== null) return { why: wrapped };
  if (/\.exe$/i.test(invocation.words[0] ?? '')) return { why: 'it is a program of another system' };
  if (background && !invocations.some((other) => other.program === 'wait')) return { why: 'it may go on after its call has ended' };
  return program === 'curl' ? curlWay(invocation) : wgetWay(invocation);
}

const OTHER_PROXIES = new Set(['proxychains', 'proxychains4', 'torsocks', 'torify', 'tsocks']);
const OTHER_PROGRAMS = new Set(['busybox', 'toybox']);
const OTHER_USERS = new Set(['sudo', 'doas']);

/** Root reads a ticket as its owner does; anybody else must not be able to. */
function wrapping(wrappers: readonly ShellWord[]): string | null {
  const is = (set: ReadonlySet<string>) => wrappers.some((word) => set.has(programName(word) ?? ''));
  if (is(OTHER_PROXIES)) return 'it is run with a proxy of its own';
  if (is(OTHER_PROGRAMS)) return 'it is another program of that name';
  if (is(OTHER_USERS) && wrappers.some((word) => word === null || /^(?:-[a-zA-Z]*[ughR]|--(?:user|group|host|chroot))/.test(word))) return 'it is run as another user';
  return null;
}

function curlWay(invocation: Invocation): Ways {
  const { words, ends } = invocation;
  const args = readArguments(words, CURL);
  const why = ownWay(args, CURL_WAYS) ?? unseen(args, 'url expand-url') ?? foreign(args, 'url expand-url');
  if (why !== null) return { why };
  // curl looks for -q in its first argument alone, and forgets everything after --next.
  const after = [0, ...words.flatMap((word, index) => (isSwitch(word, index, args) ? [index] : []))];
  const quiet = /^(?:--disable$|-q)/.test(words[1] ?? '');
  if (quiet && !isFlags(words[1]!)) return { why: UNSEEN };
  const places = after.map((index) => ends[quiet && index === 0 ? 1 : index]);
  if (after.some((index) => index > 0 && !isFlags(words[index]!))) return { why: UNSEEN };
  return places.every((place) => typeof place === 'number') ? { places: places as number[] } : { why: 'a part of it is not literally in the text' };
}

/** `--next`, `-:`, and `-s:` that holds it among others. */
function isSwitch(word: ShellWord, index: number, args: readonly Argument[]): boolean {
  return word !== null && args.some((argument) => (argument.option === 'next' || argument.option === ':') && argument.index === index);
}

/** An option, or several letters, none of which takes the next word as its value. */
function isFlags(word: string): boolean {
  return word.startsWith('--') || [...word.slice(1)].every((letter) => !CURL.short.includes(letter));
}

function wgetWay({ words, ends }: Invocation): Ways {
  const args = readArguments(words, WGET);
  const why = ownWay(args, WGET_WAYS) ?? unseen(args, '') ?? foreign(args, '');
  return why === null ? { places: [ends[0]!] } : { why };
}

/** An unknown number of words is the URL where there is no other; beside one it is more likely options. */
function unseen(args: readonly Argument[], urlOptions: string): string | null {
  const urls = urlsOf(args, urlOptions);
  return urls.includes(null) && urls.length > 1 ? UNSEEN : null;
}

/** An HTTP proxy would be asked for these as well, and answers differently. curl guesses the scheme by the host's name. */
function foreign(args: readonly Argument[], urlOptions: string): string | null {
  const speaks = (url: ShellWord): boolean => {
    const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url ?? '')?.[1];
    return scheme === undefined ? /^(?:ftp|dict|ldap|imap|smtp|pop3)\./i.test(url ?? '') : !/^https?$/i.test(scheme);
  };
  const changesDefault = args.some(({ option }) => option === 'proto-default');
  return changesDefault || urlsOf(args, urlOptions).some(speaks) ? 'it speaks another protocol than HTTP, too' : null;
}

function urlsOf(args: readonly Argument[], urlOptions: string): ShellWord[] {
  return args.filter(({ option }) => option === undefined || urlOptions.split(' ').includes(option)).map(({ value }) => value);
}
