import { describe, expect, it } from 'vitest';
import { marker } from './script.ts';
import { agent } from './stage.ts';
import { staged } from './staged.ts';

/** Whose a request is, through the real client: nothing but the session's environment, and the system's word. */
const { stage } = staged();

const bash = (command: string, more: object = {}) => ({ name: 'Bash', input: { command, ...more } });
const CACHED = { cache: { enabled: true } };
const NAMES = ['a', 'b', 'c', 'd', 'e'];

/** What each subagent paid, dearest first. */
function costs(report: { byAgent: { id: string; cost: string }[] }): string[] {
  return report.byAgent.filter(({ id }) => id !== 'main').map(({ cost }) => cost).sort((one, other) => Number(other) - Number(one));
}

describe("a command's text", () => {
  it('is run and recorded as the model wrote it', async () => {
    const s = await stage('$0.10', (here) => ({ work: [[bash(`curl -s ${here.seller.url}/a; tr '\\0' '\\n' < /proc/$$/cmdline | tail -1`)], 'Done.'] }));
    const session = await s.session(marker('work'));
    const [call] = session.toolCalls;
    expect(call!.result).toContain('"path":"/a"');
    expect(call!.result).toContain(`eval 'curl -s ${s.seller.url}/a; tr`);
    expect(JSON.stringify(session.events)).not.toContain('updatedInput');
    expect(await s.report()).toMatchObject({ totalCost: '100000', totalRequests: 1 });
  });
});

describe('what goes on when its call has ended', () => {
  const SHAPES: [name: string, command: (url: string) => string, more?: object][] = [
    ['run_in_background', (url) => `curl -s -X POST -d x=1 ${url}`, { run_in_background: true }],
    ['&', (url) => `curl -s -X POST -d x=1 ${url} & sleep 0.3`],
    ['& that nobody waits for', (url) => `(sleep 0.4; curl -s -X POST -d x=1 ${url}) > /dev/null 2>&1 &`],
    ['nohup', (url) => `nohup sh -c 'sleep 0.4; curl -s -X POST -d x=1 ${url}' > /dev/null 2>&1 &`],
    ['setsid', (url) => `setsid sh -c 'sleep 0.4; curl -s -X POST -d x=1 ${url}' > /dev/null 2>&1 &`],
    ['timeout', (url) => `timeout 9 curl -s -X POST -d x=1 ${url} &`],
  ];
  it.each(SHAPES)('is paid once and by its own agent: %s', async (...[, command, more = {}]) => {
    const s = await stage('$0.10', (here) => ({
      lead: [[agent('general-purpose', 'one'), agent('general-purpose', 'two')], [bash('sleep 1.5')], 'Done.'],
      one: [[bash(command(`${here.seller.url}/post`), more)], [bash('sleep 1')], 'Read.'],
      two: [[bash('sleep 1.2')], 'Slept.'],
    }), CACHED);
    await s.session(marker('lead'));
    expect(s.seller.count('/post')).toBe(1);
    const report = await s.report();
    expect([report.totalCost, costs(report)]).toEqual(['100000', ['100000']]);
  });

  it('a loop of three costs three', async () => {
    const s = await stage('$0.10', (here) => ({ work: [[bash(`for n in 1 2 3; do curl -s -X POST -d n=$n ${here.seller.url}/post; done`, { run_in_background: true })], [bash('sleep 1')], 'Done.'] }), CACHED);
    await s.session(marker('work'));
    expect(await s.report()).toMatchObject({ totalCost: '300000', totalRequests: 3 });
  });

  it('five background GETs of one document cost one, each on its own agent', async () => {
    const s = await stage('$0.10', (here) => ({
      lead: [NAMES.map((name) => agent('general-purpose', name)), 'Done.'],
      ...Object.fromEntries(NAMES.map((name) => [name, [[bash(`curl -s ${here.seller.url}/docs/guide`, { run_in_background: true })], [bash('sleep 1')], 'Read.']])),
    }), CACHED);
    await s.session(marker('lead'));
    expect(s.seller.count()).toBe(1);
    const report = await s.report();
    expect(report).toMatchObject({ totalCost: '100000', totalRequests: 5 });
    expect(report.byAgent.filter(({ id }) => id !== 'main').map(({ requests }) => requests)).toEqual([1, 1, 1, 1, 1]);
  });
});

describe('agents at work at once', () => {
  it('are each held to their own budget by Python and Node, whatever the others do', async () => {
    const program = (url: string) => `import urllib.request as u
for n in range(5):
  try: u.urlopen("${url}/%d" % n).read()
  except Exception as e: print(e)`;
    const names = ['p', 'q', 'r'];
    const s = await stage('$0.10', (here) => ({
      lead: [names.map((name) => agent('general-purpose', name)), 'Done.'],
      ...Object.fromEntries(names.map((name) => [name, [[bash(`python3 -c '${program(`${here.seller.url}/${name}`)}'; sleep 0.5`)], 'Read.']])),
    }), { agents: { 'general-purpose': { agentBudget: '$0.20' } } });
    await s.session(marker('lead'));
    const report = await s.report();
    expect(costs(report)).toEqual(['200000', '200000', '200000']);
    expect(report.totalCost).toBe('600000');
  });

  it('with equal commands are told apart, or charged to whoever is above both', async () => {
    const s = await stage('$0.10', (here) => ({
      lead: [NAMES.map((name) => agent('general-purpose', name)), 'Done.'],
      ...Object.fromEntries(NAMES.map((name) => [name, [[bash(`sleep 0.2; curl -s -X POST -d x=1 ${here.seller.url}/post`)], 'Read.']])),
    }), CACHED);
    await s.session(marker('lead'));
    const report = await s.report();
    expect(report.totalCost).toBe('500000');
    // Who starts them all at once leaves nothing to tell them apart by.
    for (const { id, cost } of report.byAgent) if (id !== 'main') expect(cost).toBe('100000');
  });
});
