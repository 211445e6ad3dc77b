import { nodeProblem } from '../daemon/contract/version.ts';

/**
 * The first file Node reads. It is compiled for very old Nodes, so that one of those gets as far as one sentence instead of a
 * syntax error; the program itself lies in the file beside it. Set by `scripts/build.ts`:
 */
declare const PAG0_MAIN: string;
/** A hook talks JSON to the client and must never fail; a command talks to a person. */
declare const PAG0_IS_HOOK: boolean;

const sentence = nodeProblem(process.versions.node);
if (sentence === null) {
  void import(PAG0_MAIN);
} else if (PAG0_IS_HOOK) {
  process.stdout.write(JSON.stringify({ systemMessage: sentence }));
} else {
  process.stderr.write(`${sentence}\n`);
  process.exitCode = 1;
}
