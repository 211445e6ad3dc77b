import { fieldValue, listed, type HeaderFields } from './fields.ts';

/** What a request says of the codings it takes; null: nothing. */
export function acceptedCodings(request: HeaderFields): string | null {
  return fieldValue(request, 'accept-encoding');
}

/**
 * Whether a client can read a stored body. Servers that compress without saying `Vary: Accept-Encoding` are common, and a
 * client that never asked for gzip cannot do anything with it. One that asks in the words this body was the answer to would
 * get the same from the server: to it, the stored answer is as good as bought anew (RFC 9110, section 12.5.3).
 */
export function canDecode(request: HeaderFields, stored: { fields: HeaderFields; accepted: string | null }): boolean {
  return acceptedCodings(request) === stored.accepted || namesCodingsOf(request, stored.fields);
}

function namesCodingsOf(request: HeaderFields, stored: HeaderFields): boolean {
  const codings = listed(stored, 'content-encoding').filter((coding) => coding !== 'identity');
  const accepted = new Set(
    (acceptedCodings(request) ?? '')
      .toLowerCase()
      .split(',')
      .map((member) => member.split(';').map((part) => part.trim()))
      .filter(([, weight]) => weight === undefined || !/^q=0(?:\.0*)?$/.test(weight))
      .map(([coding]) => coding!.replace(/^x-(?=gzip$|compress$)/, '')),
  );
  return codings.every((coding) => accepted.has(coding) || accepted.has('*'));
}
