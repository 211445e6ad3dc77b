import { Agent, request } from 'node:http';

/** A program that knows nothing of payments: it asks the gateway, over connections that are kept. */
export function gatewayBuyer(port: number, fields: Record<string, string>): { buy(url: string): Promise<{ status: number; body: string }>; close(): void } {
  const agent = new Agent({ keepAlive: true });
  return {
    buy: (url) =>
      new Promise((resolve, reject) => {
        const asked = request({ agent, host: '127.0.0.1', port, path: url, headers: { ...fields, host: new URL(url).host } }, (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
        });
        asked.on('error', reject).end();
      }),
    close: () => agent.destroy(),
  };
}
