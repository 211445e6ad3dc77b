import { spanOf, spliced } from '../core/json-span.ts';
import type { Fields } from '../ports.ts';
import { within, type McpTarget } from './target.ts';

/**
 * OAuth of a server behind a proxied address. A client takes a server's metadata only where they
 * name the very address that it asks (RFC 9728, section 3.3), so what the server says of its own is
 * led through the proxy, too: where its metadata are, and whose. Its authorization server is asked
 * directly, and all else that is said stays as it is.
 */
const METADATA = '/.well-known/oauth-protected-resource';

/** Whether the address is that of a server's metadata. */
export function isMetadata({ url }: McpTarget): boolean {
  const { pathname } = new URL(url);
  return pathname === METADATA || pathname.startsWith(`${METADATA}/`);
}

/** `origin`: of the daemon, as the client wrote it. */
export function metadataFor(text: string, target: McpTarget, origin: string): string {
  try {
    const { resource } = JSON.parse(text) as { resource?: unknown };
    const led = typeof resource === 'string' ? within(resource, target) : null;
    const span = led === null ? null : spanOf(text, ['resource']);
    if (led === null || span === null) return text;
    // `https://host` and `https://host/` are one, and the client compares beginnings.
    const path = /^[a-z]+:\/\/[^/?#]+$/i.test(resource as string)
      ? led.path.replace(/\/$/, '')
      : led.path;
    return spliced(text, [{ ...span, text: JSON.stringify(`${origin}${path}`) }]);
  } catch {
    return text;
  }
}

/** A 401 says where the metadata are (RFC 9728, section 5.1). */
export function challengesFor(fields: Fields, target: McpTarget, origin: string): Fields {
  const said = fields['www-authenticate'];
  if (said === undefined) return fields;
  const led = (line: string): string =>
    line.replace(
      /(resource_metadata\s*=\s*)(?:"([^"]*)"|([^\s,"]+))/gi,
      (whole, name: string, inQuotes?: string, bare?: string) => {
        const at = within(inQuotes ?? bare ?? '', target);
        return at === null ? whole : `${name}"${origin}${at.path}"`;
      },
    );
  return { ...fields, 'www-authenticate': typeof said === 'string' ? led(said) : said.map(led) };
}
