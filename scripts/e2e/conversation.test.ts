import { expect, test } from 'vitest';
import { currentPrompt, type Message, toolResultsIn } from './conversation.ts';

const user = (content: Message['content']): Message => ({ role: 'user', content });
const said: Message = { role: 'assistant', content: [{ type: 'text', text: 'ok' }] };
const result = user([{ type: 'tool_result', tool_use_id: 't1', content: [{ type: 'text', text: '[[script:other]]' }] }]);

const cases: [name: string, messages: Message[], expected: object | undefined][] = [
  ['no marker names no script', [user('hello')], undefined],
  ['assistant turns are the step', [user('[[script:a]]'), said, result, said], { script: 'a', step: 2, iteration: 1 }],
  ['a marker inside a tool result is not a prompt', [user('[[script:a]]'), said, result], { script: 'a', step: 1 }],
  ['a prompt without a marker leaves the script going', [user('[[script:a]]'), said, user('go on')], { script: 'a', step: 1 }],
  ['a Stop hook that feeds the prompt again starts the next iteration', [user('[[script:a]]'), said, user('Stop hook feedback:\n[[script:a]]')], { step: 0, iteration: 2 }],
  ['newer clients put that into a reminder', [user('[[script:a]]'), said, user('<system-reminder>\nThe output of a hook.\nStop hook feedback:\n[[script:a]]\n</system-reminder>')], { step: 0, iteration: 2 }],
  ['a slash command told in two messages is one prompt', [user('<command-args>[[script:a]]</command-args>'), user('Do [[script:a]]')], { step: 0, iteration: 1 }],
  ['a background report quotes without meaning it', [user('[[script:a]]'), said, user('<task-notification>[[script:b]]</task-notification>')], { script: 'a', step: 1 }],
  ['a system message is not a prompt', [user('[[script:a]]'), { role: 'system', content: '[[script:b]]' }], { script: 'a', step: 0 }],
];

test.each(cases)('%s', (_name, messages, expected) => {
  const prompt = currentPrompt(messages);
  if (expected === undefined) expect(prompt).toBeUndefined();
  else expect(prompt).toMatchObject(expected);
});

test('tool results are read in order, with their text', () => {
  expect(toolResultsIn([user('x'), said, result])).toEqual([{ id: 't1', text: '[[script:other]]', isError: false }]);
});
