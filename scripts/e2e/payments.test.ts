import { readdir, readFile, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Address, Hex } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NETWORK } from '../chain/chain.ts';
import { startHonestV2 } from '../chain/honest-v2.ts';
import { onChain } from '../chain/on-chain.fixture.ts';
import type { Seller } from '../chain/seller.ts';
import { openPaymentStage, type PaymentStage } from '../chain/stage.ts';
import { openScreen } from './screen.ts';
import { marker, type Scripts } from './script.ts';
import { startSecureApi } from './secure-api.ts';
import { SECRET_STORE, typeSecret } from './secret-store.ts';
import { agent, LOOP_PLUGIN, PLUGIN, type Stage } from './stage.ts';
import { staged } from './staged.ts';

/** The real client, the built plugin, a seller that wants to be paid, and a chain that says who paid whom. */
const { stage, closing } = staged();

const bash = (command: string) => ({ name: 'Bash', input: { command } });
const PRICE = 150_000n;
const BUYER_HAS = 10_000_000n;

onChain('a wallet', () => {
  let market: PaymentStage;
  let seller: Seller;
  beforeAll(async () => {
    market = await openPaymentStage();
    seller = await startHonestV2({ facilitator: market.facilitator, offer: { amount: String(PRICE) } });
  });
  afterAll(async () => {
    await seller?.close();
    await market?.close();
  });

  interface Buyer {
    key: Hex;
    address: Address;
    /** What left its account, as the chain says. */
    spent(): Promise<bigint>;
    /** To whom, oldest first. */
    transfers: () => ReturnType<PaymentStage['chain']['transfersFrom']>;
  }

  /** One for each test, since a chain forgets nothing. */
  async function newBuyer(): Promise<Buyer> {
    const key = generatePrivateKey();
    const { address } = privateKeyToAccount(key);
    await market.chain.mint(address, BUYER_HAS);
    return { key, address, spent: async () => BUYER_HAS - (await market.chain.balanceOf(address)), transfers: () => market.chain.transfersFrom(address) };
  }

  const urlOf = (name: string): string => `${seller.url}/paid/${name}`;
  const curl = (name: string) => bash(`curl -s ${urlOf(name)}`);

  async function open(scripts: (stage: Stage) => Scripts, more: object = {}): Promise<Stage> {
    return stage('$0', scripts, { networks: [{ id: NETWORK, rpc: market.chain.url }], prices: [{ endpoint: `127.0.0.1:${seller.port}/*`, price: 'x402' }], cache: { enabled: true }, ...more });
  }

  /** With the key in the plugin's settings, where a person is asked for it. */
  async function openWith(buyer: Buyer, scripts: (stage: Stage) => Scripts, more: object = {}): Promise<Stage> {
    const s = await open(scripts, more);
    await typeSecret(s.workspace, 'wallet_private_key', buyer.key);
    return s;
  }

  it('pays once for the document that five subagents want at the same moment, and all five have it', async () => {
    const buyer = await newBuyer();
    const readers = ['r1', 'r2', 'r3', 'r4', 'r5'];
    const s = await openWith(buyer, () => ({
      lead: [readers.map((name) => agent('general-purpose', name)), 'All have read it.'],
      ...Object.fromEntries(readers.map((name) => [name, [[curl('guide')], 'Read.']])),
    }));
    const session = await s.session(marker('lead'));
    expect(session.result?.result).toBe('All have read it.');
    expect(session.toolCalls.filter(({ name, result }) => name === 'Bash' && result?.includes('All there is to know about /paid/guide.'))).toHaveLength(5);
    expect(await buyer.transfers()).toMatchObject([{ value: PRICE }]);
    expect(await buyer.spent()).toBe(PRICE);
    const report = await s.report();
    expect(report).toMatchObject({ totalCost: '150000', held: '0', totalRequests: 5, cacheHitRate: 0.8, cacheSavings: '600000', kinds: { settled: '150000', billed: '0', estimated: '0' } });
    // Equal commands at the same time are one agent's each where that can be told, else of whoever is above them; one has paid.
    expect(report.byAgent.map((one) => one.cost).filter((cost) => cost !== '0')).toEqual(['150000']);
    // The book, line by line against the chain; it fails when they differ.
    expect(JSON.parse(await s.pag0('reconcile', '--json'))).toMatchObject({ differences: 0, unknown: 0 });
  });

  it('is left alone by a loop that has spent its own $3: twenty payments of $0.15, and the session goes on', async () => {
    const buyer = await newBuyer();
    const s = await openWith(buyer, () => ({ ralph: [({ iteration }) => [curl(`attempt-${iteration}`)], 'Not there yet.'], after: [[curl('after')], 'Still working.'] }), {
      agents: { 'ralph-loop': { agentBudget: '$3' } },
    });
    const session = await s.session(`/ralph-loop:ralph-loop ${marker('ralph')}`, { pluginDirs: [PLUGIN, LOOP_PLUGIN], timeoutMs: 80_000 });
    expect(session.timedOut).toBe(false);
    expect(await buyer.spent()).toBe(3_000_000n);
    expect((await buyer.transfers()).map(({ value }) => value)).toEqual(Array(20).fill(PRICE));
    const report = await s.report();
    expect(report.stops).toEqual([expect.objectContaining({ agentId: 'ralph-loop', code: 'AGENT_BUDGET_EXCEEDED', attempts: 20 })]);
    expect(report.kinds).toEqual({ settled: '3000000', billed: '0', estimated: '0' });
    await rm(join(s.workspace.cwd, '.claude', 'ralph-loop.local.md'), { force: true });
    const next = await s.session(marker('after'), { args: ['--resume', String(session.result?.['session_id'])] });
    expect(next.result?.result).toBe('Still working.');
    expect(next.toolCalls[0]?.result).toContain('/paid/after');
    expect(await buyer.spent()).toBe(3_150_000n);
  });

  it('pays for the page that a WebFetch names, gives it in the call’s place, and has it for the next one', async () => {
    const buyer = await newBuyer();
    const page = { name: 'WebFetch', input: { url: urlOf('page'), prompt: 'what is it?' } };
    const s = await openWith(buyer, () => ({ read: [[page], [page], 'Read.'] }));
    const session = await s.session(marker('read'));
    const [paid, kept] = session.toolCalls.map(({ result }) => result);
    for (const one of [paid, kept]) expect(one).toContain('All there is to know about /paid/page.');
    expect(paid).toContain('this is the page itself and not an error');
    expect(paid).toContain('fetched by pag0 for $0.15');
    expect(kept).toContain('from the cache');
    expect(await buyer.spent()).toBe(PRICE);
    expect(await s.report()).toMatchObject({ cacheSavings: '150000', kinds: { settled: '150000' } });
  });

  it('buys the page at which the client’s own fetch met a 402, and gives it to the agent beside that', async () => {
    const buyer = await newBuyer();
    // HTTPS, and an address with dots: the client fetches nothing else by itself. That it may not be free it learns there.
    const shop = closing(await startSecureApi(seller.port));
    const page = { name: 'WebFetch', input: { url: `${shop.url}/paid/native`, prompt: 'what is it?' } };
    const s = await openWith(buyer, () => ({ read: [[page], 'Read.'] }), { prices: [{ endpoint: `127.0.0.2:${shop.port}/*`, price: '$0' }] });
    const session = await s.session(marker('read'), { settings: { skipWebFetchPreflight: true }, env: { NODE_EXTRA_CA_CERTS: shop.caFile } });
    expect(session.toolCalls[0]?.result).toContain('402 Payment Required');
    const told = JSON.stringify(s.model.requests.at(-1)?.body?.messages);
    expect(told).toContain('fetched by pag0 for $0.15');
    expect(told).toContain('All there is to know about /paid/native.');
    expect(seller.requests.filter(({ path }) => path === '/paid/native').map(({ headers }) => /^(Claude|pag0)/.exec(headers['user-agent'] ?? '')?.[1])).toEqual(['Claude', 'pag0', 'pag0']);
    expect(await buyer.spent()).toBe(PRICE);
    expect((await s.report()).kinds).toEqual({ settled: '150000', billed: '0', estimated: '0' });
  });

  it('pays what is above a person’s limit once, when that person has typed /pag0-approve with its id', async () => {
    const buyer = await newBuyer();
    const s = await openWith(buyer, () => ({ dear: [[curl('dear')], ({ toolResults }) => (toolResults.at(-1)!.text.includes('All there is to know') ? 'Here it is.' : 'It was refused.')] }), {
      policy: { approveAbove: '$0.10' },
    });
    const screen = await openScreen({ workspace: s.workspace, apiUrl: s.model.url, pluginDirs: [PLUGIN], skipPermissions: true });
    closing({ close: () => screen.end() });
    await screen.waitFor(/bypass permissions|Try "/);
    await screen.submit(marker('dear'));
    await screen.waitFor('It was refused.');
    const refused = JSON.parse(s.model.toolResults()[0]!.text) as { error: { code: string; details: { approval: string } } };
    expect(refused.error.code).toBe('APPROVAL_REQUIRED');
    const { approval } = refused.error.details;
    const shown = (await screen.capture()).replace(/\s+/g, ' ');
    expect(shown).toContain(`/pag0-approve ${approval} allows it once`);
    expect(await buyer.spent()).toBe(0n);
    await screen.submit(`/pag0-approve ${approval}`);
    await screen.waitFor('Allowed once');
    await screen.submit(marker('dear'));
    await screen.waitFor('Here it is.');
    expect(await buyer.spent()).toBe(PRICE);
    expect((await s.report()).kinds.settled).toBe('150000');
  });

  it('pays it also when the client itself has put the same call, made once more, to its person', async () => {
    const buyer = await newBuyer();
    const s = await openWith(buyer, () => ({ dear: [[curl('dearer')], [curl('dearer')], ({ toolResults }) => (toolResults.at(-1)!.text.includes('All there is to know') ? 'Here it is.' : 'It was refused.')] }), {
      policy: { approveAbove: '$0.10' },
    });
    const screen = await openScreen({ workspace: s.workspace, apiUrl: s.model.url, pluginDirs: [PLUGIN], allowedTools: ['Bash'] });
    closing({ close: () => screen.end() });
    await screen.waitFor(/\? for shortcuts|Try "/);
    await screen.submit(marker('dear'));
    const asked = await screen.waitFor('Do you want to proceed?');
    expect(asked.replace(/\s+/g, ' ')).toMatch(/APPROVAL_REQUIRED.*\$0\.15/);
    await screen.answer('Do you want to proceed?', 'Enter');
    await screen.waitFor('Here it is.');
    expect(s.model.toolResults().map(({ text }) => text.includes('APPROVAL_REQUIRED'))).toEqual([true, false]);
    expect((await buyer.transfers()).map(({ value }) => value)).toEqual([PRICE]);
  });

  it.each([
    // Where the client itself keeps it.
    ["the plugin's settings", async (s: Stage, key: string) => void (await typeSecret(s.workspace, 'wallet_private_key', key)), [SECRET_STORE]],
    ['the environment of `pag0 daemon start`', async (s: Stage, key: string) => void (await s.pag0With({ PAG0_WALLET_PRIVATE_KEY: key }, 'daemon', 'start')), []],
    ['the environment of the client, which its agents run below', async (_s: Stage, key: string) => ({ PAG0_WALLET_PRIVATE_KEY: key }), []],
  ])('whose key came through %s shows it to nobody', async (_way, give, kept) => {
    const buyer = await newBuyer();
    const s = await open((here) => ({
      pry: [
        [curl('secret')],
        async () => [bash(`env; cat /proc/${(await here.daemon())!.pid}/environ | tr '\\0' '\\n'; echo read-it`)],
        'Looked.',
      ],
    }));
    const env = (await give(s, buyer.key)) ?? {};
    const session = await s.session(marker('pry'), { env });
    expect(session.toolCalls[0]?.result).toContain('/paid/secret');
    expect(session.toolCalls[1]?.result).toContain('read-it');
    expect(await buyer.spent()).toBe(PRICE);
    // A second one has its hook bring the key to a daemon that is running.
    const next = await s.session(marker('pry'), { env, args: ['--resume', String(session.result?.['session_id'])] });
    const { pid } = (await s.daemon())!;
    const said = [session.events, next.events, s.model.requests, seller.requests, await readFile(`/proc/${pid}/environ`, 'utf8'), await s.pag0('wallet', 'address'), await s.pag0('receipts', '--all', '--json'), await s.pag0('daemon', 'logs')];
    expect(said.map((one) => JSON.stringify(one)).filter((text) => tells(text, buyer.key))).toEqual([]);
    // Its home has all that pag0, the client and the session wrote.
    expect((await filesThatTell(join(s.workspace.home, '..'), buyer.key)).map((file) => relative(s.workspace.home, file))).toEqual(kept);
  });
});

/** However it is written. */
function tells(text: string, key: Hex): boolean {
  const hex = key.slice(2);
  return text.toLowerCase().includes(hex) || text.includes(Buffer.from(hex, 'hex').toString('base64').replace(/=+$/, '')) || text.includes(Buffer.from(hex, 'hex').toString('base64url'));
}

async function filesThatTell(folder: string, key: Hex): Promise<string[]> {
  const bytes = Buffer.from(key.slice(2), 'hex');
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const found: string[] = [];
  for (const file of files) {
    const content = await readFile(file);
    if (content.includes(bytes) || tells(content.toString('latin1'), key)) found.push(file);
  }
  return found;
}
