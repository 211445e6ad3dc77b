import { cpus } from 'node:os';
import { benchClient } from './client.ts';
import { startDaemon } from './daemon.ts';
import { benchDecisions } from './decisions.ts';
import { benchGateway } from './gateway.ts';
import { benchHttps } from './https.ts';
import { benchMemory } from './memory.ts';
import { benchPayments } from './payments.ts';
import { benchRows } from './rows.ts';
import { median, row, show } from './stats.ts';

/**
 * `npm run bench` for all, `npm run bench -- decisions rows gateway memory payments start client` for some. Ratios stand side by side
 * in one run. `gateway` includes `memory`.
 */
const parts: Record<string, () => Promise<void>> = {
  decisions: async () => {
    await benchDecisions({ connections: 64, seconds: 3, rounds: 5 });
    await benchDecisions({ connections: 1, seconds: 2, rounds: 4 });
  },
  rows: () => benchRows(300),
  gateway: async () => {
    await benchGateway({ seconds: 1.2, rounds: 4 });
    await benchHttps({ seconds: 1.2, rounds: 4 });
  },
  memory: benchMemory,
  payments: () => benchPayments({ rounds: 60, crowd: 50, seconds: 4 }),
  start: benchStart,
  client: () => benchClient(3),
};

async function benchStart(): Promise<void> {
  const starts: number[] = [];
  const memory: number[] = [];
  for (let round = 0; round < 7; round += 1) {
    const daemon = await startDaemon({});
    starts.push(daemon.startMs);
    memory.push(daemon.rssMb());
    await daemon.stop();
  }
  console.log('\nThe daemon (median of 7 starts)');
  row('start of the process to its first proven answer', `${show(median(starts), 0)} ms`);
  row('memory then', `${show(median(memory), 0)} MB`);
}

const asked = process.argv.slice(2);
const wanted = asked.includes('gateway') ? [...asked, 'memory'] : asked;
console.log(`Node ${process.versions.node}, ${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown processor'}`);
for (const [name, run] of Object.entries(parts)) if (wanted.length === 0 || wanted.includes(name)) await run();
