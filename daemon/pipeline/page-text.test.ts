import { gzipSync } from 'node:zlib';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Fields, PageConverter } from '../ports.ts';
import { pageText } from './page-text.ts';

const pages: PageConverter = { markdown: async (html, url) => `${url}: ${html}`, close: async () => {} };
const read = (body: Buffer | Readable, fields: Fields) => pageText({ status: 200, fields, body }, 'https://a.example/', pages);

describe('an answer as text', () => {
  it.each([
    ['text/plain', 'as it is', { text: 'as it is' }],
    ['application/vnd.api+json; charset=utf-8', '{"a":1}', { text: '{"a":1}' }],
    ['application/json', '{"a":1}', { text: '{"a":1}' }],
    ['text/HTML', '<p>', { text: 'https://a.example/: <p>' }],
    ['application/xhtml+xml', '<p/>', { text: 'https://a.example/: <p/>' }],
    ['application/pdf', '%PDF', { unread: 'application/pdf' }],
    ['image/svg+xml', '<svg/>', { unread: 'image/svg+xml' }],
  ])('%s', async (type, body, expected) => {
    expect(await read(Buffer.from(body), { 'content-type': type })).toEqual(expected);
  });

  it('is read in its own character set, wherever it is named', async () => {
    const latin = Buffer.from('caf\u00e9', 'latin1');
    expect(await read(latin, { 'content-type': 'text/plain; charset="ISO-8859-1"' })).toEqual({ text: 'café' });
    const page = Buffer.concat([Buffer.from('<meta charset=windows-1252>'), latin]);
    expect(await read(page, { 'content-type': 'text/html' })).toEqual({ text: 'https://a.example/: <meta charset=windows-1252>café' });
    expect(await read(Buffer.from('é'), { 'content-type': 'text/plain; charset=no-such-thing' })).toEqual({ text: 'é' });
  });

  it('is unpacked, but never beyond a page', async () => {
    expect(await read(gzipSync('packed'), { 'content-type': 'text/plain', 'content-encoding': 'gzip' })).toEqual({ text: 'packed' });
    expect(await read(gzipSync(Buffer.alloc(20 * 1024 * 1024)), { 'content-type': 'text/plain', 'content-encoding': 'gzip' })).toEqual({ unread: 'not readable: it is longer than what is shown here' });
    expect(await read(Readable.from([Buffer.alloc(5 * 1024 * 1024), Buffer.alloc(5 * 1024 * 1024)]), { 'content-type': 'text/plain' })).toEqual({ unread: 'larger than a page' });
  });
});
