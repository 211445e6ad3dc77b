import { appendFileSync } from 'node:fs';

// An MCP server that answers and asks as a real one may. `answersTo(line, say)`: what it says to
// one message.
const TOOL = {
  name: 'search',
  description: 'Searches.',
  inputSchema: { type: 'object', properties: { query: { type: 'string' } } },
};
const RESULTS = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion: protocolVersion === '2026-07-28' ? '2025-11-25' : protocolVersion,
    capabilities: { tools: {}, prompts: {}, resources: {}, logging: {} },
    serverInfo: { name: 'echo', version: '1' },
  }),
  'tools/list': () => ({ tools: [TOOL] }),
  'prompts/list': () => ({ prompts: [{ name: 'greet', description: 'größe' }] }),
  'resources/list': () => ({ resources: [{ uri: 'echo://one', name: 'one' }] }),
  'resources/read': ({ uri }) => ({ contents: [{ uri, text: 'a resource, 서울' }] }),
  'tools/call': ({ arguments: { query } }) => ({
    content: [{ type: 'text', text: `found ${query} ${'ü'.repeat(300_000).length}` }],
  }),
};

export function answersTo(text, say) {
  const { id, method, params } = JSON.parse(text);
  if (method === undefined || id === undefined) return;
  if (method === 'tools/call') {
    say({ id: 'server-1', method: 'ping' });
    say({ id: 'server-2', method: 'roots/list' });
    say({
      method: 'notifications/progress',
      params: { progressToken: params._meta?.progressToken, progress: 1 },
    });
  }
  const result = RESULTS[method];
  say(
    result === undefined
      ? { id, error: { code: -32601, message: `no ${method}` } }
      : { id, result: result(params ?? {}) },
  );
}

// On stdio every line that it hears goes into the file that is its argument, and how it ended.
if (process.argv[2] !== undefined && import.meta.url === `file://${process.argv[1]}`) {
  const heard = (text) => appendFileSync(process.argv[2], `${text}\n`);
  const say = (message) =>
    process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const { createInterface } = await import('node:readline');
  createInterface({ input: process.stdin }).on('line', (line) => {
    heard(line);
    answersTo(line, say);
  });
}
