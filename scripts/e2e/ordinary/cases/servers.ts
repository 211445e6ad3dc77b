import type { Case } from '../case.ts';

const SCHEMES = ['http://api.example', 'https://api.example'];
/** How servers answer that write HTTP in their own way. */
const ODDITIES = [
  '/1xx/100', '/1xx/102', '/1xx/103', '/1xx/199', '/fields', '/folded', '/space-colon', '/line-feeds', '/reason', '/no-reason', '/no-reason-space',
  '/long-field', '/many-fields', '/hop-fields', '/two-lengths', '/chunked', '/chunk-extension', '/trailers', '/http10',
  '/http10-no-length', '/no-length', '/close', '/empty-body', '/status/204', '/status/304', '/reset-content', '/status/299', '/status/599', '/status/799', '/slow', '/utf8',
];

export const SERVERS: readonly Case[] = [
  ...SCHEMES.flatMap((origin) => ODDITIES.map((path): Case => ({ run: `curl -s -i -D head.txt -o body.txt ${origin}${path}; echo "exit $?"` }))),
  ...SCHEMES.flatMap((origin) => ['/two-different-lengths', '/length-and-chunked', '/gzip-transfer', '/gzip-transfer-close'].map((path): Case => ({ run: `curl -s -o body.txt ${origin}${path}; echo "exit $?"` }))),
  ...SCHEMES.flatMap((origin) => ['/fields', '/1xx/103', '/trailers', '/utf8'].map((path): Case => ({ run: `curl -s --raw -I ${origin}${path}` }))),
  // One line at a time: the server says the next only to who has read the one before.
  ...SCHEMES.map((origin): Case => ({ run: `curl -sN ${origin}/stream | while read -r line; do echo "$line"; curl -s http://localhost/ack/\${line#line } -d ''; done`, limit: 30_000 })),
  ...SCHEMES.map(
    (origin): Case => ({ run: `curl -sN -H 'Accept: text/event-stream' ${origin}/events | while read -r line; do case $line in data*) echo "$line"; curl -s http://localhost/ack/\${line#data: event } -d '';; esac; done`, limit: 30_000 }),
  ),
  ...SCHEMES.map((origin): Case => ({ run: `curl -s -w '%{http_code}\\n' ${origin}/slow-head` })),
];
