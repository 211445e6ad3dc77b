import { describe, expect, it } from 'vitest';
import { refusal, type Code } from '../core/errors.ts';
import { refused } from './problem-answer.ts';

describe('the status of a payment that was refused', () => {
  const table: [code: Code, status: number][] = [
    ['APPROVAL_REQUIRED', 402],
    ['PRICE_CHANGED', 402],
    ['PAYEE_CHANGED', 402],
    ['INSUFFICIENT_FUNDS', 402],
    ['PAYMENT_FAILED', 402],
    // The seller may have been paid and nothing came: asking once more pays once more.
    ['PAYMENT_UNKNOWN', 502],
    ['ASSET_NOT_ALLOWED', 403],
    ['SESSION_BUDGET_EXCEEDED', 403],
  ];
  it.each(table)('%s is %d', (code, status) => {
    expect(refused(refusal(code, 'x', { scope: 'request', approval: 'k3m9x' }))).toMatchObject({ status, code, details: { approval: 'k3m9x' } });
  });
});
