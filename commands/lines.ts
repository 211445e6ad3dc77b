/** Cuts a stream of bytes into lines, each with its end. */
export interface Lines {
  push(chunk: Buffer): void;
  /** The stream has ended: what is left is no whole line. */
  end(): void;
}

/**
 * `limit()`: bytes that may wait for the end of a line. A longer one passes in parts, unlooked at: `part`. Nothing is left out,
 * added or changed on the way.
 */
export function createLines(limit: () => number, line: (raw: Buffer) => void, part: (raw: Buffer) => void): Lines {
  let waiting: Buffer[] = [];
  let size = 0;
  let isPassing = false;

  function flush(last: Buffer | null): Buffer {
    const all = last === null ? waiting : [...waiting, last];
    [waiting, size] = [[], 0];
    return all.length === 1 ? all[0]! : Buffer.concat(all);
  }

  return {
    push(chunk) {
      let from = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
        const last = chunk.subarray(from, end + 1);
        from = end + 1;
        if (isPassing) part(last);
        else line(flush(last));
        isPassing = false;
      }
      const rest = chunk.subarray(from);
      if (rest.length === 0) return;
      if (isPassing) return part(rest);
      waiting.push(rest);
      size += rest.length;
      if (size <= limit()) return;
      isPassing = true;
      part(flush(null));
    },
    end() {
      if (size > 0) part(flush(null));
    },
  };
}
