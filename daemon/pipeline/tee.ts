import { PassThrough, type Readable } from 'node:stream';

export interface Teed {
  /** For whoever asked; it may go away without harm to the other half. */
  branch: Readable;
  /** The whole body, or null where it is longer than the limit. Rejects when it broke off. */
  whole: Promise<Buffer | null>;
}

/**
 * One body read by two: passed on as it comes, and collected while it is small enough to be kept. As long as it is, a reader
 * that stands still holds up nobody else; beyond, the body waits for it. `tooLong`: it will not be kept.
 */
export function tee(body: Readable, limit: number, tooLong: () => void = () => {}): Teed {
  const branch = new PassThrough();
  let chunks: Buffer[] | null = [];
  let size = 0;
  body.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > limit && chunks !== null) {
      chunks = null;
      tooLong();
    }
    chunks?.push(chunk);
    if (branch.destroyed || branch.write(chunk) || chunks !== null) return;
    body.pause();
    const resume = (): void => {
      branch.off('drain', resume).off('close', resume);
      body.resume();
    };
    branch.on('drain', resume).on('close', resume);
  });
  const whole = new Promise<Buffer | null>((resolve, reject) => {
    let ended = false;
    const broke = (error: Error): void => {
      if (ended) return;
      branch.destroy(error);
      reject(error);
    };
    body.on('end', () => {
      ended = true;
      branch.end();
      resolve(chunks === null ? null : Buffer.concat(chunks));
    });
    body.on('error', broke);
    body.on('close', () => broke(new Error('the answer broke off')));
  });
  // Whoever does not wait for it need not hear of its failure; the branch shows it.
  whole.catch(() => {});
  branch.on('error', () => {});
  return { branch, whole };
}
