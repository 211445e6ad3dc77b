import { openConnection, type Way } from './connection.ts';

const REST_MS = 2_000;

/** Asks for so many bytes, counts them, rests half-way. Bytes a second, the rest left out. */
export async function download(way: Way, authority: string, bytes: number): Promise<number> {
  const socket = await openConnection(way);
  const began = performance.now();
  await new Promise<void>((resolve, reject) => {
    let head = '';
    let got = 0;
    let rested = false;
    const body = (piece: Buffer): void => {
      got += piece.length;
      if (got >= bytes) return void socket.end(resolve);
      if (rested || got < bytes / 2) return;
      rested = true;
      socket.pause();
      setTimeout(() => socket.resume(), REST_MS);
    };
    socket.on('data', function beginning(piece: Buffer) {
      head += piece.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      if (!head.startsWith('HTTP/1.1 200')) return reject(new Error(head));
      socket.off('data', beginning).on('data', body);
      body(Buffer.from(head.slice(end + 4), 'latin1'));
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`the download ended after ${got} bytes`)));
    socket.write(`GET /priced/bytes/${bytes} HTTP/1.1\r\nhost: ${authority}\r\n\r\n`);
  });
  return bytes / ((performance.now() - began - REST_MS) / 1_000);
}
