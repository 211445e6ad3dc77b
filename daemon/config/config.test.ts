import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DEFAULT_PAYMENT } from '../core/payment-rules.ts';
import type { Session } from '../core/tree.ts';
import { createPolicies } from './policies.ts';
import { parseConfig, parseOptions } from './schema.ts';

const root = mkdtempSync(join(tmpdir(), 'pag0-config-'));
afterAll(() => rmSync(root, { recursive: true }));

describe('a configuration', () => {
  it('reads the example of the design', () => {
    const parsed = parseConfig(
      JSON.stringify({
        policy: { sessionBudget: '$5', dailyBudget: '$20', maxPerRequest: '$0.50', alertOnThreshold: 0.7, killSwitchAt: 0.9, approveAbove: '$0.25' },
        agents: { 'researcher*': { agentBudget: '$1.50', allowedEndpoints: ['api.tavily.com/*'] }, 'ralph-loop': { agentBudget: '3000000' } },
        prices: [{ endpoint: 'api.tavily.com/search', price: '$0.02' }, { tool: 'mcp__exa__*', price: '$0.005' }, { endpoint: 'paid.example/*', price: 'x402' }],
        cache: { enabled: true, scope: 'session', defaultTTL: 1800, ttlRules: [{ pattern: '.*docs.*', ttl: 3600 }], reuse: [{ endpoint: 'api.tavily.com/search', method: 'POST' }] },
        networks: [{ id: 'eip155:84532', rpc: 'http://127.0.0.1:8545', assets: ['0x036CbD53842c5426634e7929541eC2318f3dCF7e'] }],
      }),
    );
    expect(parsed).toMatchObject({ ok: true, config: { policy: { sessionBudget: 5_000_000n, killSwitchAt: 0.9, agents: [{ agentBudget: 1_500_000n }, { pattern: 'ralph-loop', agentBudget: 3_000_000n }] } } });
    expect(parsed.ok && parsed.config.policy.payment).toEqual({ networks: [{ id: 'eip155:84532', rpc: 'http://127.0.0.1:8545', assets: ['0x036cbd53842c5426634e7929541ec2318f3dcf7e'] }] });
    expect(parsed.ok && parsed.config.policy.cache).toEqual({ enabled: true, scope: 'session', defaultTtl: 1_800, ttlRules: [{ pattern: /docs/, ttl: 3_600 }], reuse: [{ endpoint: 'api.tavily.com/search', tool: null, method: 'POST' }] });
  });

  it.each([
    ['{"policy":{"sessionBudget":-5}}', 'policy.sessionBudget: -5 is not an amount'],
    ['{"policy":{"sessionBudget":5}}', 'policy.sessionBudget: 5 is not an amount'],
    ['{"policy":{"dailyBudget":"-$5"}}', 'policy.dailyBudget: "-$5" is not an amount'],
    ['{"policy":{"dailyBudget":"NaN"}}', 'policy.dailyBudget: "NaN" is not an amount'],
    ['{"policy":{"maxPerRequest":"$0.0000001"}}', 'more than six decimals'],
    ['{"policy":{"runBudget":"$99999999999"}}', 'policy.runBudget: $99999999999 is more than $1,000,000,000'],
    ['{"policy":{"sesionBudget":"$5"}}', 'policy.sesionBudget is not a field pag0 knows (known here: maxPerRequest, sessionBudget'],
    ['{"policy":{"alertOnThreshold":70}}', 'policy.alertOnThreshold is 70:'],
    ['{"agents":{"a":{"budget":"$1"}}}', 'agents.a.budget is not a field pag0 knows'],
    ['{"prices":[{"price":"$1"}]}', 'prices.0: a price names an "endpoint" or a "tool"'],
    ['{"prices":[{"endpoint":"a","tool":"b","price":"$1"}]}', 'one of the two'],
    ['{"timeZone":"Mars/North"}', '"Mars/North" is not a time zone'],
    ['{"mode":"off"}', 'mode is "off":'],
    ['{"loops":{"repeatLimit":0}}', 'loops.repeatLimit is 0:'],
    ['{"cache":{"scope":"team"}}', 'cache.scope is "team":'],
    ['{"cache":{"defaultTTL":-1}}', 'cache.defaultTTL is -1:'],
    ['{"cache":{"ttlRules":[{"pattern":"(","ttl":1}]}}', 'cache.ttlRules.0.pattern: "(" is not a regular expression'],
    ['{"cache":{"ttlRules":[{"pattern":"(a+)+b","ttl":1}]}}', 'cache.ttlRules.0.pattern: "(a+)+b" repeats a group that has repeats or alternatives inside'],
    ['{"cache":{"reuse":[{"method":"POST"}]}}', 'cache.reuse.0: a call to reuse names an "endpoint" or a "tool"'],
    ['{"cache":{"ttl":5}}', 'cache.ttl is not a field pag0 knows (known here: enabled, scope, defaultTTL, ttlRules, reuse)'],
    ['{"policy":{"payees":["0xabc*"]}}', 'policy.payees.0: "0xabc*" is not an address; write all of it'],
    ['{"policy":{"payees":"0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"}}', 'policy.payees is "0x3C44'],
    ['{"policy":{"priceJump":0.5}}', 'policy.priceJump is 0.5:'],
    ['{"policy":{"priceJump":"2"}}', 'policy.priceJump is "2": write how many times'],
    ['{"networks":[{"id":"base"}]}', 'networks.0.id: "base" is not a network; write its CAIP-2 id'],
    ['{"networks":[{"id":"eip155:137"}]}', 'networks.0.assets: pag0 knows no dollar token of eip155:137; name'],
    ['{"networks":[{"id":"eip155:8453","assets":[]}]}', 'networks.0.assets: name at least one token'],
    ['{"networks":[{"id":"eip155:8453","assets":["USDC"]}]}', 'networks.0.assets.0: "USDC" is not an address'],
    ['{"networks":[{"id":"eip155:8453","rpc":"mainnet.example/v1"}]}', 'networks.0.rpc: write an address that begins with "https://"'],
    ['{"networks":[{"id":"eip155:8453"},{"id":"eip155:8453"}]}', 'networks: a network is listed twice'],
    ['{"networks":[{"id":"eip155:8453","url":"x"}]}', 'networks.0.url is not a field pag0 knows (known here: id, rpc, assets)'],
    ['{"policy":{"sessionBudget":"5"}}', 'line 1, column 28: policy.sessionBudget: "5" would be $0.000005; write "$5" or, in µ$, "5000000"'],
    ['{"policy":{"sessionBudget":0.5}}', 'policy.sessionBudget: 0.5 is not an amount; in quotes and with a dollar sign it is one: "$0.5"'],
    ['{"policy":{"sessionBudget":"$5,000"}}', 'did you mean "$5000"?'],
    ['{"policy":{"sessionBudget":null}}', 'policy.sessionBudget: null is not an amount'],
    ['{"prices":[{"endpoint":"a.com","price":5}]}', 'prices.0.price: 5 is not a price; in quotes and with a dollar sign it is one: "$5", or "x402"'],
    ['{\n  "policy": {\n    "sessionBudget": "$5",\n    "sessionBudget": "$50"\n  }\n}', 'line 4, column 5: policy.sessionBudget stands there a second time; the first is at line 3, column 5'],
    ['{\n  // mine\n  "policy": {}\n}', 'it is not JSON as pag0 reads it: line 2, column 3: a comment, and JSON has none'],
    ['\uFEFF{}', 'byte order mark'],
    ['{"policy":{},}', 'line 1, column 13: a comma with nothing after it'],
    ['{"sessionBudget":"$5"}', 'line 1, column 2: sessionBudget is not a field pag0 knows (known here: mode, timeZone, policy, agents, prices, loops, cache, gateway, networks); it belongs in "policy"'],
    ['{"policy":{"sesionBudget":"$5"}}', 'did you mean sessionBudget?'],
    ['{"policy":{"agentBudget":"$5"}}', 'it belongs in an entry of "agents"'],
    ['{"agents":{"a":{"budget":"$1"}}}', 'agents.a.budget is not a field pag0 knows (known here: agentBudget, maxPerRequest'],
    ['{"prices":[{"endpoint":"a.com","prize":"$1","price":"$1"}]}', 'prices.0.prize is not a field pag0 knows (known here: endpoint, tool, method, price, tokens); did you mean price?'],
    ['{"prices":[{"endpoint":"a.com","price":"$1","tokens":{"input":"$1"}}]}', 'prices.0.tokens.input is not a field pag0 knows (known here: inputPerMillion, outputPerMillion, cachedInputPerMillion, cacheWritePerMillion)'],
    ['{"cache":{"ttlRules":[{"patern":"x","ttl":1}]}}', 'cache.ttlRules.0.patern is not a field pag0 knows (known here: pattern, ttl); did you mean pattern?'],
    ['{"cache":{"reuse":[{"url":"x"}]}}', 'cache.reuse.0.url is not a field pag0 knows (known here: endpoint, tool, method)'],
    ['{"loops":{"maxIteration":3}}', 'did you mean maxIterations?'],
    ['{"gateway":{"env":true}}', 'gateway.env is not a field pag0 knows (known here: environment)'],
    ['{"policy":{"a":1,"b":2,"c":3,"d":4}}', '; and 1 more'],
    ['{"policy":{"blockedEndpoints":["me@api.exa.ai"]}}', 'policy.blockedEndpoints.0: "me@api.exa.ai" names a user'],
    ['{"agents":{"a":{"allowedEndpoints":["ftp://a.com"]}}}', 'agents.a.allowedEndpoints.0: "ftp://a.com" is of the scheme ftp'],
    [`{"policy":{"blockedEndpoints":[${Array.from({ length: 501 }, (_, index) => `"a.com/*b*${index}"`).join()}]}}`, 'more than 500 patterns have two stars in their path'],
    ['[]', 'the file: '],
    ['{', 'it is not JSON'],
  ])('%s is refused with field, value and what is allowed', (text, problem) => {
    const parsed = parseConfig(text);
    expect(parsed.ok ? '' : parsed.problem).toContain(problem);
  });

  it('shows nothing of an RPC’s address, which often has a key in it', () => {
    const parsed = parseConfig('{"networks":[{"id":"eip155:8453","rpc":"wss://rpc.example/v2/secret"}]}');
    expect(parsed.ok ? '' : parsed.problem).toMatch(/^line 1, column \d+: networks\.0\.rpc: (?!.*secret)/);
  });

  it('with a pattern that names less than it did is in force, and says so', () => {
    const parsed = parseConfig('{"prices":[{"endpoint":"*/search","price":"$0.02"}]}');
    expect(parsed.ok && parsed.config.remarks).toEqual([expect.stringMatching(/^line 1, column 24: prices\.0\.endpoint: "\*\/search" names the path \/search alone/)]);
    const plain = parseConfig('{"prices":[{"endpoint":"api.tavily.com/*","price":"$0.02"}],"policy":{"allowedEndpoints":["mcp__exa__*"]}}');
    expect(plain.ok && plain.config.remarks).toEqual([]);
  });

  it('takes the plugin’s options, and does not guess what a bare 5 means', () => {
    expect(parseOptions({ sessionBudget: '$7', alertOnThreshold: '80%', agentBudget: '$1', dailyBudget: '' }).policy).toMatchObject({ sessionBudget: 7_000_000n, alertOnThreshold: 0.8, agents: [{ pattern: '*', agentBudget: 1_000_000n }] });
    expect(parseOptions({ sessionBudget: '5' })).toEqual({ policy: {}, problems: ['plugin option sessionBudget: "5" is not an amount; write dollars as "$5"'] });
  });
});

