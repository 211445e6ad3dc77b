/** Where a client is to go, and what it shows there. */
export interface Way {
  /** null: the client's sandbox has said it already. */
  proxy: string | null;
  user: string;
  secret: string;
  caBundle: string;
}

/**
 * For `curl -K`. `noproxy` beats NO_PROXY, so that a local address that a rule names comes here, too; without the last
 * line `-i` and `-D` would show the tunnel's own answer before the server's.
 */
export function curlTicket({ proxy, user, secret, caBundle }: Way): string {
  return [
    ...(proxy === null ? [] : [`proxy = ${quoted(proxy)}`]),
    `proxy-user = ${quoted(`${user}:${secret}`)}`,
    `cacert = ${quoted(caBundle)}`,
    'noproxy = ""',
    'suppress-connect-headers',
    '',
  ].join('\n');
}

/** For `wget --config`, which replaces every other wgetrc: what the user's say comes first. */
export function wgetTicket({ proxy, user, secret, caBundle }: Way, userConfig: string): string {
  return [
    userConfig.trimEnd(),
    'use_proxy = on',
    ...(proxy === null ? [] : [`http_proxy = ${proxy}`, `https_proxy = ${proxy}`]),
    'no_proxy =',
    `proxy_user = ${user}`,
    `proxy_password = ${secret}`,
    `ca_certificate = ${caBundle}`,
    '',
  ].join('\n');
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
