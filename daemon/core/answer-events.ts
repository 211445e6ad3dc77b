/** An answer of an API taken apart: one JSON value, or what came in the course of a stream. */
export interface AnswerEvents {
  /** The objects that may tell of usage, of an end or of an error. */
  events: Readonly<Record<string, unknown>>[];
  isStream: boolean;
  /** The server said that this is all: `[DONE]`, or the bracket that closes an array. */
  isClosed: boolean;
  /** The stream ended in an error. */
  hasFailed: boolean;
}

/** The rest of a stream, its words, is not parsed. */
const TELLING = /(?:usage\w*|metrics|meta)"\s*:\s*\{|"error"|"eval_count"|"done"\s*:\s*true|(?:finish_?|block)reason"\s*:\s*"|"(?:event_)?type"\s*:\s*"(?:message|stream)[-_]/i;

/**
 * JSON; server-sent events (`data:`, with `event:` beside); a JSON value a line (Ollama, Cohere); a JSON array that grows
 * (Gemini without `alt=sse`); and any of them behind what curl printed before it.
 */
export function eventsOf(body: string): AnswerEvents {
  const text = body.replace(/^\uFEFF/, '').trim();
  const whole = parsed(text);
  if (whole !== undefined) return ofValue(whole);
  if (/^data:/m.test(text)) return ofServerSent(text);
  const value = inside(text);
  if (value !== undefined) return ofValue(value);
  // An array that was broken off has lines that look whole, and is none.
  return /^\[\s*\{/.test(text) ? { events: [], isStream: true, isClosed: false, hasFailed: false } : ofLines(text);
}

function ofValue(value: unknown): AnswerEvents {
  const events = (Array.isArray(value) ? value : [value]).filter(isRecord);
  const isStream = Array.isArray(value);
  return { events, isStream, isClosed: true, hasFailed: isStream && events.some(isError) };
}

/** The stream's own grammar (HTML, section 9.2.6), as far as it bears on this: an event ends at an empty line. */
function ofServerSent(text: string): AnswerEvents {
  const all: AnswerEvents = { events: [], isStream: true, isClosed: false, hasFailed: false };
  let name = '';
  let data: string[] = [];
  const dispatch = (): void => {
    if (name === 'error') all.hasFailed = true;
    if (data.length > 0) note(all, data.join('\n'));
    [name, data] = ['', []];
  };
  for (const line of text.split(/\r\n|\n|\r/)) {
    if (line === '') dispatch();
    else if (line.startsWith('event:')) {
      // Without an empty line between: printed so by some programs.
      if (data.length > 0) dispatch();
      name = line.slice(6).trim();
    } else if (line.startsWith('data:')) {
      if (data.length > 0 && parsed(data.join('\n')) !== undefined) dispatch();
      data.push(line.slice(5).trim());
    }
  }
  dispatch();
  return all;
}

function ofLines(text: string): AnswerEvents {
  const all: AnswerEvents = { events: [], isStream: true, isClosed: false, hasFailed: false };
  for (const line of text.split('\n')) if (line.trimStart().startsWith('{')) note(all, line.trim());
  // One object behind a line of something else is no stream.
  if (all.events.length === 1) all.isStream = false;
  return all;
}

function note(all: AnswerEvents, data: string): void {
  if (data === '[DONE]') all.isClosed = true;
  if (!TELLING.test(data)) return;
  const value = parsed(data);
  if (!isRecord(value)) return;
  if (isError(value)) all.hasFailed = true;
  all.events.push(value);
}

/** Anthropic's `type`, and what others send in the middle of a stream. */
function isError({ type, error }: Readonly<Record<string, unknown>>): boolean {
  return type === 'error' || (error !== undefined && error !== null && error !== false && error !== '');
}

/** The value between the first bracket and the last. */
function inside(text: string): unknown {
  const start = text.search(/[{[]/);
  if (start < 0) return undefined;
  const from = (at: number): unknown => parsed(text.slice(at, text.lastIndexOf(text[at] === '{' ? '}' : ']') + 1));
  const object = text.indexOf('{');
  // `[info] done`, and then the answer.
  return from(start) ?? (object <= start || /^\[\s*\{/.test(text) ? undefined : from(object));
}

function parsed(text: string): unknown {
  if (!/^[{[]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
