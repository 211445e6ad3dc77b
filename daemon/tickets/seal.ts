import { createHmac, timingSafeEqual } from 'node:crypto';

/** Secrets that can be told for ours without being remembered. */
export interface Seal {
  /** Always the same for one name. */
  of(name: string): string;
  /** `unique` with its seal: a secret that nobody else can make. */
  sealed(kind: string, unique: string): string;
  isOurs(kind: string, secret: string): boolean;
  same(expected: string, shown: string): boolean;
}

export function createSeal(token: string): Seal {
  // The token proves the daemon itself; what crosses the wire here is made with a key of its own.
  const key = createHmac('sha256', token).update('tickets').digest();

  function of(name: string): string {
    return createHmac('sha256', key).update(name).digest('base64url');
  }

  function sealed(kind: string, unique: string): string {
    return `${unique}.${of(`${kind} ${unique}`)}`;
  }

  function isOurs(kind: string, secret: string): boolean {
    const dot = secret.indexOf('.');
    return dot > 0 && same(sealed(kind, secret.slice(0, dot)), secret);
  }

  return { of, sealed, isOurs, same };
}

function same(expected: string, shown: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(shown)];
  return a.length === b.length && timingSafeEqual(a, b);
}
