import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { type MessagesApi, startMessagesApi } from './messages-api.ts';
import { startPricedApi } from './priced-api.ts';
import { openScreen } from './screen.ts';
import { marker, type Scripts } from './script.ts';
import { runSession } from './session.ts';
import { createWorkspace, type Workspace } from './workspace.ts';

const LOOP_PLUGIN = fileURLToPath(new URL('./loop-plugin/', import.meta.url));
const LIMIT = 60_000;

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const resource of open.splice(0).reverse()) await resource.close();
});

async function stage(scripts: Scripts): Promise<{ api: MessagesApi; workspace: Workspace }> {
  const api = await startMessagesApi(scripts);
  const workspace = await createWorkspace();
  open.push(api, { close: () => workspace.dispose() });
  return { api, workspace };
}

test('a Bash step runs in the real client and the scripted model reads its output', { timeout: LIMIT }, async () => {
  const { api, workspace } = await stage({
    shell: [[{ name: 'Bash', input: { command: 'echo seen-$((40 + 2))' } }], ({ toolResults }) => `It said ${toolResults[0]?.text}`],
  });
  const session = await runSession({ workspace, apiUrl: api.url, prompt: marker('shell'), skipPermissions: true });
  expect(session).toMatchObject({ exitCode: 0, timedOut: false, result: { subtype: 'success', result: 'It said seen-42' } });
  expect(session.toolCalls).toMatchObject([{ name: 'Bash', parent: null, result: 'seen-42', isError: false }]);
  expect(api.modelCalls()).toBe(2);
});

test('a subagent and its own subagent each follow the script in their prompt', { timeout: LIMIT }, async () => {
  const agent = (script: string) => ({
    name: 'Agent',
    input: { description: script, prompt: marker(script), subagent_type: 'general-purpose', run_in_background: false },
  });
  const { api, workspace } = await stage({
    root: [[agent('child')]],
    child: [[agent('grandchild')], 'The child is done.'],
    grandchild: [[{ name: 'Bash', input: { command: 'echo from-the-bottom' } }], 'The grandchild is done.'],
  });
  const session = await runSession({ workspace, apiUrl: api.url, prompt: marker('root'), skipPermissions: true });
  const read = api.toolResults().map((result) => result.text);
  expect(session.result?.subtype).toBe('success');
  expect(read).toEqual([
    'from-the-bottom',
    expect.stringContaining('The grandchild is done.'),
    expect.stringContaining('The child is done.'),
  ]);
});

test('the loop plugin feeds its prompt again until its state file is gone', { timeout: LIMIT }, async () => {
  const { api, workspace } = await stage({
    work: [
      ({ iteration }) => [{ name: 'Bash', input: { command: iteration < 3 ? `echo round-${iteration}` : 'rm .claude/ralph-loop.local.md' } }],
      ({ iteration }) => `Round ${iteration} is over.`,
    ],
  });
  const session = await runSession({
    workspace,
    apiUrl: api.url,
    pluginDirs: [LOOP_PLUGIN],
    prompt: `/ralph-loop:ralph-loop ${marker('work')} improve it`,
    skipPermissions: true,
  });
  const stops = session.hookEvents.filter((event) => event.hook_event === 'Stop').map((event) => event.output.includes('"block"'));
  expect(session.result?.result).toBe('Round 3 is over.');
  expect(stops).toEqual([true, true, false]);
});

test('the loop plugin stops by itself only when it was given a maximum', { timeout: LIMIT }, async () => {
  const { api, workspace } = await stage({ work: [({ iteration }) => `Round ${iteration}.`] });
  const session = await runSession({
    workspace,
    apiUrl: api.url,
    pluginDirs: [LOOP_PLUGIN],
    prompt: `/ralph-loop:ralph-loop --max-iterations 2 ${marker('work')}`,
  });
  expect(session.result?.result).toBe('Round 2.');
  await expect(access(join(workspace.cwd, '.claude', 'ralph-loop.local.md'))).rejects.toThrow();
});

test('a client that does not end in time is ended and says so', { timeout: LIMIT }, async () => {
  const { api, workspace } = await stage({ stuck: [[{ name: 'Bash', input: { command: 'sleep 20' } }]] });
  const session = await runSession({ workspace, apiUrl: api.url, prompt: marker('stuck'), skipPermissions: true, timeoutMs: 3_000 });
  expect(session.timedOut).toBe(true);
  expect(session.result?.subtype).not.toBe('success');
  expect(session.durationMs).toBeLessThan(10_000);
});

test('the interactive screen opens without a first-run question and takes a prompt', { timeout: LIMIT }, async () => {
  const { api, workspace } = await stage({ hello: ['Good morning from the script.'] });
  const screen = await openScreen({ workspace, apiUrl: api.url });
  open.push({ close: () => screen.end() });
  await screen.waitFor('❯');
  await screen.submit(marker('hello'));
  await screen.waitFor('Good morning from the script.');
});

test('a person can refuse a command on the screen', { timeout: LIMIT }, async () => {
  const { api, workspace } = await stage({ write: [[{ name: 'Bash', input: { command: 'touch refused.txt' } }]] });
  const screen = await openScreen({ workspace, apiUrl: api.url });
  open.push({ close: () => screen.end() });
  await screen.waitFor('❯');
  await screen.submit(marker('write'));
  await screen.answer('Do you want to proceed?', 'Escape');
  await screen.waitFor('Interrupted');
  await expect(access(join(workspace.cwd, 'refused.txt'))).rejects.toThrow();
});

test('the priced API counts what reached it and answers in both completion shapes', async () => {
  const api = await startPricedApi();
  open.push(api);
  const search = await fetch(`${api.url}/search?q=x402`);
  const chat = await fetch(`${api.url}/v1/chat/completions`, { method: 'POST', body: '{"model":"m"}' });
  expect(await search.json()).toMatchObject({ query: 'x402' });
  expect(await chat.json()).toMatchObject({ model: 'm', usage: { prompt_tokens: 100, completion_tokens: 20 } });
  expect((await fetch(`${api.url}/status/500`)).status).toBe(500);
  expect([api.count('/search'), api.count()]).toEqual([1, 3]);
});
