import { createNaiveBuyer } from '../chain/naive-buyer.ts';
import { gatewayBuyer } from './gateway-buyer.ts';

/** Buys without a pause until its input ends, then says how many a second it were. Its first line says that it is at work. */
const { url, crowd, way, port, fields } = JSON.parse(process.argv[2]!) as { url: string; crowd: number; way: 'direct' | 'gateway'; port: number; fields: Record<string, string> };
const buyer = way === 'direct' ? createNaiveBuyer() : gatewayBuyer(port, fields);
let isOver = false;
let bought = 0;

async function one(name: number): Promise<void> {
  for (let round = 0; !isOver; round += 1) {
    const { status, body } = await buyer.buy(`${url}?n=${way}-${name}-${round}-${process.pid}`);
    if (status !== 200) throw new Error(`${way}: ${status} ${JSON.stringify(body)}`);
    bought += 1;
  }
}

process.stdin.resume().once('end', () => (isOver = true));
const all = Array.from({ length: crowd }, (_, name) => one(name));
while (bought < crowd) await new Promise((resolve) => setTimeout(resolve, 20));
console.log('at work');
const [began, before] = [performance.now(), bought];
await Promise.all(all);
console.log(((bought - before) / (performance.now() - began)) * 1_000);
process.exit();
