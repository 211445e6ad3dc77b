import { fieldValue, ONE_CONNECTION, type HeaderFields } from './fields.ts';

/**
 * Fields of a request that cannot choose an answer, each for a reason. All others may: Accept, the language, a tenant, an
 * organisation, an API's version, whatever a server was built to look at. A field too few here makes an answer be fetched
 * twice; a field too many gives one tenant's answer to another.
 */
const CANNOT: readonly string[] = [
  // About the connection, the message's own length, and the way here.
  ...ONE_CONNECTION, 'host', 'content-length', 'expect', 'via', 'max-forwards', 'priority', 'http2-settings', 'upgrade-insecure-requests',
  // About caches and copies: read by themselves (`cache-control.ts`, `validation.ts`, `negotiation.ts`).
  'cache-control', 'pragma', 'accept-encoding', 'if-none-match', 'if-modified-since',
  // In the key already: whose request it is, and what its body is.
  'authorization', 'cookie', 'content-type',
  // When, and which attempt: new with every request.
  'date', 'x-request-id', 'request-id', 'x-client-request-id', 'x-correlation-id', 'correlation-id', 'idempotency-key', 'x-idempotency-key',
  // Traces (W3C, B3, Jaeger, Amazon, Google, Sentry).
  'traceparent', 'tracestate', 'baggage', 'b3', 'uber-trace-id', 'x-amzn-trace-id', 'x-cloud-trace-context', 'sentry-trace',
];
/** Families of the same: B3, Datadog, what generated clients tell of themselves, the client's hints, proxies' own. */
const FAMILIES = /^(?:x-b3-|x-datadog-|x-stainless-|x-amz-date$|amz-sdk-|sec-|proxy-|x-pag0-)/;

const ignored = new Set(CANNOT);

/** Name and value of everything that may have chosen an answer, in one order. `program`: which program asks counts, too. */
export function selectingFields(fields: HeaderFields, program: boolean): [name: string, value: string][] {
  return Object.keys(fields)
    .filter((name) => !ignored.has(name) && !FAMILIES.test(name) && (program || name !== 'user-agent'))
    .sort()
    .flatMap((name): [string, string][] => {
      const value = selectingValue(fields, name);
      // No Accept and one that takes anything say the same (RFC 9110, section 12.5.1).
      return value === null || (name === 'accept' && value === '*/*') ? [] : [[name, value]];
    });
}

const NO_CASE = new Set(['accept-language', 'accept-encoding', 'accept-charset']);

/** Lines combined and space around commas evened out, as RFC 9111, section 4.1, allows; inside quotes nothing is touched. */
export function selectingValue(fields: HeaderFields, name: string): string | null {
  const value = fieldValue(fields, name);
  if (value === null || value.includes('"')) return value;
  const even = value.trim().split(/\s*,\s*/).join(', ');
  return NO_CASE.has(name) ? even.toLowerCase() : even;
}
