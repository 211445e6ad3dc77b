import { describe, expect, it } from 'vitest';
import { NO_SANDBOX, type Sandbox } from '../core/sandbox.ts';
import type { TicketCall } from './ticketing.ts';
import { createWorld } from './world.fixture.ts';

/** What the hook asks for a command, and what it charges itself. */
async function issued(sandbox: Partial<Sandbox>, input: object = {}, gateway: object = {}) {
  const world = createWorld({ prices: [{ endpoint: 'api.example.com', price: '$0.02' }], gateway });
  const calls: TicketCall[] = [];
  world.parts.sandboxOf = () => ({ ...NO_SANDBOX, ...sandbox });
  world.parts.ticketing = {
    put: async (call) => {
      calls.push(call);
      return { command: 'curl -K t https://api.example.com/x', left: [] };
    },
    end: () => {},
    endSession: () => {},
  };
  const reply = await world.send({ hook_event_name: 'PreToolUse', tool_name: 'Bash', tool_use_id: 't1', tool_input: { command: 'curl https://api.example.com/x', ...input } });
  expect(reply?.verdict?.verdict).toBe('pass');
  const [balance] = await world.parts.ledger.balances(['session:s1']);
  return { sandboxed: calls.map((call) => call.sandboxed), atTheHook: balance!.reserved };
}

const TICKET = { sandboxed: [false], atTheHook: 0n };
const INSIDE = { sandboxed: [true], atTheHook: 0n };
const NONE = { sandboxed: [], atTheHook: 20_000n };

describe('a command gets a ticket', () => {
  it.each([
    ['that names the way where no sandbox is', {}, {}, {}, TICKET],
    ['that names none in a sandbox that leads here', { exit: 'pag0' }, {}, {}, INSIDE],
    ['that names the way when the model takes it out of the sandbox', { exit: 'pag0' }, { dangerouslyDisableSandbox: true }, {}, TICKET],
    ['that names none when it may not be taken out', { exit: 'pag0', mayLeave: false }, { dangerouslyDisableSandbox: true }, {}, INSIDE],
    ['in no sandbox that leads elsewhere: it is charged at the hook', { exit: 'other' }, {}, {}, NONE],
    ['in no sandbox where the session has no way of its own', { exit: 'pag0' }, {}, { environment: false }, NONE],
    ['without a sandbox also where the session has no way of its own', {}, {}, { environment: false }, TICKET],
  ] as const)('%s', async (_, sandbox, input, gateway, expected) => {
    expect(await issued(sandbox, input, gateway)).toEqual(expected);
  });
});
