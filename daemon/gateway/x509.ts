/**
 * The library that writes certificates, loaded when the first one is needed: it takes longer than the rest of the daemon.
 * It insists on `reflect-metadata` for a container of its own, whose classes take no arguments and so have no metadata: an
 * answer that there is none is all it needs.
 */
export async function loadX509(): Promise<typeof import('@peculiar/x509')> {
  const reflect = Reflect as { getMetadata?: unknown; getOwnMetadata?: unknown; defineMetadata?: unknown };
  reflect.getMetadata ??= () => undefined;
  reflect.getOwnMetadata ??= () => undefined;
  reflect.defineMetadata ??= () => undefined;
  // It is CommonJS: Node would find its names, a bundle has it as its default export alone.
  const { default: x509 } = await import('@peculiar/x509');
  return x509;
}

export const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;
export const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const;

export const DAY_MS = 24 * 60 * 60_000;
/** A container's clock may be behind ours. */
export const EARLIER_MS = DAY_MS;
