import type { HereDoc, Redirection, WordPart } from 'unbash';
import { UNKNOWN, type ShellRedirect } from '../core/invocation.ts';
import { costOf, expandText, textOfParts } from './expansion.ts';
import { inSubshell, spend, type Place } from './place.ts';

export interface Redirects {
  files: ShellRedirect[];
  /** What a here-document or here-string puts on standard input. */
  input: string | undefined;
}

export function readRedirects(place: Place, redirections: readonly Redirection[]): Redirects {
  const files: ShellRedirect[] = [];
  let input: string | undefined;
  for (const redirection of redirections) {
    if (redirection.type === 'HereString') input = `${expandText(redirection.target, place)}\n`;
    else if (redirection.type === 'HereDoc') input = hereDocument(place, redirection);
    else {
      const path = expandText(redirection.target, place);
      // `2>&1` and `<&-` are about descriptors, not files.
      if (redirection.operator.endsWith('&') && /^(?:\d+-?|-)$/.test(path)) continue;
      const reads = redirection.operator === '<' || redirection.operator === '<&';
      files.push({ path: path === UNKNOWN ? null : path, kind: reads ? 'read' : 'write' });
    }
  }
  return { files, input };
}

function hereDocument(place: Place, { operator, body, delimiter }: HereDoc): string {
  if (!spend(place, costOf(body.text))) return UNKNOWN;
  const indented = operator === '<<-';
  if (body.parts !== undefined) {
    const parts = indented ? body.parts.map(withoutTabs) : body.parts;
    // A child process reads it, so what `${x:=y}` assigns here is lost.
    return textOfParts(parts, inSubshell(place));
  }
  const text = indented ? body.text.replace(/^\t+/gm, '') : body.text;
  if (delimiter?.quoted === true) return text;
  return text.replace(/\\([$`\\\n])/g, (_, character: string) => (character === '\n' ? '' : character));
}

/** `<<-` takes the tabs away that a line begins with; a part after the first begins in the middle of one. */
function withoutTabs(part: WordPart, index: number): WordPart {
  return part.type === 'Literal' ? { ...part, value: part.value.replace(index === 0 ? /^\t+/gm : /(?<=\n)\t+/g, '') } : part;
}
