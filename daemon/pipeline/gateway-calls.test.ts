import { describe, expect, it } from 'vitest';
import { NO_SANDBOX, type Sandbox } from '../core/sandbox.ts';
import { createWorld, withGateway } from './world.fixture.ts';

const RULE = { prices: [{ endpoint: 'api.example.com', price: '$0.02' }] };

interface Situation {
  sandbox?: Partial<Sandbox>;
  input?: object;
  config?: object;
  told?: boolean;
  ownProxy?: boolean;
  wallet?: string;
  ownConfig?: 'curl';
  noGateway?: boolean;
}

/** What the hook charges and writes down itself of a command; the rest is the gateway's. */
async function atHook(command: string, { sandbox = {}, input = {}, config = {}, told = true, ownProxy = false, wallet = '', ownConfig, noGateway = false }: Situation = {}) {
  const world = createWorld({ ...RULE, ...config });
  const notes: string[] = [];
  const note = world.parts.ledger.note;
  world.parts.ledger.note = (row) => (notes.push(`${row.what} ${row.endpoint}`), note(row));
  world.parts.sandboxOf = () => ({ ...NO_SANDBOX, ...sandbox });
  world.parts.wallet = () => wallet;
  if (!noGateway) withGateway(world);
  if (!noGateway) world.parts.gateway = { isTold: () => told, ownConfig: () => new Set(ownConfig === undefined ? [] : [ownConfig]) };
  world.live.ownProxy = ownProxy;
  const reply = await world.send({ hook_event_name: 'PreToolUse', tool_name: 'Bash', tool_use_id: 't1', tool_input: { command, ...input } });
  expect(reply).toEqual({ verdict: { verdict: 'pass' } });
  const [balance] = await world.parts.ledger.balances(['session:s1']);
  return { charged: Number(balance!.reserved) / 20_000, notes };
}

const PAID = 'curl -s https://api.example.com/x';
const GATEWAY = { charged: 0, notes: [] };
const HOOK = { charged: 1, notes: [] };

describe('what is priced is charged once: at the gateway', () => {
  it.each<[string, string, Situation]>([
    ['by curl', PAID, {}],
    ['by httpie', 'http https://api.example.com/x', {}],
    ['in a loop', 'for i in 1 2 3; do curl -s https://api.example.com/$i; done', {}],
    ['in an inner shell', `bash -c '${PAID}'`, {}],
    ['in the background of its shell', `${PAID} & sleep 1`, {}],
    ['in the background of the client', PAID, { input: { run_in_background: true } }],
    ['with nohup, setsid and timeout', `nohup setsid timeout 9 ${PAID} &`, {}],
    ['with options that are not in the text', 'curl $OPTIONS https://api.example.com/x', {}],
    ['in a text that cannot be read', `${PAID} "`, {}],
    ['in a sandbox that leads here', PAID, { sandbox: { exit: 'pag0' } }],
    ['taken out of the sandbox', PAID, { sandbox: { exit: 'pag0' }, input: { dangerouslyDisableSandbox: true } }],
  ])('%s', async (_, command, situation) => expect(await atHook(command, situation)).toEqual(GATEWAY));
});

describe('what is priced is charged once: at the hook, where the gateway does not see it', () => {
  it.each<[string, string, Situation]>([
    ['in no gateway’s reach', PAID, { noGateway: true }],
    ['in a session whose shells were not told', PAID, { told: false }],
    ['where the person wants no environment', PAID, { config: { gateway: { environment: false } } }],
    ['behind a proxy of the person', PAID, { ownProxy: true }],
    ['where the person’s own configuration leads elsewhere', PAID, { ownConfig: 'curl' }],
    ['in a sandbox that leads elsewhere', PAID, { sandbox: { exit: 'other' } }],
    ['without its environment', `env -i ${PAID}`, {}],
    ['with a proxy of its own', 'curl --noproxy "*" https://api.example.com/x', {}],
    ['with proxy variables of its own', `unset https_proxy; ${PAID}`, {}],
    ['with a resolver of its own', 'curl --resolve api.example.com:443:1.2.3.4 https://api.example.com/x', {}],
    ['with a CA of its own', 'curl --cacert ca.pem https://api.example.com/x', {}],
    ['as another user', `sudo ${PAID}`, {}],
  ])('%s', async (_, command, situation) => expect(await atHook(command, situation)).toEqual(HOOK));

  it('each request of a command by itself', async () => {
    expect(await atHook(`${PAID}; curl --cacert ca.pem https://api.example.com/y`)).toEqual(HOOK);
  });
});

describe('what no rule names', () => {
  it('is written down as free at the hook, for the gateway does not look at it', async () => {
    expect(await atHook('curl -s https://free.example.org/x')).toEqual({ charged: 0, notes: ['free free.example.org/x'] });
    expect(await atHook(`curl -s https://free.example.org/x; ${PAID}`)).toEqual({ charged: 0, notes: ['free free.example.org/x'] });
  });

  it('is the gateway’s where a wallet could pay for it, but only from programs that read a demand', async () => {
    expect(await atHook('curl -s https://free.example.org/x', { wallet: '0xabc' })).toEqual(GATEWAY);
    expect(await atHook('http https://free.example.org/x', { wallet: '0xabc' })).toEqual({ charged: 0, notes: ['free free.example.org/x'] });
  });

  it('and that a sandbox keeps in is no request at all', async () => {
    const sandbox = { exit: 'pag0', allowed: ['free.example.org', '*.docs.example.org:8443'] } as const;
    const command = 'curl -s https://free.example.org/x; curl -s https://a.docs.example.org:8443/x; curl -s https://a.docs.example.org/y; curl -s http://other.example.org/z';
    expect(await atHook(command, { sandbox })).toEqual({ charged: 0, notes: ['free free.example.org/x', 'free a.docs.example.org:8443/x'] });
  });

  it('is the gateway’s where nobody knows it before', async () => {
    expect(await atHook('curl -s "$URL"')).toEqual(GATEWAY);
  });
});
