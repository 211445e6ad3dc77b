import { BUYER } from '../chain/accounts.ts';
import { openPaymentStage } from '../chain/stage.ts';

/** Chain, facilitator and seller in a process of their own, until its input ends: what they compute is not waited for elsewhere. */
const stage = await openPaymentStage();
await stage.chain.mint(BUYER.address, 1_000_000_000_000n);
console.log(JSON.stringify({ rpc: stage.chain.url, url: `${stage.honestV2.url}/paid/document` }));
process.stdin.resume().once('end', () => void stage.close().then(() => process.exit()));
