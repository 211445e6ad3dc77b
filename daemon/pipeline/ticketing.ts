import type { Invocation, ShellReading } from '../core/invocation.ts';
import { deservesTicket } from '../core/passage.ts';
import type { Policy } from '../core/policy.ts';
import { planTickets, withTickets, type TicketFiles, type TicketProgram } from '../core/ticketable.ts';

/** Sends recognised commands through the gateway, each with a ticket of its own call. */
export interface Ticketing {
  /** null: no part of the command can carry one, so that it runs, and is charged, as it stands. */
  put(call: TicketCall, policy: Policy): Promise<Ticketed | null>;
  /** The call is over, and its ticket with it. */
  end(session: string, toolUseId: string): void;
  endSession(session: string): void;
}

export interface TicketCall {
  command: string;
  /** The client runs it in the background. */
  background: boolean;
  /** It runs where the sandbox alone leads to the gateway. */
  sandboxed: boolean;
  session: string;
  agent: string;
  toolUseId: string;
}

export interface Ticketed {
  command: string;
  /** What goes another way, past the gateway. */
  left: readonly Invocation[];
}

/** The part of the tickets that makes and ends them. */
export interface TicketMaker {
  issue(request: { session: string; agent: string; toolUseId: string; sandboxed: boolean; programs: ReadonlySet<TicketProgram> }): TicketFiles;
  end(session: string, toolUseId: string): void;
  endSession(session: string): void;
  ownConfig(): ReadonlySet<TicketProgram>;
}

export interface TicketingOptions {
  tickets: TicketMaker;
  /** What the clients are told to trust is there. */
  ready(): Promise<unknown>;
  readShell(command: string): ShellReading;
  failed(error: unknown): void;
}

export function createTicketing({ tickets, ready, readShell, failed }: TicketingOptions): Ticketing {
  return {
    async put({ command, background, ...asker }, policy) {
      const reading = readShell(command);
      const plan = planTickets(reading, (endpoint) => deservesTicket(endpoint, policy), { background, ownConfig: tickets.ownConfig() });
      if (plan.ticketed.length === 0) return null;
      try {
        await ready();
        const files = tickets.issue({ ...asker, programs: new Set(plan.places.map(({ program }) => program)) });
        const rewritten = withTickets(command, reading, plan, files, readShell);
        if (rewritten !== null) return { command: rewritten, left: plan.left.map(({ invocation }) => invocation) };
      } catch (error) {
        // A full disk: the hook charges what it can read, as it does where no gateway runs.
        failed(error);
      }
      tickets.end(asker.session, asker.toolUseId);
      return null;
    },
    end: (session, toolUseId) => tickets.end(session, toolUseId),
    endSession: (session) => tickets.endSession(session),
  };
}
