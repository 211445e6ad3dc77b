import { gfm } from '@joplin/turndown-plugin-gfm';
import Turndown from 'turndown';

/** What a page shows to nobody, or what cannot be text. */
const UNREAD = ['script', 'style', 'noscript', 'template', 'iframe', 'object', 'canvas', 'video', 'audio', 'link', 'meta'] as const;

/** A page as Markdown: its title, its text, tables and code, links as whole addresses. Throws on nesting without end. */
export function htmlToMarkdown(html: string, url: string): string {
  const service = new Turndown({ headingStyle: 'atx', codeBlockStyle: 'fenced', bulletListMarker: '-', emDelimiter: '*' });
  service.use(gfm);
  service.remove([...UNREAD]).remove((node) => node.nodeName.toLowerCase() === 'svg');
  service.addRule('title', { filter: 'title', replacement: (text) => `# ${text.trim()}\n\n` });
  service.addRule('link', { filter: (node) => node.nodeName === 'A' && attribute(node, 'href') !== null, replacement: (text, node) => linked(text, absolute(attribute(node, 'href'), url)) });
  service.addRule('image', { filter: 'img', replacement: (_, node) => pictured(attribute(node, 'alt') ?? '', absolute(attribute(node, 'src'), url)) });
  return service.turndown(html).replace(/\n{3,}/g, '\n\n').trim();
}

/** A Node of turndown's own document; the DOM's types are a browser's, and not here. */
function attribute(node: unknown, name: string): string | null {
  return (node as { getAttribute(name: string): string | null }).getAttribute(name);
}

function linked(text: string, address: string | null): string {
  const shown = text.trim();
  return shown === '' || address === null ? text : `[${shown}](${address})`;
}

function pictured(alt: string, address: string | null): string {
  return alt === '' || address === null ? alt : `![${alt}](${address})`;
}

/** null for what is no address to go to: scripts, data, a place in the page itself. */
function absolute(reference: string | null, base: string): string | null {
  if (reference === null || reference.startsWith('#') || !URL.canParse(reference, base)) return null;
  const { href, protocol } = new URL(reference, base);
  return protocol === 'http:' || protocol === 'https:' || protocol === 'mailto:' ? href.replaceAll('(', '%28').replaceAll(')', '%29') : null;
}
