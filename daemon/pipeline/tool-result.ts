/** The part of a result that may be an API's answer: a command's output, an MCP result's text. */
export function answerText(response: unknown): string {
  if (typeof response === 'string') return response;
  if (Array.isArray(response)) return response.map((block: unknown) => (isRecord(block) && typeof block['text'] === 'string' ? block['text'] : '')).join('\n');
  if (!isRecord(response)) return '';
  if (typeof response['stdout'] === 'string') return response['stdout'];
  return JSON.stringify(response);
}

/** A result that is nothing but text, and so can be given to the next one as text; null for one with pictures and the like. */
export function wholeText(response: unknown): string | null {
  if (Array.isArray(response) && response.some((block: unknown) => !isRecord(block) || block['type'] !== 'text')) return null;
  const text = answerText(response);
  return text === '' ? null : text;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
