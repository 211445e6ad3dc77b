import type { ShellHint } from '../ports.ts';
import { createSeal } from './seal.ts';

/** Safe in a URL and in a shell as they are. */
export interface Credentials {
  user: string;
  secret: string;
}

/** What somebody says of itself who knows the secret of a session. */
export interface Shown {
  session: string;
  /** The shell it comes from, as its environment has it: a hint where to look, and no proof. null: it names none. */
  shell: ShellHint | null;
}

/** What shows a request to be a session's: the user and the password of its proxy. */
export interface ProxyCredentials {
  /** The same for a session for ever, also after a restart. */
  of(session: string): Credentials;
  /** From a request's `Proxy-Authorization`; null: not one of ours. */
  read(proxyAuthorization: string): Shown | null;
}

const SESSION = 'session-';

/** `token`: the home's own, so that what one daemon gave out the next one knows. */
export function createProxyCredentials(token: string): ProxyCredentials {
  const seal = createSeal(token);

  function of(session: string): Credentials {
    const user = SESSION + Buffer.from(session).toString('base64url');
    return { user, secret: seal.of(user) };
  }

  return {
    of,
    read(proxyAuthorization) {
      const shown = basic(proxyAuthorization);
      const [, encoded, hint] = /^session-([A-Za-z0-9_-]+)(?:\.(.*))?$/s.exec(shown?.user ?? '') ?? [];
      if (shown === null || encoded === undefined) return null;
      const session = Buffer.from(encoded, 'base64url').toString();
      return seal.same(of(session).secret, shown.secret) ? { session, shell: shellHint(hint ?? '') } : null;
    },
  };
}

/** What a session's environment of 0.1.0 shows has none. */
function shellHint(text: string): ShellHint | null {
  if (/^[1-9]\d{0,9}$/.test(text)) return { pid: Number(text) };
  return /^t[0-9a-z-]{1,64}$/.test(text) ? { print: text.slice(1) } : null;
}

/** RFC 7617. Longer than any of ours is none of ours. */
function basic(header: string): { user: string; secret: string } | null {
  const encoded = /^basic +([A-Za-z0-9+/=_-]{1,2048}) *$/i.exec(header)?.[1];
  const text = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  return colon < 0 ? null : { user: text.slice(0, colon), secret: text.slice(colon + 1) };
}
