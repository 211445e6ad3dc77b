/**
 * Loopback (RFC 1122, RFC 4291), private (RFC 1918, RFC 4193), link-local (RFC 3927) and carrier-grade NAT (RFC 6598)
 * addresses, and the names that stand for them (RFC 6761 `.localhost`, RFC 6762 `.local`, names without a dot).
 * `URL` has already brought numeric hosts such as 0x7f000001 or 2130706433 into dotted form.
 */
export function isLocalHost(hostname: string): boolean {
  const host = bare(hostname);
  if (host.includes(':')) return isLocalIpv6(host);
  const octets = octetsOf(host);
  if (octets !== null) return isLocalIpv4(octets[0]!, octets[1]!);
  return !host.includes('.') || /\.(localhost|localdomain|local|internal|lan|home\.arpa)$/.test(host);
}

/**
 * Names and addresses that always lead to this machine: loopback, the unspecified address (a client that connects to
 * 0.0.0.0 or :: reaches loopback), `localhost` and everything below it (RFC 6761, section 6.3), and what Debian's
 * /etc/hosts adds. A server that listens on one of them is mostly reached by all.
 */
export function isThisMachine(hostname: string): boolean {
  const host = bare(hostname);
  if (host.includes(':')) return host === '::1' || host === '::' || /^::ffff:7f[0-9a-f]{2}:/.test(host) || /^::ffff:(127\.|0\.0\.0\.0$)/.test(host);
  const octets = octetsOf(host);
  if (octets !== null) return octets[0] === 127 || host === '0.0.0.0';
  return /^(?:.+\.)?localhost$|^localhost\d?\.localdomain\d?$|^ip6-(?:localhost|loopback)$/.test(host);
}

function bare(hostname: string): string {
  return hostname.toLowerCase().replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

function octetsOf(host: string): number[] | null {
  return /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(host)?.slice(1).map(Number) ?? null;
}

function isLocalIpv4(a: number, b: number): boolean {
  if (a === 127 || a === 10 || a === 0) return true;
  return (a === 172 && b >= 16 && b <= 31) || (a === 192 && b === 168) || (a === 169 && b === 254) || (a === 100 && b >= 64 && b <= 127);
}

function isLocalIpv6(host: string): boolean {
  const mapped = /^::ffff:(?:([0-9a-f]{1,4}):([0-9a-f]{1,4})|(\d+)\.(\d+)\.\d+\.\d+)$/.exec(host);
  if (mapped !== null) {
    if (mapped[3] !== undefined) return isLocalIpv4(Number(mapped[3]), Number(mapped[4]));
    const high = Number.parseInt(mapped[1]!, 16);
    return isLocalIpv4(high >> 8, high & 0xff);
  }
  return host === '::1' || host === '::' || /^f[cd]/.test(host) || /^fe[89ab]/.test(host);
}
