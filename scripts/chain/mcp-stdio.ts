import { createInterface } from 'node:readline';
import { createMcpSeller } from './mcp-seller.ts';

/** An MCP server on stdio whose tools are sold: `mcp-stdio.ts <the facilitator's address>`. */
process.stdout.on('error', () => process.exit(1));
const seller = createMcpSeller(process.argv[2]!);
const lines = createInterface({ input: process.stdin });
lines.on('close', () => process.exit(0));
lines.on('line', (line) => {
  void seller(JSON.parse(line) as Parameters<typeof seller>[0]).then((answer) => {
    if (answer === 'gone') process.exit(3);
    if (answer !== null) process.stdout.write(`${JSON.stringify(answer)}\n`);
  });
});
