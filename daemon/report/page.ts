import { formatDollars } from '../core/amount.ts';
import { linesOf, printable, shortened, widthOf } from '../contract/printable.ts';

/** Plain text for a terminal and for the client's screen, which shows it as it is: no colours, no boxes, 80 columns. */
export const WIDTH = 80;

const BAR = 10;

/** `███████░░░`. Full only when nothing is left. */
export function bar(share: number): string {
  const filled = Math.max(0, Math.min(BAR, Math.floor(share * BAR)));
  return '█'.repeat(filled) + '░'.repeat(BAR - filled);
}

export const NO_BAR = ' '.repeat(BAR);

/** "70 %". 100 only when nothing is left. */
export function percent(share: number): string {
  const rounded = Math.round(share * 100);
  return `${share < 1 ? Math.min(99, rounded) : rounded} %`;
}

/** µ$ of the wire → "$3.50" */
export function dollars(amount: string): string {
  return formatDollars(BigInt(amount));
}

/** "1 request", "15 requests" */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** Other people's text: made visible, cut in its middle, and filled up to the width. */
export function cell(text: string, width: number): string {
  const shown = shortened(text, width);
  return shown + ' '.repeat(Math.max(0, width - widthOf(shown)));
}

export function cellRight(text: string, width: number): string {
  const shown = printable(text, width);
  return ' '.repeat(Math.max(0, width - widthOf(shown))) + shown;
}

/** How much of an id tells sessions apart on a screen. */
export function shortId(id: string): string {
  return printable(id.slice(0, 8), 8);
}

/** A folder, cut at its front: the end says more. */
export function folder(path: string, width: number): string {
  const shown = printable(path);
  if (widthOf(shown) <= width) return shown;
  const characters = [...shown];
  let tail = '';
  while (characters.length > 0 && widthOf(tail) + widthOf(characters.at(-1)!) < width) tail = characters.pop()! + tail;
  return `…${tail}`;
}

export interface Column<T> {
  title: string;
  right?: boolean;
  value: (row: T) => string;
}

/** The first column tells what a row is about; with less room than this it does not. */
const LEAST_NAME = 12;

/**
 * Columns as wide as what stands in them; the first takes the room that is left, and is cut when there is none. Where figures are so large
 * that the first has none at all, the last columns are left out; JSON has them.
 */
export function columns<T>(rows: readonly T[], all: readonly Column<T>[], indent = '  '): string[] {
  const [first, ...rest] = all;
  const widths = rest.map((column) => Math.max(widthOf(column.title), ...rows.map((row) => widthOf(column.value(row)))));
  const roomBeside = (): number => WIDTH - indent.length - widths.reduce((sum, width) => sum + width + 2, 0);
  while (roomBeside() < LEAST_NAME && widths.length > 1) widths.pop();
  const room = roomBeside();
  const shown = rest.slice(0, widths.length);
  const firstWidth = Math.min(room, Math.max(widthOf(first!.title), ...rows.map((row) => widthOf(shortened(first!.value(row), room)))));
  const line = (texts: readonly string[]): string => {
    const cells = shown.map((column, index) => (column.right === false ? cell(texts[index + 1]!, widths[index]!) : cellRight(texts[index + 1]!, widths[index]!)));
    return `${indent}${[cell(texts[0]!, firstWidth), ...cells].join('  ')}`.trimEnd();
  };
  return [line(all.map((column) => column.title)), ...rows.map((row) => line(all.map((column) => column.value(row))))];
}

/** Text broken into lines at its spaces, and inside a word where a line has no room for it. */
export function wrap(text: string, indent: string, maxLines = 6): string[] {
  const room = WIDTH - widthOf(indent);
  const lines = linesOf(printable(text.slice(0, 2_000)), room);
  const kept = lines.length <= maxLines ? lines : [...lines.slice(0, maxLines - 1), printable(`${lines[maxLines - 1]} …`, room)];
  return kept.map((one) => indent + one);
}

/** The same, with nothing left out. */
export function fold(text: string, indent: string): string[] {
  return linesOf(printable(text), WIDTH - widthOf(indent)).map((one) => indent + one);
}

/** "21 Nov 2026, 08:05" on the user's clock. */
export function moment(at: number, timeZone: string): string {
  return new Intl.DateTimeFormat('en-GB', { timeZone, day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' }).format(at);
}

export const SHADOW = 'shadow: nothing is refused or paid; "mode" in config.json ends that';
