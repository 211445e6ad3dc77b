import type { Setup } from './job.ts';
import { ADDRESSES } from './network.ts';

/** So much that no command of the tables comes near it. */
const PLENTY = { sessionBudget: '$1000', dailyBudget: '$1000', maxPerRequest: '$1', agentBudget: '$1000' };

/** Every host of the tests that is out there; this machine and the private network stay unnamed. */
const FOREIGN = Object.entries(ADDRESSES).filter(([name, address]) => name.endsWith('.example') && !address.startsWith('127.'));
const PORTS = [80, 81, 443, 3000, 8080, 8082, 8090, 8443, 8453, 9443];

/** No configuration at all: nothing out there has a price, and no wallet could pay. */
export const UNNAMED: Setup = { world: 'unnamed', config: null };

/** Everything out there has a price that is always affordable, and nothing is kept: whatever is looked at has to pass as it came. */
export const PRICED: Setup = {
  world: 'priced',
  config: {
    policy: PLENTY,
    prices: FOREIGN.flatMap(([name, address]) => [name, address.includes(':') ? `[${address}]` : address]).flatMap((host) => [host, ...PORTS.map((port) => `${host}:${port}`)].map((host) => ({ endpoint: `${host}/*`, price: '$0.0001' }))),
    cache: { enabled: false },
  },
};
