import type { Readable } from 'node:stream';
import { fieldValue } from '../core/fields.ts';
import type { PageConverter, WebAnswer } from '../ports.ts';
import { decoded } from './decoded.ts';

/** Bytes of a page, as sent and unpacked. What is larger is data, and better kept in a file. */
const MAX_PAGE = 8 * 1024 * 1024;

/** `unread`: what it is instead of text, such as "application/pdf". */
export type PageText = { text: string } | { unread: string };

/** An answer as text for a model: HTML becomes Markdown, other text stays as it is. */
export async function pageText({ fields, body }: WebAnswer, url: string, pages: PageConverter): Promise<PageText> {
  const whole = Buffer.isBuffer(body) ? body : await collected(body);
  if (whole === null) return { unread: 'larger than a page' };
  const read = decoded(whole, fieldValue(fields, 'content-encoding') ?? '', MAX_PAGE);
  if ('problem' in read) return { unread: `not readable: ${read.problem}` };
  const type = fieldValue(fields, 'content-type') ?? 'text/plain';
  const media = type.split(';')[0]!.trim().toLowerCase();
  if (!isText(media)) return { unread: media };
  const text = asText(read.bytes, charsetOf(type, read.bytes));
  if (!isHtml(media)) return { text };
  const markdown = await pages.markdown(text, url);
  return markdown === null ? { unread: 'HTML that takes too long to read' } : { text: markdown };
}

/** null: longer than a page. What was paid for is fetched to its end all the same, by whoever keeps it. */
async function collected(body: Readable): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += (chunk as Buffer).length;
    if (size > MAX_PAGE) return null;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function isHtml(media: string): boolean {
  return media === 'text/html' || media === 'application/xhtml+xml';
}

function isText(media: string): boolean {
  return media.startsWith('text/') || /^application\/(?:.*[+.-])?(?:json|xml|yaml|javascript|ecmascript|ndjson|toml|x-www-form-urlencoded)$/.test(media);
}

/** By the field, else by what an HTML page says in its first kilobyte, else UTF-8. */
function charsetOf(type: string, bytes: Uint8Array): string {
  const declared = /charset\s*=\s*"?([\w:.-]+)/i;
  const beginning = (): string => Buffer.from(bytes.subarray(0, 1_024)).toString('latin1');
  return declared.exec(type)?.[1] ?? /<meta[^>]+charset\s*=\s*["']?([\w:.-]+)/i.exec(beginning())?.[1] ?? 'utf-8';
}

function asText(bytes: Uint8Array, charset: string): string {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    // A name that nobody knows.
    return new TextDecoder().decode(bytes);
  }
}
