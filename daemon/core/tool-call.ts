import { canonicalJson } from './canonical-json.ts';
import { firstMember, spanOf, spliced, valueEnd } from './json-span.ts';

/**
 * MCP's `tools/call` as x402 uses it (specs/transports-v2/mcp.md, transports-v1/mcp.md): a result that demands, the call once
 * more with the payment in `_meta`, and the settlement in the `_meta` of its result.
 */
const PAYMENT = 'x402/payment';
const SETTLEMENT = 'x402/payment-response';
/** Older servers wrap a demand that they give as text. */
const ENVELOPE = 'x402/error';
/** Where the client names the tool call it was asked for by its model. */
const TOOL_USE_ID = 'claudecode/toolUseId';
/** JSON-RPC errors that may hold a demand: x402's first version, and MCP's "something has to be done first". */
const DEMANDING_ERRORS = new Set([402, -32042]);
/** Characters. */
const MAX_SETTLEMENT = 4_096;

/** A client's call, as far as paying for it needs to know it. */
export interface AskedCall {
  /** JSON, as it was written: `1` and `"1"` are two ids. */
  id: string;
  tool: string;
  /** Canonical JSON. */
  arguments: string;
  toolUseId: string | null;
  /** The whole message. */
  text: string;
}

/** A server's answer, as far as paying for it needs to know it. */
export interface ToolAnswer {
  id: string;
  /** JSON of what x402 calls PaymentRequired; null: it demands nothing. */
  demand: string | null;
  /** What is said of a settlement; null: nothing. */
  settlement: object | null;
  /** The tool failed, or the server did. */
  failed: boolean;
  /** As MCP 2026-07-28 wants it said of each result; an answer in the place of this one says it, too. */
  typed: boolean;
}

/** null: no call, one among several in a batch, or one that its sender pays for. */
export function toolCallIn(text: string): AskedCall | null {
  if (!text.includes('tools/call')) return null;
  const message = objectIn(text);
  const params = message === null ? null : asObject(message['params']);
  const tool = params?.['name'];
  if (message?.['method'] !== 'tools/call' || typeof tool !== 'string' || !isId(message['id'])) return null;
  const meta = asObject(params!['_meta']);
  if (meta?.[PAYMENT] !== undefined) return null;
  const toolUseId = meta?.[TOOL_USE_ID];
  const asked = spanOf(text, ['params', 'arguments']);
  const written = asked === null ? '{}' : text.slice(asked.start, asked.end);
  return { id: JSON.stringify(message['id']), tool, arguments: canonicalJson(written) ?? written, toolUseId: typeof toolUseId === 'string' && toolUseId.length <= 256 ? toolUseId : null, text };
}

/** null: no answer to anything. */
export function toolAnswerIn(text: string): ToolAnswer | null {
  const message = objectIn(text);
  if (message === null || message['method'] !== undefined || !isId(message['id'])) return null;
  const id = JSON.stringify(message['id']);
  const error = asObject(message['error']);
  if (error !== null) {
    const data = asObject(error['data']);
    return { id, demand: DEMANDING_ERRORS.has(Number(error['code'])) ? demandIn(data) : null, settlement: asObject(data?.[SETTLEMENT]), failed: true, typed: false };
  }
  const result = asObject(message['result']);
  if (result === null) return null;
  const failed = result['isError'] === true;
  const structured = asObject(result['structuredContent']);
  const settlement = asObject(asObject(result['_meta'])?.[SETTLEMENT]) ?? (failed ? asObject(structured?.[SETTLEMENT]) : null);
  return { id, demand: failed ? (demandIn(structured) ?? demandIn(objectIn(firstText(result)))) : null, settlement, failed, typed: typeof result['resultType'] === 'string' };
}

/** The ids of what is asked in a message or a batch of them, as JSON has them. */
export function requestsIn(text: string): string[] {
  return text.includes('"method"') ? idsIn(text, (message) => message['method'] !== undefined) : [];
}

/** The ids of what is answered in it. */
export function answersIn(text: string): string[] {
  return text.includes('"id"') ? idsIn(text, (message) => message['method'] === undefined) : [];
}

function idsIn(text: string, wanted: (message: Record<string, unknown>) => boolean): string[] {
  const value = valueIn(text);
  return (Array.isArray(value) ? value : [value]).flatMap((one) => {
    const message = asObject(one);
    return message !== null && wanted(message) && isId(message['id']) ? [JSON.stringify(message['id'])] : [];
  });
}

/** The id of the call that this takes back (`notifications/cancelled`), as it was written; null: it takes back none. */
export function cancelledIn(text: string): string | null {
  if (!text.includes('notifications/cancelled')) return null;
  const message = objectIn(text);
  const id = message?.['method'] === 'notifications/cancelled' ? asObject(message['params'])?.['requestId'] : null;
  return isId(id) ? JSON.stringify(id) : null;
}

/** The same for a call with another id. */
export function cancelling(id: string, text: string): string {
  return spliced(text, [{ ...spanOf(text, ['params', 'requestId'])!, text: id }]);
}

/** Of an answer that is too long to be read as a whole: what its beginning says of a settlement. */
export function settlementWithin(beginning: string): object | null {
  const at = beginning.indexOf(`"${SETTLEMENT}"`);
  const member = at < 0 ? null : /^"[^"]+"\s*:\s*(\{.*)$/s.exec(beginning.slice(at, at + MAX_SETTLEMENT));
  return member === null ? null : objectIn(member[1]!.slice(0, valueEnd(member[1]!, 0)));
}

/** The same call under an id of its own (ids are not used twice), with the payment beside what else `_meta` holds. */
export function paidCall({ text }: AskedCall, id: string, payment: unknown): string {
  const member = `${JSON.stringify(PAYMENT)}:${JSON.stringify(payment)}`;
  const meta = spanOf(text, ['params', '_meta']);
  const put = meta === null ? firstMember(text, spanOf(text, ['params'])!, `"_meta":{${member}}`) : text[meta.start] === '{' ? firstMember(text, meta, member) : { ...meta, text: `{${member}}` };
  return spliced(text, [{ ...spanOf(text, ['id'])!, text: id }, put]);
}

/** The answer as one to the call with this id. */
export function answerTo(id: string, text: string): string {
  return spliced(text, [{ ...spanOf(text, ['id'])!, text: id }]);
}

/** pag0's own word in a result's place. */
export function refusedAnswer(id: string, sentence: string, { typed }: Pick<ToolAnswer, 'typed'>): string {
  return `{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify({ ...(typed ? { resultType: 'complete' } : {}), content: [{ type: 'text', text: sentence }], isError: true })}}`;
}

function demandIn(value: Record<string, unknown> | null): string | null {
  const demands = [value, asObject(asObject(value?.[ENVELOPE])?.['data'])].find((one) => one?.['x402Version'] !== undefined && Array.isArray(one['accepts']));
  try {
    return demands == null ? null : JSON.stringify(demands);
  } catch {
    // Nested too deep to be written, and so to be meant.
    return null;
  }
}

function firstText(result: Record<string, unknown>): string {
  const { content } = result;
  const first = Array.isArray(content) ? asObject(content[0]) : null;
  const text = first?.['type'] === 'text' ? first['text'] : null;
  return typeof text === 'string' && text.includes('x402Version') ? text : '';
}

function objectIn(text: string): Record<string, unknown> | null {
  return asObject(valueIn(text));
}

function valueIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function asObject(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
}

function isId(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}
