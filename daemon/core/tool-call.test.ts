import { describe, expect, it } from 'vitest';
import { answerTo, paidCall, refusedAnswer, settlementWithin, toolAnswerIn, toolCallIn } from './tool-call.ts';

const DEMAND = { x402Version: 2, accepts: [{ scheme: 'exact' }] };
const call = (params: unknown, more: object = {}): string => JSON.stringify({ jsonrpc: '2.0', id: 3, method: 'tools/call', params, ...more });
const result = (value: unknown): string => JSON.stringify({ jsonrpc: '2.0', id: 3, result: value });
const textOf = (value: unknown) => ({ content: [{ type: 'text', text: JSON.stringify(value) }] });

describe('a tool call', () => {
  it('is known by its tool and its arguments, whatever the order they were written in', () => {
    expect(toolCallIn(call({ name: 'search', arguments: { b: 1, a: [2] }, _meta: { 'claudecode/toolUseId': 'toolu_1' } }))).toMatchObject({ id: '3', tool: 'search', arguments: '{"a":[2],"b":1}', toolUseId: 'toolu_1' });
    expect(toolCallIn(call({ name: 'search' }, { id: '3' }))).toMatchObject({ id: '"3"', arguments: '{}', toolUseId: null });
  });

  it.each([
    ['another method', JSON.stringify({ id: 1, method: 'tools/list', params: { name: 'tools/call' } })],
    ['a call that nobody wants an answer to', call({ name: 'x' }, { id: undefined })],
    ['a call without a name', call({})],
    ['a batch', `[${call({ name: 'x' })}]`],
    ['half a call', call({ name: 'x' }).slice(0, -2)],
    ['a call that its sender pays for', call({ name: 'x', _meta: { 'x402/payment': {} } })],
  ])('is none: %s', (_, text) => {
    expect(toolCallIn(text)).toBeNull();
  });

  it.each([
    ['{"id":1,"method":"tools/call","params":{"name":"x","arguments":{"n":1.0,"big":12345678901234567890}}}', '{"id":"p","method":"tools/call","params":{"_meta":{"x402/payment":{"y":1}},"name":"x","arguments":{"n":1.0,"big":12345678901234567890}}}'],
    ['{"params":{"_meta":{"progressToken":2},"name":"x"},"method":"tools/call","id":"a"}', '{"params":{"_meta":{"x402/payment":{"y":1},"progressToken":2},"name":"x"},"method":"tools/call","id":"p"}'],
    ['{"id":1,"method":"tools/call","params":{"name":"x","_meta":null}}', '{"id":"p","method":"tools/call","params":{"name":"x","_meta":{"x402/payment":{"y":1}}}}'],
  ])('with its payment is the same to the last letter: %s', (asked, paid) => {
    expect(paidCall(toolCallIn(asked)!, '"p"', { y: 1 })).toBe(paid);
  });
});

describe('an answer', () => {
  it.each([
    ['both ways', result({ isError: true, structuredContent: DEMAND, ...textOf({ ...DEMAND, x402Version: 1 }) })],
    ['as text alone', result({ isError: true, ...textOf(DEMAND) })],
    ['as text beside other structured content', result({ isError: true, structuredContent: { kind: 'error' }, ...textOf(DEMAND) })],
    ['in an envelope', result({ isError: true, ...textOf({ 'x402/error': { code: 402, data: DEMAND } }) })],
    ['in a structured envelope', result({ isError: true, structuredContent: { 'x402/error': { code: 402, data: DEMAND } } })],
    ['as an error', JSON.stringify({ id: 3, error: { code: 402, message: 'pay', data: DEMAND } })],
    ['as "something has to be done first"', JSON.stringify({ id: 3, error: { code: -32042, message: 'pay', data: DEMAND } })],
  ])('demands: %s', (_, text) => {
    expect(toolAnswerIn(text)).toMatchObject({ id: '3', failed: true, demand: JSON.stringify(DEMAND) });
  });

  it.each([
    ['no error', result({ structuredContent: DEMAND, ...textOf(DEMAND) })],
    ['another error', result({ isError: true, content: [{ type: 'text', text: 'x402Version is missing' }] })],
    ['an error of another kind', JSON.stringify({ id: 3, error: { code: -32602, message: 'x402Version', data: DEMAND } })],
    ['a list of the second text', result({ isError: true, content: [{ type: 'text', text: 'hello' }, { type: 'text', text: JSON.stringify(DEMAND) }] })],
  ])('demands nothing: %s', (_, text) => {
    expect(toolAnswerIn(text)).toMatchObject({ id: '3', demand: null });
  });

  it.each(['', '{', '[]', 'null', '7', '{"id":3}', '{"id":null,"result":{}}', '{"method":"ping","id":3,"result":{}}', `${'['.repeat(50_000)}`, `{"id":3,"result":${'{"a":'.repeat(20_000)}`])('is none where there is none: %.20s', (text) => {
    expect(toolAnswerIn(text)).toBeNull();
  });

  it('that nobody could write again demands nothing', () => {
    expect(toolAnswerIn(`{"id":3,"result":{"isError":true,"structuredContent":{"x402Version":2,"accepts":[${'['.repeat(20_000)}${']'.repeat(20_000)}]}}}`)?.demand ?? null).toBeNull();
  });

  it('says what is said of a settlement, in the result or beside a new demand', () => {
    const said = { success: false, errorReason: 'insufficient_funds' };
    expect(toolAnswerIn(result({ content: [], _meta: { 'x402/payment-response': said } }))?.settlement).toEqual(said);
    expect(toolAnswerIn(result({ isError: true, structuredContent: { ...DEMAND, 'x402/payment-response': said } }))?.settlement).toEqual(said);
    expect(toolAnswerIn(JSON.stringify({ id: 3, error: { code: 402, data: { 'x402/payment-response': said } } }))?.settlement).toEqual(said);
    expect(toolAnswerIn(result({ structuredContent: { 'x402/payment-response': said } }))?.settlement).toBeNull();
  });

  it('that is cut off says what its beginning says of a settlement', () => {
    const said = { success: true, transaction: '0x1', more: { a: ['}'] } };
    const whole = result({ content: [{ type: 'text', text: '"x402/payment-response":{}' }], _meta: { a: 1, 'x402/payment-response': said }, rest: 'x' });
    const cut = (letter: string): string => whole.slice(0, whole.indexOf(letter));
    expect(settlementWithin(cut('"rest"'))).toEqual(said);
    for (const beginning of [cut('"more"'), cut('"_meta"'), '', '"x402/payment-response"', `{"x402/payment-response":{"a":"${'x'.repeat(5_000)}"}}`]) expect(settlementWithin(beginning)).toBeNull();
  });

  it('goes to whoever asked first, letter by letter', () => {
    expect(answerTo('7', '{"result":{"n":1.0,"id":"x"},"id":"pag0-1"}')).toBe('{"result":{"n":1.0,"id":"x"},"id":7}');
  });

  it('of pag0’s own is a result like the one in whose place it stands', () => {
    expect(JSON.parse(refusedAnswer('"a"', 'no', { typed: false }))).toEqual({ jsonrpc: '2.0', id: 'a', result: { content: [{ type: 'text', text: 'no' }], isError: true } });
    expect(JSON.parse(refusedAnswer('1', 'no', { typed: true }))).toMatchObject({ result: { resultType: 'complete' } });
  });
});
