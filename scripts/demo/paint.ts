import { styleText } from 'node:util';

export type Style = 'red' | 'yellow' | 'green' | 'cyan' | 'dim' | 'bold';
export type Paint = (style: Style, text: string) => string;

/** https://no-color.org: any value but the empty one switches colours off. */
export function createPaint(colours: boolean): Paint {
  return colours ? (style, text) => styleText(style, text) : (_style, text) => text;
}
