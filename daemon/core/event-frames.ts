const PRELUDE = 12;
const CHECKSUM = 4;
/** `:exception-type`, a header: the stream ended in an error. */
const EXCEPTION = ':exception-type';

/**
 * The payloads of Amazon's event stream (`application/vnd.amazon.eventstream`), one JSON text each, as if they were
 * server-sent events; what Bedrock passes on of a model's own stream is unwrapped (`{"bytes": base64}`). A frame is its
 * length, the length of its headers, a checksum, headers, payload and another checksum. What is broken off is left out.
 */
export function framesAsText(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = new TextDecoder();
  const events: string[] = [];
  for (let at = 0; at + PRELUDE + CHECKSUM <= bytes.length; ) {
    const length = view.getUint32(at);
    const headers = view.getUint32(at + 4);
    if (length < PRELUDE + headers + CHECKSUM || at + length > bytes.length) break;
    const head = text.decode(bytes.subarray(at + PRELUDE, at + PRELUDE + headers));
    const payload = text.decode(bytes.subarray(at + PRELUDE + headers, at + length - CHECKSUM));
    events.push(`${head.includes(EXCEPTION) ? 'event: error\n' : ''}data: ${unwrapped(payload)}`);
    at += length;
  }
  return events.join('\n\n');
}

function unwrapped(payload: string): string {
  const inner = /^\{"bytes":"([A-Za-z0-9+/=]+)"/.exec(payload)?.[1];
  return inner === undefined ? payload : new TextDecoder().decode(Uint8Array.from(atob(inner), (letter) => letter.charCodeAt(0)));
}