describe('the policy in force', () => {
  let folders = 0;
  function setUp() {
    const dir = join(root, String((folders += 1)));
    const project = join(dir, 'project');
    mkdirSync(join(project, '.claude'), { recursive: true });
    const files = { userFile: join(dir, 'config.json'), lastGoodFile: join(dir, 'last-good.json') };
    const clock = { now: 0 };
    const sessions = new Map<string, Session>();
    const open = () => createPolicies(files, () => clock.now, (id) => sessions.get(id));
    const session = (id: string, more: Partial<Session> = {}): Session => {
      const one = { id, parent: null, cwd: project, options: {}, ...more } as Session;
      sessions.set(id, one);
      return one;
    };
    const write = (file: string, value: unknown): void => {
      clock.now += 1_000;
      writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
    };
    return { files, projectFile: join(project, '.claude', 'pag0.json'), open, session, write };
  }

  it('is the use case’s without any file', () => {
    const { open, session } = setUp();
    expect(open().of(session('s'))?.policy).toMatchObject({ sessionBudget: 5_000_000n, dailyBudget: 20_000_000n, maxPerRequest: 500_000n, alertOnThreshold: 0.7 });
  });

  it('follows an edit, and keeps the last good one when the edit is broken', () => {
    const { files, open, session, write } = setUp();
    const policies = open();
    write(files.userFile, { policy: { sessionBudget: '$8' } });
    expect(policies.of(session('s'))?.policy.sessionBudget).toBe(8_000_000n);
    write(files.userFile, '{"policy":{"sessionBudget":"$-8"}}');
    expect(policies.of(session('s'))?.policy.sessionBudget).toBe(8_000_000n);
    expect(policies.problems(session('s'))).toEqual([{ says: expect.stringContaining('policy.sessionBudget: "$-8" is not an amount'), stays: 'the last good configuration stays in force' }]);
    write(files.userFile, { policy: { sessionBudget: '$9' } });
    expect(policies.of(session('s'))?.policy.sessionBudget).toBe(9_000_000n);
    expect(policies.problems(session('s'))).toEqual([]);
  });

  it('keeps the last good one over a restart, and without any there is none', () => {
    const { files, open, session, write } = setUp();
    write(files.userFile, { policy: { sessionBudget: '$8' } });
    open().of(session('s'));
    expect(existsSync(files.lastGoodFile)).toBe(true);
    write(files.userFile, 'broken');
    expect(open().of(session('s'))?.policy.sessionBudget).toBe(8_000_000n);
    rmSync(files.lastGoodFile);
    expect(open().of(session('s'))).toBeNull();
  });

  it('of a project that would loosen says which field, its value and what stays', () => {
    const { files, projectFile, open, session, write } = setUp();
    write(files.userFile, { policy: { strict: true, maxAgents: 3 }, prices: [{ endpoint: 'a.com', price: '$0.02' }], cache: { scope: 'session' }, loops: { repeatLimit: 5 } });
    write(projectFile, {
      mode: 'shadow',
      timeZone: 'UTC',
      policy: { sessionBudget: '$900', dailyBudget: '$1', strict: false, maxAgents: 9, priceJump: 99 },
      prices: [{ endpoint: 'a.com', price: '$0.01' }],
      agents: { 'a*': { inheritParentPolicy: false } },
      loops: { maxIterations: 4 },
      cache: { scope: 'user', defaultTTL: 9_999, reuse: [{ endpoint: 'b.com' }] },
    });
    const said = open().remarks(session('s')).map((text) => text.slice(projectFile.length + 2));
    const loosens = (field: string, value: string, stays: string) => `${field} is ${value} and would loosen what your own settings say, which a project's file cannot; ${stays} stays in force`;
    expect(said).toEqual([
      loosens('policy.sessionBudget', '$900.00', '$5.00'),
      loosens('policy.maxAgents', '9', '3'),
      loosens('policy.strict', 'false', 'true'),
      loosens('mode', 'shadow', 'enforce'),
      loosens('cache.scope', 'user', 'session'),
      loosens('cache.defaultTTL', '9999', '1800'),
      loosens('cache.reuse', '"b.com"', 'what your own file names'),
      loosens('agents.a*.inheritParentPolicy', 'false', 'true'),
      loosens('the price of "a.com"', '$0.01', '$0.02'),
      loosens('policy.priceJump', '99', '1.5'),
      'timeZone counts in your own config.json alone, as the day is one for all projects',
    ]);
  });

  it('says of no file that it loosens where it only tightens', () => {
    const { files, projectFile, open, session, write } = setUp();
    const same = { policy: { sessionBudget: '$1', strict: true, alertOnThreshold: 0.5 }, loops: { maxIterations: 2 }, cache: { enabled: false, reuse: [{ endpoint: 'b.com' }] }, agents: { a: { agentBudget: '$1' } } };
    write(files.userFile, { cache: { reuse: [{ endpoint: 'b.com' }] } });
    write(projectFile, same);
    expect(open().remarks(session('s'))).toEqual([]);
    write(files.userFile, same);
    expect(open().remarks(session('s'))).toEqual([]);
  });

  it('claims a last good file only where there was one', () => {
    const { files, projectFile, open, session, write } = setUp();
    const stays = (policies: ReturnType<typeof open>) => policies.problems(session('s')).map((one) => one.stays);
    const none = 'there is no earlier one to go by, so nothing that can cost is let through until it is mended';
    write(files.userFile, '{');
    const policies = open();
    expect(stays(policies)).toEqual([none]);
    write(files.userFile, {});
    expect(stays(policies)).toEqual([]);
    write(files.userFile, '{');
    expect(stays(policies)).toEqual(['the last good configuration stays in force']);
    write(files.userFile, {});
    write(projectFile, '{');
    expect(stays(open())).toEqual([none]);
    expect(open().problems(session('s', { options: { sessionBudget: '5' } })).at(-1)).toEqual({ says: 'plugin option sessionBudget: "5" is not an amount; write dollars as "$5"', stays: 'it counts as not set' });
  });

  it('is narrowed by the project, never widened', () => {
    const { projectFile, open, session, write } = setUp();
    write(projectFile, { policy: { sessionBudget: '$1', dailyBudget: '$900' } });
    expect(open().of(session('s'))?.policy).toMatchObject({ sessionBudget: 1_000_000n, dailyBudget: 20_000_000n });
  });

  it('watches only where the user says so; a project’s file cannot, and can end it', () => {
    const { files, projectFile, open, session, write } = setUp();
    const policies = open();
    const mode = () => [policies.of(session('s'))?.policy.mode, policies.mode()];
    expect(mode()).toEqual(['enforce', 'enforce']);
    write(projectFile, { mode: 'shadow' });
    expect(mode()).toEqual(['enforce', 'enforce']);
    write(files.userFile, { mode: 'shadow' });
    expect(mode()).toEqual(['shadow', 'shadow']);
    write(projectFile, { mode: 'enforce' });
    expect(mode()).toEqual(['enforce', 'shadow']);
  });

  it('takes the user’s cache rules, which a project shortens and narrows', () => {
    const { files, projectFile, open, session, write } = setUp();
    const reuse = [{ endpoint: 'api.exa.ai/*' }];
    write(files.userFile, { cache: { scope: 'user', ttlRules: [{ pattern: 'docs', ttl: 3_600 }], reuse } });
    expect(open().of(session('s'))?.policy.cache).toMatchObject({ enabled: true, scope: 'user', defaultTtl: 1_800, limits: [] });
    write(projectFile, { cache: { scope: 'project', defaultTTL: 60, ttlRules: [{ pattern: 'docs/beta', ttl: 5 }], reuse: [{ endpoint: 'pay.example/*' }] } });
    const { cache } = open().of(session('s'))!.policy;
    expect(cache).toMatchObject({ scope: 'project', defaultTtl: 60, ttlRules: [{ ttl: 3_600 }], reuse: [{ endpoint: 'api.exa.ai/*' }], limits: [{ ttlRules: [{ ttl: 5 }], reuse: [{ endpoint: 'pay.example/*' }] }] });
    write(projectFile, { cache: { enabled: false, scope: 'user', defaultTTL: 9_999 } });
    expect(open().of(session('s'))?.policy.cache).toMatchObject({ enabled: false, scope: 'user', defaultTtl: 1_800 });
  });

  it('pays where the user says, in dollars it knows without being told, and a project can only leave out', () => {
    const { files, projectFile, open, session, write } = setUp();
    const [base, sepolia] = DEFAULT_PAYMENT.networks;
    expect(open().of(session('s'))?.policy.payment).toEqual(DEFAULT_PAYMENT);
    expect(open().networks()).toEqual(DEFAULT_PAYMENT.networks);
    const [seller, other] = ['0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC', '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'];
    write(files.userFile, { networks: [{ id: sepolia!.id, rpc: 'http://127.0.0.1:8545' }, { id: base!.id }], policy: { payees: [seller, other], priceJump: 3 } });
    write(projectFile, { networks: [{ id: sepolia!.id, rpc: 'https://liar.example' }, { id: 'eip155:1', assets: [seller] }], policy: { payees: [seller], priceJump: 9 } });
    const mine = { ...sepolia!, rpc: 'http://127.0.0.1:8545' };
    expect(open().of(session('s'))?.policy.payment).toEqual({ networks: [mine], payees: [[seller, other].map((one) => one.toLowerCase()), [seller.toLowerCase()]], priceJump: 3 });
    expect(open().networks()).toEqual([mine, base]);
  });

  it('of a nested session is bound by the one above, whatever its options and folder say', () => {
    const { open, session } = setUp();
    session('outer', { options: { sessionBudget: '$2' } });
    const inner = session('inner', { parent: { session: 'outer', agent: 'main' }, options: { sessionBudget: '$50' }, cwd: '/elsewhere' });
    expect(open().of(inner)?.policy.sessionBudget).toBe(2_000_000n);
  });
});
