import { spawn, type ChildProcess } from 'node:child_process';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createClient } from '../../daemon/contract/client.ts';
import { ROUTES } from '../../daemon/contract/routes.ts';
import { BUYER, SELLER } from './accounts.ts';
import { startMcpHttp, type McpHttpSeller } from './mcp-http.ts';
import type { WareName } from './mcp-seller.ts';
import { onChain, spentIn } from './on-chain.fixture.ts';
import { buildProgram, configOf, expectAgreement, type Household, openHousehold, type Program, until } from './paying.fixture.ts';
import { openPaymentStage, type PaymentStage } from './stage.ts';

const CENT = 10_000n;
const REPO = fileURLToPath(new URL('../..', import.meta.url));

interface Answer {
  id?: unknown;
  method?: string;
  result?: { isError?: boolean; content?: { text: string }[]; _meta?: Record<string, { transaction?: string }> };
  error?: { code: number };
}

/** The text of an answer, and what failed. */
const textOf = (answer: Answer): string => answer.result?.content?.[0]?.text ?? '';

/** These tests are the client: what they connect with is its own, and what they start is below it. */
async function enter({ home, now }: Household): Promise<void> {
  const client = createClient({ home, port: now().port });
  const told = { event: 'session-start', session_id: 'buyer', transcript_path: null, cwd: home.dir, source: 'startup', prompt_id: null, permission_mode: null, attended: false, options: {}, clientPid: process.pid, parent: { session: null }, ancestors: [], project: home.dir, run: null };
  expect(await client.post(ROUTES.session, told)).toMatchObject({ kind: 'answer', status: 200 });
  client.close();
}

