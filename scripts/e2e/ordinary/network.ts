import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The internet of a run: addresses from the blocks that are kept for documents (RFC 5737, RFC 3849), all on `lo`. */
export const ADDRESSES = {
  'api.example': '203.0.113.5',
  'other.example': '203.0.113.6',
  'free.example': '203.0.113.7',
  'git.example': '203.0.113.8',
  'registry.example': '203.0.113.9',
  'expired.example': '203.0.113.10',
  'wrong.example': '203.0.113.11',
  'self.example': '203.0.113.12',
  'client-cert.example': '203.0.113.13',
  'corp.example': '203.0.113.14',
  'proxy.example': '203.0.113.15',
  'xn--bcher-kva.example': '203.0.113.16',
  'dead.example': '203.0.113.99',
  'six.example': '2001:db8::5',
  'both.example': '203.0.113.20',
  'here.example': '127.0.0.1',
  'intranet': '10.20.30.40',
  'metadata.internal': '169.254.169.254',
} as const;

/** `both.example` has one of either kind. */
const SECOND_ADDRESSES = [['both.example', '2001:db8::20']] as const;
/** Where a command may say that it comes from. */
export const OWN_ADDRESSES = ['198.51.100.7', '192.168.7.7'] as const;

export interface Network {
  readonly ipv6: boolean;
}

/** Inside a network namespace of its own, with the folder `root` to write to. Names come from a hosts file; every other name does not exist. */
export async function openNetwork(root: string): Promise<Network> {
  const ip = (...args: string[]): boolean => {
    try {
      execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'ignore'] });
      return true;
    } catch {
      return false;
    }
  };
  ip('link', 'set', 'lo', 'up');
  const hosts = ['127.0.0.1 localhost'];
  let ipv6 = true;
  for (const [name, address] of [...Object.entries(ADDRESSES), ...SECOND_ADDRESSES]) {
    const six = address.includes(':');
    const added = address.startsWith('127.') || ip('addr', 'add', `${address}/${six ? 128 : 32}`, 'dev', 'lo', ...(six ? ['nodad'] : []));
    if (six) ipv6 &&= added;
    else if (!added) throw new Error(`The address ${address} could not be added to lo.`);
    if (added) hosts.push(`${address} ${name}`);
  }
  if (ipv6) hosts.push('::1 localhost ip6-localhost');
  for (const address of OWN_ADDRESSES) ip('addr', 'add', `${address}/32`, 'dev', 'lo');
  mkdirSync(join(root, 'etc'), { recursive: true });
  over('/etc/hosts', join(root, 'etc', 'hosts'), `${hosts.join('\n')}\n`);
  over('/etc/resolv.conf', join(root, 'etc', 'resolv.conf'), 'nameserver 127.0.0.1\noptions timeout:2 attempts:1\n');
  await answerThatNoNameExists();
  return { ipv6 };
}

function over(file: string, own: string, text: string): void {
  writeFileSync(own, text);
  execFileSync('mount', ['--bind', own, file]);
}

/** A resolver that knows nothing, at once: NXDOMAIN (RFC 1035, section 4.1.1) with the question as it came. */
async function answerThatNoNameExists(): Promise<void> {
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    const reply = Buffer.from(query);
    reply.writeUInt16BE(0x8183, 2);
    socket.send(reply, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(53, '127.0.0.1', resolve));
}
