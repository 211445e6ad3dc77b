import { parentPort } from 'node:worker_threads';
import { htmlToMarkdown } from './html-to-markdown.ts';

/** A thread of its own: a page somebody wrote to be slow takes its own time, and not the daemon's. */
export interface PageToRead {
  id: number;
  html: string;
  url: string;
}

export interface PageRead {
  id: number;
  /** null: it cannot be read. */
  markdown: string | null;
}

parentPort?.on('message', ({ id, html, url }: PageToRead) => {
  let markdown: string | null = null;
  try {
    markdown = htmlToMarkdown(html, url);
  } catch {
    // Elements nested by the ten thousand overflow the stack; whoever asked is told that it cannot be read.
  }
  parentPort?.postMessage({ id, markdown } satisfies PageRead);
});
