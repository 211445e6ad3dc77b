import { describe, expect, it } from 'vitest';
import { runSession, type SessionOptions, type SessionOutcome } from './session.ts';
import { marker } from './script.ts';
import type { Stage } from './stage.ts';
import { staged } from './staged.ts';

/** A person's permission rules see what the model wrote: with pag0 everything is allowed, denied and asked as without. */
const { stage } = staged();

const bash = (command: string) => ({ name: 'Bash', input: { command } });

/** What ran, what was refused, and what the model read of it; a refusal's words are the client's. */
function outcomes({ toolCalls }: SessionOutcome): unknown[] {
  return toolCalls.map(({ input, isError, result }) => [input, isError, result]);
}

const RULES: [name: string, rules: object][] = [
  ['a deny rule on the beginning of a command', { allow: ['Bash(curl:*)'], deny: ['Bash(curl -s SELLER/secret:*)'] }],
  ['an allow rule with options', { allow: ['Bash(curl -sS:*)', 'Bash(wget -qO-:*)'] }],
  ['an exact allow rule', { allow: ['Bash(curl -s SELLER/a)'] }],
  ['no rule', {}],
];
const MODES: [name: string, more: Partial<SessionOptions>][] = [
  ['in default mode', { skipPermissions: false, permissionMode: 'default' }],
  ['with permissions skipped', { skipPermissions: true }],
];

describe.each(MODES)('permission rules %s', (_mode, mode) => {
  it.each(RULES)('mean the same with pag0 as without: %s', async (_name, rules) => {
    const s = await stage('$0.01', (here: Stage) => ({
      work: [
        [bash(`curl -s ${here.seller.url}/secret/key`)],
        [bash(`curl -s ${here.seller.url}/a`)],
        [bash(`curl -sS ${here.seller.url}/b`)],
        [bash(`wget -qO- ${here.seller.url}/c`)],
        [bash(`curl -s ${here.seller.url}/d | head -c 9; echo; curl -s ${here.seller.url}/e`)],
        'Done.',
      ],
    }));
    const permissions = JSON.parse(JSON.stringify(rules).replaceAll('SELLER', s.seller.url)) as object;
    const options = { ...mode, settings: { permissions } };
    const bare = await runSession({ workspace: s.workspace, apiUrl: s.model.url, prompt: marker('work'), ...options });
    const seen = s.seller.requests.splice(0);
    const withUs = await s.session(marker('work'), options);
    expect(outcomes(withUs)).toEqual(outcomes(bare));
    expect(s.seller.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(seen.map(({ method, path }) => `${method} ${path}`));
    expect(withUs.toolCalls).toHaveLength(5);
  });
});
