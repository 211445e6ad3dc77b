import { readArguments } from './arguments.ts';
import { programName, type Invocation, type ShellReading, type ShellWord } from './invocation.ts';
import { CURL, WGET, requestsOf } from './network-client.ts';
import { CURL_WAYS, WGET_WAYS, ownVariable, ownWay, setsVariable } from './own-way.ts';

/** Programs whose own configuration files may send them another way. */
export type ConfiguredProgram = 'curl' | 'wget';

/**
 * Which clients of a command line do not come to the gateway by the session's environment, or not so that it can read
 * them, as far as the text shows, each with the reason: "curl sets its own proxy". What is not among them does come.
 */
export function pastGateway({ invocations, unreadable }: ShellReading, ownConfig: ReadonlySet<ConfiguredProgram>): ReadonlyMap<Invocation, string> {
  const past = new Map<Invocation, string>();
  if (unreadable) return past;
  const everybody = invocations.some(setsVariable) ? 'the command sets variables about proxies or certificates' : null;
  for (const invocation of invocations) {
    if (requestsOf(invocation).length === 0) continue;
    const why = everybody ?? whyPast(invocation, ownConfig);
    if (why !== null) past.set(invocation, why);
  }
  return past;
}

function whyPast(invocation: Invocation, ownConfig: ReadonlySet<ConfiguredProgram>): string | null {
  const { program, wrappers, words } = invocation;
  // What they trust is built into them, so that of the gateway they see a certificate that nobody signed.
  if (program === 'xh' || program === 'xhs') return `${program} trusts no certificates but its own`;
  if (ownConfig.has(program as ConfiguredProgram)) return `your own configuration of ${program} says which way it goes`;
  if (ownVariable(invocation)) return 'it has variables of its own about proxies or certificates';
  const wrapped = wrapping(wrappers);
  if (wrapped !== null) return wrapped;
  if (/\.exe$/i.test(words[0] ?? '')) return 'it is a program of another system';
  if (program === 'curl') return ownWay(readArguments(words, CURL), CURL_WAYS);
  return program === 'wget' ? ownWay(readArguments(words, WGET), WGET_WAYS) : null;
}

const OTHER_PROXIES = new Set(['proxychains', 'proxychains4', 'torsocks', 'torify', 'tsocks']);
const OTHER_PROGRAMS = new Set(['busybox', 'toybox']);
/** These give a command an environment of their own, unless somebody has configured otherwise. */
const OTHER_USERS = new Set(['sudo', 'doas', 'su', 'runuser', 'pkexec']);

function wrapping(wrappers: readonly ShellWord[]): string | null {
  const is = (set: ReadonlySet<string>) => wrappers.some((word) => set.has(programName(word) ?? ''));
  if (is(OTHER_PROXIES)) return 'it is run with a proxy of its own';
  if (is(OTHER_PROGRAMS)) return 'it is another program of that name';
  if (is(OTHER_USERS)) return 'it is run as another user, with an environment of its own';
  return dropsEnvironment(wrappers) ? 'it is run without the environment of its session' : null;
}

/** `env -i`, `env -`, `env -iu A`, `exec -c`. */
function dropsEnvironment(wrappers: readonly ShellWord[]): boolean {
  return wrappers.some((word, index) => {
    const options = wrappers.slice(index + 1);
    switch (programName(word)) {
      case 'env':
        return options.some((option) => /^(?:-|-[a-zA-Z0]*i[a-zA-Z0]*|--ignore-environment)$/.test(option ?? ''));
      case 'exec':
        return options.some((option) => /^-[a-z]*c/.test(option ?? ''));
      default:
        return false;
    }
  });
}
