import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { OwnProxies } from '../core/own-proxy.ts';
import { removeIfThere } from './home.ts';
import { sealed, unsealed } from './sealed.ts';

/**
 * How a session's programs reach the network without pag0: the proxies of its person, and files or folders of certificates that
 * they trust. Programs are led to the gateway, which then goes that way in their place.
 */
export interface OwnWay {
  proxies: OwnProxies | null;
  trust: string[];
}

/**
 * Kept beside the session's environment, so that a daemon that was started again knows it as well: what it started goes on. Sealed,
 * because a proxy's password is often its person's own.
 */
export function ownWayFile(home: string, session: string): string {
  return join(home, 'environment', `${createHash('sha256').update(session).digest('hex').slice(0, 32)}.way`);
}

/** Written only where it says something new: who reads it goes by that. */
export function keepOwnWay(file: string, token: string, way: OwnWay): void {
  if (way.proxies === null && way.trust.length === 0) return removeIfThere(file);
  if (JSON.stringify(readOwnWay(file, token)) === JSON.stringify(way)) return;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, sealed(token, 'own way', way), { mode: 0o600 });
  renameSync(draft, file);
}

/** null: the session has no way of its own, or it cannot be read. */
export function readOwnWay(file: string, token: string): OwnWay | null {
  try {
    return (unsealed(token, 'own way', readFileSync(file, 'utf8')) as OwnWay | undefined) ?? null;
  } catch {
    return null;
  }
}
