import { names, readArguments, type Argument } from './arguments.ts';
import { UNKNOWN, type Invocation } from './invocation.ts';
import { CURL, WGET } from './network-client.ts';

/** Options with which a command says itself which way it goes, or what only a direct connection can do. */
interface OwnWays {
  /** By why they count. Long ones count abbreviated, too, as getopt and older curls read them. */
  options: readonly (readonly [why: string, options: ReadonlySet<string>])[];
  /** Options in their own right whose name is the beginning of another's. */
  whole: ReadonlySet<string>;
  /** Options whose value is a line of a configuration file. */
  settings: ReadonlySet<string>;
}

const OWN_PROXY = 'it sets its own proxy';
const OWN_CA = 'it says itself which certificates it trusts';
const OWN_CERTIFICATE = 'it shows a certificate of its own';
const OWN_CONNECTION = 'it says itself where it connects';
const OWN_CONFIG = 'it reads options from a file of its own';
const NO_PROXY_POSSIBLE = 'it asks for something that passes no proxy';

export const CURL_WAYS: OwnWays = {
  options: [
    [
      OWN_PROXY,
      names(`x proxy proxy1.0 preproxy noproxy p proxytunnel U proxy-user socks4 socks4a socks5 socks5-hostname proxy-anyauth proxy-basic
        proxy-ca-native proxy-cacert proxy-capath proxy-cert proxy-cert-type proxy-ciphers proxy-crlfile proxy-digest proxy-header
        proxy-http2 proxy-insecure proxy-key proxy-key-type proxy-negotiate proxy-ntlm proxy-pass proxy-pinnedpubkey proxy-service-name
        proxy-ssl-allow-beast proxy-ssl-auto-client-cert proxy-tls13-ciphers proxy-tlsauthtype proxy-tlspassword proxy-tlsuser proxy-tlsv1
        haproxy-protocol haproxy-clientip`),
    ],
    // The gateway trusts nobody whom the system does not, whatever the command would put up with.
    [OWN_CA, names('cacert capath ca-native crlfile pinnedpubkey cert-status k insecure')],
    [OWN_CERTIFICATE, names('E cert cert-type key key-type pass ssl-auto-client-cert tlsuser tlspassword tlsauthtype')],
    [OWN_CONNECTION, names('unix-socket abstract-unix-socket resolve connect-to interface doh-url dns-servers dns-interface dns-ipv4-addr dns-ipv6-addr 4 ipv4 6 ipv6')],
    [OWN_CONFIG, names('K config')],
    // Negotiate and NTLM sign the connection, not the request.
    [NO_PROXY_POSSIBLE, names('http2-prior-knowledge http3 http3-only http0.9 ntlm ntlm-wb negotiate anyauth request-target path-as-is ech')],
  ],
  whole: names('http2 proto request crlf'),
  settings: names(''),
};

export const WGET_WAYS: OwnWays = {
  options: [
    [OWN_PROXY, names('Y proxy no-proxy proxy-user proxy-password proxy-passwd')],
    [OWN_CA, names('ca-certificate ca-directory crl-file pinnedpubkey no-check-certificate')],
    [OWN_CERTIFICATE, names('certificate certificate-type private-key private-key-type')],
    [OWN_CONNECTION, names('bind-address dns-servers bind-dns-address 4 inet4-only 6 inet6-only')],
    [OWN_CONFIG, names('config no-config')],
  ],
  whole: names(''),
  settings: names('e execute'),
};

/** Variables that say the same to any client. */
const WAY_VARIABLE = /^(?:(?:https?|all|no)_proxy|CURL_CA_BUNDLE|SSL_CERT_(?:FILE|DIR)|CURL_HOME|WGETRC)$/i;
const DECLARES = names('export declare typeset readonly local unset');

/** What a line of a wgetrc or a .curlrc sets, when it is about the way of a request. */
const WAY_SETTING = /^[\s-]*(?:[xE]\b|use[-_]?proxy|https?[-_]?proxy|no[-_]?proxy|proxy|preproxy|socks|ca[-_]?cert|ca[-_]?dir|capath|cert|key\b|private[-_]?key|crl[-_]?file|pinnedpubkey|(?:abstract-)?unix-socket|resolve|connect-to|interface|bind[-_]?address)/im;

/** Why a command goes its own way by its options; null: it does not. */
export function ownWay(args: readonly Argument[], { options, whole, settings }: OwnWays): string | null {
  for (const { option, value } of args) {
    if (option === undefined) continue;
    if (option.includes(UNKNOWN)) continue;
    const name = option.replace(/^expand-/, '');
    if (settings.has(name) && (value === null || value.includes(UNKNOWN) || setsOwnWay(value))) return OWN_PROXY;
    const isAbbreviation = name.length > 1 && !whole.has(name);
    for (const [why, set] of options) if (set.has(name) || (isAbbreviation && [...set].some((long) => long.startsWith(name)))) return why;
  }
  return null;
}

/** Whether a configuration file of the user's says which way requests go. */
export function setsOwnWay(text: string): boolean {
  return WAY_SETTING.test(text);
}

/** A command that runs with variables of its own about its way. */
export function ownVariable({ assignments }: Invocation): boolean {
  return Object.keys(assignments).some((name) => WAY_VARIABLE.test(name));
}

/** A command that sets such variables for those after it: `export https_proxy=…`, `no_proxy='*'`, `unset http_proxy`. */
export function setsVariable({ program, words, assignments }: Invocation): boolean {
  if (words.length === 0) return Object.keys(assignments).some((name) => WAY_VARIABLE.test(name));
  if (program === null || !DECLARES.has(program)) return false;
  return words.some((word) => word !== null && WAY_VARIABLE.test(word.replace(/=.*$/s, '')));
}

/** Where a program reads whom it trusts. wget reads the one or the other, as it was built. */
const TRUSTED_BY: Readonly<Record<string, readonly string[]>> = { curl: ['CURL_CA_BUNDLE'], wget: ['WGETRC', 'SSL_CERT_FILE'] };

/** Whether a curl or a wget at work trusts what the session's environment names, in one of these folders, and says nothing else of its way. */
export function takesOurCa(program: string, { argv, env }: { argv: readonly string[]; env: Readonly<Record<string, string>> }, ours: readonly string[]): boolean {
  const trusted = TRUSTED_BY[program] ?? [];
  if (trusted.length === 0 || !trusted.every((name) => ours.some((folder) => env[name]?.startsWith(`${folder}/`)))) return false;
  return ownWay(readArguments(argv, program === 'curl' ? CURL : WGET), program === 'curl' ? CURL_WAYS : WGET_WAYS) === null;
}
