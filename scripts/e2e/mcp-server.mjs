import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

// An MCP server on stdio with one tool, `search`. Each call leaves a line in the file that is its argument.
const calls = process.argv[2];
const say = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const TOOL = { name: 'search', description: 'Searches.', inputSchema: { type: 'object', properties: { query: { type: 'string' }, limit: { type: 'number' } } } };

const ANSWERS = {
  initialize: ({ protocolVersion }) => ({ protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'exa', version: '1' } }),
  'tools/list': () => ({ tools: [TOOL] }),
  'tools/call': ({ arguments: asked }) => {
    appendFileSync(calls, `${JSON.stringify(asked)}\n`);
    return { content: [{ type: 'text', text: `results for ${asked.query}` }] };
  },
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id !== undefined) say({ id, result: ANSWERS[method]?.(params) ?? {} });
});