onChain('tools that are sold over MCP', () => {
  let program: Program;
  let stage: PaymentStage;
  let household: Household;
  let shop: McpHttpSeller;
  beforeAll(async () => {
    [program, stage] = await Promise.all([buildProgram(), openPaymentStage()]);
    household = await openHousehold(program, configOf(stage.chain, []));
    await enter(household);
    shop = await startMcpHttp(stage.facilitator);
  });
  afterAll(async () => {
    for (const child of wrapped.splice(0)) child.kill('SIGKILL');
    await shop?.close();
    await household?.close();
    await stage?.close();
    program?.remove();
  });
  afterEach(() => Object.assign(stage.facilitator, { down: false, slowMs: 0, refuses: false }));

  const wrapped: ChildProcess[] = [];
  let calls = 0;
  /** No two purchases of these tests are the same one, unless a test wants it so. */
  const callOf = (name: string, id: number, more: { arguments?: object; toolUseId?: string } = {}): object => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name, arguments: more.arguments ?? { query: `number ${(calls += 1)}` }, _meta: { progressToken: 7, ...(more.toolUseId === undefined ? {} : { 'claudecode/toolUseId': more.toolUseId }) } },
  });

  /** As the client tells of every call before it makes it. */
  async function told(name: string, call: object): Promise<void> {
    const { params } = call as { params: { arguments: object; _meta: Record<string, unknown> } };
    const toolUseId = params._meta['claudecode/toolUseId'] ?? `toolu_told_${(tolds += 1)}`;
    const event = { hook_event_name: 'PreToolUse', session_id: 'buyer', tool_name: `mcp__shop__${name}`, tool_input: params.arguments, tool_use_id: toolUseId };
    const answer = await fetch(`http://127.0.0.1:${household.now().port}/hook`, { method: 'POST', body: JSON.stringify(event) });
    expect(await answer.json()).not.toHaveProperty('hookSpecificOutput');
  }
  let tolds = 0;

  /** `pag0 mcp wrap` from these sources, around a server that is one as well. */
  function startWrapped() {
    const child = spawn(process.execPath, ['--import', 'tsx', 'commands/main.ts', 'mcp', 'wrap', process.execPath, '--import', 'tsx', 'scripts/chain/mcp-stdio.ts', stage.facilitator.url], {
      cwd: REPO,
      env: { PATH: process.env['PATH'], HOME: household.home.dir, PAG0_HOME: household.home.dir, PAG0_PORT: String(household.now().port) },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    wrapped.push(child);
    const waiting = new Map<unknown, (answer: Answer) => void>();
    createInterface({ input: child.stdout }).on('line', (line) => {
      const answer = JSON.parse(line) as Answer;
      waiting.get(answer.id)?.(answer);
    });
    let ids = 0;
    return {
      child,
      gone: new Promise<number | null>((resolve) => child.once('exit', resolve)),
      async ask(name: WareName | 'free', more: { arguments?: object; toolUseId?: string; unannounced?: true } = {}): Promise<Answer> {
        const id = (ids += 1);
        const call = callOf(name, id, more);
        if (more.unannounced !== true) await told(name, call);
        child.stdin.write(`${JSON.stringify(call)}\n`);
        return new Promise((resolve) => waiting.set(id, resolve));
      },
    };
  }

  async function send(method: string, path: string, body: object | null, headers: Record<string, string> = {}, port = shop.port): Promise<IncomingMessage> {
    const address = `/mcp/http/127.0.0.1:${port}${path}`;
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest({ host: '127.0.0.1', port: household.now().port, path: address, method, headers: { accept: 'application/json, text/event-stream', ...(body === null ? {} : { 'content-type': 'application/json' }), ...headers } }, resolve);
      outgoing.on('error', reject);
      outgoing.end(body === null ? undefined : JSON.stringify(body));
    });
  }

  async function bodyOf(incoming: IncomingMessage): Promise<string> {
    let text = '';
    for await (const chunk of incoming) text += String(chunk);
    return text;
  }

  /** Through the proxy's address; all messages that came, the answer last. */
  async function askHttp(path: string, name: WareName | 'free', more: { arguments?: object; toolUseId?: string; unannounced?: true } = {}): Promise<Answer[]> {
    const call = callOf(name, 11, more);
    if (more.unannounced !== true) await told(name, call);
    const incoming = await send('POST', path, call);
    const text = await bodyOf(incoming);
    if (incoming.headers['content-type'] === 'application/json') return [JSON.parse(text) as Answer];
    return [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!) as Answer);
  }

  const ways: [string, () => Promise<(name: WareName | 'free', more?: { arguments?: object; toolUseId?: string; unannounced?: true }) => Promise<Answer>>][] = [
    ['on stdio, wrapped', async () => startWrapped().ask],
    ['over HTTP, answered by a message', async () => async (name, more) => (await askHttp('/json', name, more)).at(-1)!],
    ['over HTTP, answered by a stream', async () => async (name, more) => (await askHttp('/events', name, more)).at(-1)!],
  ];

  for (const [way, open] of ways) {
    it.each(['buy', 'buy-text', 'buy-envelope', 'buy-v1', 'buy-v1-result'] as const)(`${way}: %s is paid for once and exactly, and the receipt names the transaction`, async (name) => {
      const ask = await open();
      const before = (await household.receipts()).length;
      expect(await spentIn(stage.chain, async () => {
        const answer = await ask(name, { arguments: { exact: 1.5, query: way } });
        expect(textOf(answer)).toBe(`${name} of {"exact":1.5,"query":"${way}"}`);
        const transfer = (await stage.chain.transfersFrom(BUYER.address)).at(-1)!;
        expect(answer.result?._meta?.['x402/payment-response']?.transaction).toBe(transfer.transaction);
        const receipts = await household.receipts();
        expect(receipts).toHaveLength(before + 1);
        expect(receipts[0]).toMatchObject({ state: 'posted', amount: CENT, payTo: SELLER.toLowerCase(), proof: transfer.transaction, nonce: transfer.nonce, resource: `mcp://tool/${name}`, answered: true });
      })).toBe(CENT);
      await expectAgreement(stage.chain, household);
    });

    it(`${way}: what is free is neither paid for nor written down as if it were`, async () => {
      const ask = await open();
      const before = (await household.receipts()).length;
      expect(await spentIn(stage.chain, async () => expect(textOf(await ask('free'))).toMatch(/^free of/))).toBe(0n);
      expect(await household.receipts()).toHaveLength(before);
    });

    it.each([
      ['again', 'PAYMENT_FAILED'],
      ['dearer', 'PRICE_CHANGED'],
    ] as const)(`${way}: a tool that takes a payment and demands %s is not paid twice, and the first counts until it is known`, async (name, code) => {
      const ask = await open();
      expect(await spentIn(stage.chain, async () => {
        const answer = await ask(name, { arguments: { way } });
        expect(answer.result?.isError).toBe(true);
        expect(textOf(answer)).toContain(`pag0 ${code}`);
        expect((await household.receipts())[0]).toMatchObject({ state: 'held', amount: CENT, answered: false });
        // The very same again is not paid while that is so.
        expect(textOf(await ask(name, { arguments: { way } }))).toContain('pag0 PAYMENT_UNKNOWN');
      })).toBe(0n);
    });

    it(`${way}: an error after the payment is passed on, and what was paid counts until it is known`, async () => {
      const ask = await open();
      const answer = await ask('fails');
      expect([answer.result?.isError, textOf(answer)]).toEqual([true, 'the tool broke']);
      expect((await household.receipts())[0]).toMatchObject({ state: 'held', answered: false });
    });

    it(`${way}: a tool that settles without a word of it is found out by the chain`, async () => {
      const ask = await open();
      expect(await spentIn(stage.chain, async () => expect(textOf(await ask('mute'))).toMatch(/^mute of/))).toBe(CENT);
      expect((await household.receipts())[0]).toMatchObject({ state: 'held', answered: true });
      await household.restart();
      await enter(household);
      await until(() => household.receipts(), ([receipt]) => receipt!.state === 'posted');
      await expectAgreement(stage.chain, household);
    });
  }

  it('twenty calls at once through one wrapper are twenty payments, and no answer is another’s', async () => {
    const { ask } = startWrapped();
    expect(await spentIn(stage.chain, async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => ask('buy', { arguments: { at } })));
      expect(answers.map(textOf)).toEqual(Array.from({ length: 20 }, (_, at) => `buy of {"at":${at}}`));
    })).toBe(20n * CENT);
    await expectAgreement(stage.chain, household);
  });

  it('two agents that ask the very same at once each get what they pay for', async () => {
    const { ask } = startWrapped();
    stage.facilitator.slowMs = 150;
    const same = { arguments: { same: true } };
    expect(await spentIn(stage.chain, async () => {
      const answers = await Promise.all([ask('buy', same), askHttp('/json', 'buy', same), askHttp('/json', 'buy', same), ask('buy', same)]);
      expect(answers.flat().map((answer) => textOf(answer))).toEqual(Array(4).fill('buy of {"same":true}'));
    })).toBe(4n * CENT);
    await expectAgreement(stage.chain, household);
  });

  it('a server that dies with the payment leaves it held, and its wrapper ends as it did', async () => {
    const { ask, gone } = startWrapped();
    const answer = await ask('dies');
    expect(textOf(answer)).toContain('pag0 PAYMENT_UNKNOWN');
    expect(await gone).toBe(3);
    expect((await household.receipts())[0]).toMatchObject({ state: 'held', answered: false });
  });

  it('a server over HTTP that breaks off with the payment leaves it held', async () => {
    expect(textOf((await askHttp('/json', 'dies')).at(-1)!)).toContain('pag0 PAYMENT_UNKNOWN');
    expect((await household.receipts())[0]).toMatchObject({ state: 'held', answered: false });
  });

  it('a wrapper that is killed with the payment leaves it held', async () => {
    stage.facilitator.slowMs = 3_000;
    const before = (await household.receipts()).length;
    const { ask, child } = startWrapped();
    void ask('buy');
    await until(() => household.receipts(), (receipts) => receipts.length === before + 1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    child.kill('SIGKILL');
    await until(() => household.receipts(), ([receipt]) => receipt!.state === 'held');
    expect((await household.receipts())[0]).toMatchObject({ amount: CENT, answered: false });
  });

  it('a daemon that is replaced waits for what came of the payments it gave', async () => {
    stage.facilitator.slowMs = 600;
    const before = (await household.receipts()).length;
    const { ask } = startWrapped();
    const [answer, other] = [ask('buy'), ask('free').then(() => askHttp('/json', 'buy'))];
    await until(() => household.receipts(), (receipts) => receipts.length === before + 2);
    await household.restart();
    await enter(household);
    expect(textOf(await answer)).toMatch(/^buy of/);
    expect(textOf((await other)[0]!)).toMatch(/^buy of/);
    expect((await household.receipts()).slice(0, 2)).toMatchObject([{ state: 'posted', answered: true }, { state: 'posted', answered: true }]);
    await expectAgreement(stage.chain, household);
  });

  it('without a daemon a demand reaches the client as it came, and what is free is answered', async () => {
    const { ask } = startWrapped();
    const { port } = household.now();
    await household.now().end();
    expect(textOf(await ask('free', { unannounced: true }))).toMatch(/^free of/);
    expect(JSON.parse(textOf(await ask('buy', { unannounced: true })))).toMatchObject({ x402Version: 2 });
    await household.restart();
    expect(household.now().port).toBe(port);
    await enter(household);
  });

  it('the agent that made the call pays, with what the hook knows of it', async () => {
    const event = { hook_event_name: 'PreToolUse', session_id: 'buyer', tool_name: 'mcp__shop__buy', tool_input: { query: 'mine' }, tool_use_id: 'toolu_mine', agent_id: 'researcher-7', agent_type: 'researcher' };
    const answer = await fetch(`http://127.0.0.1:${household.now().port}/hook`, { method: 'POST', body: JSON.stringify(event) });
    expect(await answer.json()).not.toHaveProperty('hookSpecificOutput');
    await askHttp('/json', 'buy', { arguments: { query: 'mine' }, toolUseId: 'toolu_mine', unannounced: true });
    expect((await household.receipts())[0]).toMatchObject({ state: 'posted', tool: 'mcp__shop__buy', endpoint: 'mcp__shop__buy', origin: { session: 'buyer', agent: 'researcher-7' } });
    // A client that tells no id: the same tool with the same arguments.
    await askHttp('/json', 'buy', { arguments: { query: 'mine' }, unannounced: true });
    expect((await household.receipts())[0]).toMatchObject({ tool: 'mcp__shop__buy', origin: { agent: 'researcher-7' } });
  });

  it('a call that the client did not tell of is not paid for, whatever its asker calls it', async () => {
    const { ask } = startWrapped();
    expect(await spentIn(stage.chain, async () => {
      for (const answer of [await ask('buy', { unannounced: true }), (await askHttp('/json', 'buy', { unannounced: true })).at(-1)!, (await askHttp('/events', 'buy', { unannounced: true, toolUseId: 'toolu_never' })).at(-1)!]) {
        expect(textOf(answer)).toContain('pag0 ENDPOINT_NOT_ALLOWED');
      }
    })).toBe(0n);
  });

  it('a client that goes away while its call is paid for is not charged again for the same', async () => {
    stage.facilitator.slowMs = 500;
    const same = { arguments: { leaves: true } };
    expect(await spentIn(stage.chain, async () => {
      const call = callOf('buy', 12, same);
      await told('buy', call);
      const before = (await household.receipts()).length;
      const outgoing = httpRequest({ host: '127.0.0.1', port: household.now().port, path: `/mcp/http/127.0.0.1:${shop.port}/json`, method: 'POST' });
      outgoing.on('error', () => {}).end(JSON.stringify(call));
      await until(() => household.receipts(), (receipts) => receipts.length === before + 1);
      outgoing.destroy();
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(textOf((await askHttp('/json', 'buy', same)).at(-1)!)).toContain('pag0 PAYMENT_UNKNOWN');
      await until(() => household.receipts(), ([receipt]) => receipt!.state === 'posted');
      // Cashed, and nobody has what was bought.
      expect(textOf((await askHttp('/json', 'buy', same)).at(-1)!)).toContain('pag0 APPROVAL_REQUIRED');
    })).toBe(CENT);
    await expectAgreement(stage.chain, household);
  });

  it('a server over HTTP that demands in HTTP’s own way is paid so', async () => {
    expect(await spentIn(stage.chain, async () => {
      const call = callOf('any', 3);
      await told('any', call);
      const incoming = await send('POST', '/paid/mcp', call, {}, stage.honestV2.port);
      expect([incoming.statusCode, JSON.parse(await bodyOf(incoming))]).toMatchObject([200, { path: '/paid/mcp' }]);
    })).toBe(CENT);
    await expectAgreement(stage.chain, household);
  });

  it('the proxy passes on what else MCP says over HTTP, both ways and as it happens', async () => {
    const fields = { authorization: 'Bearer secret', 'mcp-protocol-version': '2025-11-25', 'mcp-session-id': 'session-of-the-shop' };
    const stream = await send('GET', '/json?a=1', null, fields);
    expect(stream.headers).toMatchObject({ 'content-type': 'text/event-stream', 'mcp-session-id': 'session-of-the-shop' });
    const [first] = (await stream[Symbol.asyncIterator]().next()).value.toString().split('\n') as [string];
    expect(first).toBe('event: message');
    stream.destroy();
    expect(shop.heard.at(-1)).toMatchObject({ method: 'GET', url: '/json?a=1', headers: fields });
    const bye = await send('DELETE', '/json', null, fields);
    expect(bye.statusCode).toBe(204);
    expect(shop.heard.at(-1)).toMatchObject({ method: 'DELETE', headers: fields });
    const events = await askHttp('/events', 'buy');
    expect(events.map(({ method }) => method)).toEqual(['notifications/progress', 'notifications/progress', undefined]);
  });
});
