/** Changes the id of an answer that is too long to be held, in the bytes as they pass. */
export interface Readdressing {
  push(chunk: Buffer): Buffer;
  /** What was kept back because an id might have begun there. */
  end(): Buffer;
  readonly found: boolean;
}

/**
 * `from`, as JSON has it, is an id that nobody else has chosen: wherever those letters stand in a message, quotes included, they
 * are that id, for within a text the last of them would be escaped.
 */
export function createReaddressing(from: string, to: string): Readdressing {
  const [sought, put] = [Buffer.from(from), Buffer.from(to)];
  let waiting: Buffer = Buffer.alloc(0);
  let found = false;
  return {
    get found() {
      return found;
    },
    push(chunk) {
      let rest = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
      const passed: Buffer[] = [];
      for (let at = rest.indexOf(sought); at >= 0; at = rest.indexOf(sought)) {
        found = true;
        passed.push(rest.subarray(0, at), put);
        rest = rest.subarray(at + sought.length);
      }
      const end = rest.length - begunAt(rest, sought);
      waiting = rest.subarray(end);
      return Buffer.concat([...passed, rest.subarray(0, end)]);
    },
    end() {
      const last = waiting;
      waiting = Buffer.alloc(0);
      return last;
    },
  };
}

/** Bytes at the end with which the sought ones begin. */
function begunAt(bytes: Buffer, sought: Buffer): number {
  for (let size = Math.min(bytes.length, sought.length - 1); size > 0; size -= 1) {
    if (bytes.subarray(bytes.length - size).equals(sought.subarray(0, size))) return size;
  }
  return 0;
}
