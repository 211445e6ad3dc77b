import { stripVTControlCharacters } from 'node:util';
import type { BudgetView } from '../../daemon/contract/views.ts';
import { wrap } from '../../daemon/report/page.ts';
import { createPaint } from './paint.ts';
import { treeLines } from './tree.ts';

/** What the person sees. On a terminal the tree is drawn anew in place, under the lines that stay; elsewhere only lines are written. */
export interface Screen {
  readonly live: boolean;
  scene(title: string, ...sentences: string[]): void;
  /** What just happened. */
  say(sentence: string): void;
  /** pag0's own words, and to whom; cut after some lines, where they were read before. */
  quote(to: string, sentence: string, maxLines?: number): void;
  /** An agent's call: in the tree on a terminal, a line elsewhere. */
  call(agent: { id: string; name: string }, text: string): void;
  show(view: BudgetView): void;
  /** The tree as it stays on the page. */
  keep(view: BudgetView): void;
  page(text: string): void;
  close(): void;
}

interface Terminal {
  isTTY?: boolean;
  columns?: number;
  rows?: number;
  write(text: string): unknown;
}

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';

export function createScreen(terminal: Terminal, env: Record<string, string | undefined>): Screen {
  const live = terminal.isTTY === true && env['TERM'] !== 'dumb';
  const paint = createPaint(live && (env['NO_COLOR'] ?? '') === '');
  const doing = new Map<string, string>();
  let drawn: string[] = [];
  if (live) terminal.write(HIDE_CURSOR);

  /** Lines that stay, above the tree. */
  function write(lines: readonly string[]): void {
    erase();
    terminal.write(lines.map((line) => `${line}\n`).join('') + block());
  }

  function erase(): void {
    if (drawn.length > 0) terminal.write(`\u001b[${drawn.length}A\u001b[J`);
  }

  function block(): string {
    return drawn.map((line) => `${line}\n`).join('');
  }

  function draw(lines: readonly string[]): void {
    erase();
    // Some terminals do not tell their size, and say 0. A line that the terminal breaks, or a tree higher than the terminal, could not be erased again.
    drawn = lines.slice(0, Math.max(1, (terminal.rows || 24) - 2)).map((line) => fit(line, (terminal.columns || 80) - 1));
    terminal.write(block());
  }

  return {
    live,
    scene: (title, ...sentences) => write(['', paint('bold', title), ...sentences.flatMap((sentence) => wrap(sentence, '')), '']),
    say: (sentence) => write(wrap(sentence, '  ')),
    quote: (to, sentence, maxLines) =>
      write([`  ${paint('cyan', `pag0 to ${to}:`)}`, ...wrap(sentence.replace(/^pag0:? /, ''), '    ', maxLines).map((line) => paint('yellow', line)), ...(live ? [''] : [])]),
    call(agent, what) {
      if (live) doing.set(agent.id, what);
      else write([`  ${agent.name.padEnd(14)}${what}`]);
    },
    show(view) {
      if (live) draw(treeLines(view, paint, doing));
    },
    keep(view) {
      erase();
      drawn = [];
      write([...(live ? [] : ['']), ...treeLines(view, paint, doing), '']);
    },
    page: (page) => write(page.split('\n')),
    close() {
      if (live) terminal.write(SHOW_CURSOR);
    },
  };
}

/** Colours take no room, and a cut must not fall into one. */
function fit(line: string, width: number): string {
  const bare = stripVTControlCharacters(line);
  return bare.length <= width ? line : bare.slice(0, Math.max(0, width));
}
