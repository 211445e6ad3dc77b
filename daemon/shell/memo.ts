import type { ShellReading } from '../core/invocation.ts';

/** Loops ask the same thing again and again; longer commands are not worth the memory. */
const MAX_ENTRIES = 512;
const MAX_LENGTH = 4_096;

/** A command reads the same every time, so it is read once. The oldest reading makes room for the newest. */
export function memoised(read: (command: string) => ShellReading): (command: string) => ShellReading {
  const known = new Map<string, ShellReading>();
  return (command) => {
    const found = known.get(command);
    if (found !== undefined) return found;
    const reading = read(command);
    if (command.length <= MAX_LENGTH) {
      known.set(command, reading);
      if (known.size > MAX_ENTRIES) known.delete(known.keys().next().value!);
    }
    return reading;
  };
}
