import { createHash } from 'node:crypto';

/**
 * What `pag0 mcp wrap` and the daemon say to each other: first a demand, then what came of the call with its payment. Of
 * what a tool was asked and what it answered no more crosses than the payment needs.
 */
export const TOOL_PAYMENT = '/v1/mcp/payment';

/** A tool call, as far as whoever pays for it has to tell it from others. */
export interface CalledTool {
  /** Tells one server from another: its address, or a digest of the command it was started with. */
  server: string;
  /** For reports, where the client does not tell its own name for the server. */
  name: string;
  tool: string;
  /** `digestOf` the arguments as canonical JSON. */
  arguments: string;
  toolUseId: string | null;
}

export interface ToolPaymentRequest extends CalledTool {
  /** JSON, in the seller's words. */
  demand: string;
  /** Of the wrapper: when it is gone nobody will say what came of the call. */
  pid: number;
}

export type ToolPaymentAnswer =
  /** Nothing in it is ours to pay: the demand goes to the client. */
  | { outcome: 'passed' }
  | { outcome: 'refused'; sentence: string }
  /** `payment` goes into `_meta`; what comes of it is told under `id`. */
  | { outcome: 'pay'; id: string; payment: unknown };

/**
 * `lost`: no answer came, and why, to stand behind "was shown a payment and": "ended before it answered". `unsent`: the payment
 * reached nobody, and why, to stand behind "because".
 */
export type ToolPaymentResult = { lost: string } | { unsent: string } | { demand: string | null; settlement: object | null; failed: boolean };

export type ToolPaymentEnd = { outcome: 'deliver' } | { outcome: 'refused'; sentence: string };

export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
