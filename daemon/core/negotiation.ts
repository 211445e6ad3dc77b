import { fieldValue, listed, type HeaderFields } from './fields.ts';

/**
 * Whether a client can read a stored body. Servers that compress without saying `Vary: Accept-Encoding` are common, and a
 * client that never asked for gzip cannot do anything with it.
 */
export function canDecode(request: HeaderFields, stored: HeaderFields): boolean {
  const codings = listed(stored, 'content-encoding').filter((coding) => coding !== 'identity');
  const accepted = new Set(
    (fieldValue(request, 'accept-encoding') ?? '')
      .toLowerCase()
      .split(',')
      .map((member) => member.split(';').map((part) => part.trim()))
      .filter(([, weight]) => weight === undefined || !/^q=0(?:\.0*)?$/.test(weight))
      .map(([coding]) => coding!.replace(/^x-(?=gzip$|compress$)/, '')),
  );
  return codings.every((coding) => accepted.has(coding) || accepted.has('*'));
}
