/**
 * A few counts of a command's text, which a shell can make of `$BASH_EXECUTION_STRING` with builtins alone
 * (`hooks/session-env.ts` does). It says which of the calls at work somebody means, and gives nothing away: it is no digest,
 * and whoever wants to can make an equal one.
 */
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** The letters with a certain bit in their number: no two are in the same sets, so two words that differ in one differ here. */
const byBit = (bit: number): string =>
  [...LETTERS].filter((_, at) => (((at + 1) >> bit) & 1) === 1).join('');

export const COUNTED: readonly string[] = [...[0, 1, 2, 3, 4, 5].map(byBit), '/.:-_'];

/** Characters that are looked at: a shell takes long over many. */
export const LOOKED_AT = 256;

/** Both readings: a shell counts characters or bytes, as its locale has it. */
export function printOf(command: string): readonly [characters: string, bytes: string] {
  // As the client writes it between single quotes.
  const text = command.replaceAll("'", `'"'"'`);
  return [printed([...text]), printed([...Buffer.from(text).toString('latin1')])];
}

function printed(characters: readonly string[]): string {
  const head = characters.slice(0, LOOKED_AT);
  return [characters.length, ...COUNTED.map((set) => head.filter((one) => set.includes(one)).length)].join('-');
}
