import type { IncomingMessage } from 'node:http';

export type Body = { ok: true; text: string } | { ok: false; status: 400 | 413; problem: string };

/**
 * Reads a request body from Node's own stream. Hono's body helpers would turn it into a web stream first, which costs
 * several times the whole decision. Bounded: an agent writes what is in here.
 */
export function readBody(incoming: IncomingMessage, limit: number): Promise<Body> {
  return new Promise((resolve) => {
    const declared = Number(incoming.headers['content-length'] ?? 0);
    if (declared > limit) return resolve(tooLarge(limit));
    const chunks: Buffer[] = [];
    let size = 0;
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) {
        incoming.removeAllListeners('data');
        incoming.resume();
        return resolve(tooLarge(limit));
      }
      chunks.push(chunk);
    });
    incoming.on('end', () => resolve({ ok: true, text: (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString('utf8') }));
    incoming.on('error', () => resolve({ ok: false, status: 400, problem: 'the request broke off' }));
  });
}

function tooLarge(limit: number): Body {
  return { ok: false, status: 413, problem: `the body is larger than ${limit} bytes` };
}
