/**
 * Pictures and text laid out on a sheet: blocks in rows and columns, the text as SVG, the pictures as
 * pixels. `paint` (paint.ts) makes one picture of it; a page may also show the two itself.
 */
import { colourAt, type Palette } from './colours.ts';
import type { RgbImage } from './rgb.ts';

/** A rectangle of a sheet that knows its size before it has a place. */
export interface Block {
  width: number;
  height: number;
  /** Pictures and SVG elements, with the upper left corner at this place (whole pixels). */
  at(x: number, y: number): Part[];
}

type Part = { image: RgbImage; x: number; y: number } | { svg: string };

/** A finished sheet: pictures in whole pixels on a white ground, and an SVG to lay over them. */
export interface Drawing {
  width: number;
  height: number;
  pictures: readonly { image: RgbImage; x: number; y: number }[];
  /** The whole `<svg>` element, transparent where nothing is written. */
  svg: string;
}

const ink = '#1d2126';
export const soft = '#555d66';

export interface TextStyle {
  /** Height of the letters' em square, in pixels. */
  size?: number;
  bold?: boolean;
  colour?: string;
}

const lineHeight = 1.35;

/** Widths of letters in ems, rounded up from those of usual sans-serif fonts: what fits by these fits. */
function letterWidth(letter: string): number {
  if (/[\u0300-\u036f]/.test(letter)) return 0;
  if (/[ilj.,:;|!'’`()[\]]/.test(letter)) return 0.32;
  if (/[ftrI "\-/\\]/.test(letter)) return 0.4;
  if (/[mwMW@%—…ЖШЩЮМжшщюм]/.test(letter)) return 0.92;
  if (/\p{Lu}/u.test(letter)) return 0.7;
  return (letter.codePointAt(0) as number) >= 0x1100 ? 1.05 : 0.58;
}

/** An upper bound of a text's width in pixels, whatever the sans-serif font. */
export function textWidth(text: string, { size = 15, bold = false }: TextStyle = {}): number {
  let ems = 0;
  for (const letter of text) ems += letterWidth(letter);
  return Math.ceil(ems * size * (bold ? 1.06 : 1));
}

/** A text's beginning and end that are no wider than the room together, with … between them. */
function shortened(text: string, room: number, style: TextStyle): string {
  if (textWidth(text, style) <= room) return text;
  const letters = [...text];
  const ends = (kept: number) =>
    `${letters.slice(0, Math.ceil(kept / 2)).join('')}…${letters.slice(letters.length - Math.floor(kept / 2)).join('')}`;
  let kept = letters.length - 1;
  while (kept > 2 && textWidth(ends(kept), style) > room) kept--;
  return ends(kept);
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
/** Text inside an SVG element. What XML cannot hold (most control characters) becomes a sign for it. */
const escapeXml = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Cs}\ufffe\uffff]/gu, '\ufffd')
    .replace(/[&<>"]/g, (letter) => entities[letter]);

function line(text: string, width: number, style: TextStyle): Block {
  const { size = 15, bold = false, colour = ink } = style;
  return {
    width,
    height: Math.ceil(size * lineHeight),
    at: (x, y) => [
      {
        svg:
          `<text x="${x}" y="${y + Math.round(size * 1.02)}" font-size="${size}" fill="${colour}"` +
          `${bold ? ' font-weight="700"' : ''} xml:space="preserve">${escapeXml(text)}</text>`,
      },
    ],
  };
}

/** One line of text; what does not fit is left out in the middle, where file names differ least. */
export const label = (text: string, width: number, style: TextStyle = {}): Block =>
  line(shortened(text, width, style), width, style);

/** A text in as many lines as it needs, broken between words. */
export function paragraph(text: string, width: number, style: TextStyle = {}): Block {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const longer = `${lines[lines.length - 1]} ${word}`;
    if (lines.length > 0 && textWidth(longer, style) <= width) lines[lines.length - 1] = longer;
    else lines.push(shortened(word, width, style));
  }
  return column(
    lines.map((text) => line(text, width, style)),
    0,
  );
}

/** A picture, pixel upon pixel. */
export const picture = (image: RgbImage): Block => ({
  width: image.width,
  height: image.height,
  at: (x, y) => [{ image, x, y }],
});

/** Room that nothing is drawn in. */
export const space = (width: number, height: number): Block => ({ width, height, at: () => [] });

/** Blocks below each other, left edges in line. */
export function column(blocks: readonly Block[], gap = 6): Block {
  const height = blocks.reduce((sum, block) => sum + block.height + gap, -gap);
  return {
    width: Math.max(0, ...blocks.map((block) => block.width)),
    height: Math.max(0, height),
    at(x, y) {
      let top = y;
      return blocks.flatMap((block) => {
        const parts = block.at(x, top);
        top += block.height + gap;
        return parts;
      });
    },
  };
}

/** Blocks beside each other, upper edges in line. */
export function row(blocks: readonly Block[], gap = 12): Block {
  const width = blocks.reduce((sum, block) => sum + block.width + gap, -gap);
  return {
    width: Math.max(0, width),
    height: Math.max(0, ...blocks.map((block) => block.height)),
    at(x, y) {
      let left = x;
      return blocks.flatMap((block) => {
        const parts = block.at(left, y);
        left += block.width + gap;
        return parts;
      });
    },
  };
}

/** The scale of a palette: a bar from 0 to 1, below it what its two ends mean. */
export function scale(palette: Palette, low: string, high: string, width: number): Block {
  const height = 10;
  const data = new Uint8ClampedArray(width * height * 3);
  for (let x = 0; x < width; x++) {
    const colour = colourAt(palette, x / Math.max(1, width - 1));
    for (let y = 0; y < height; y++) data.set(colour, (y * width + x) * 3);
  }
  const style: TextStyle = { size: 13, colour: soft };
  const left = Math.min(textWidth(low, style) + 4, Math.floor(width / 2));
  const right = width - left;
  const words = shortened(high, right, style);
  const end: Block = {
    width: right,
    height: Math.ceil(13 * lineHeight),
    at: (x, y) => [
      {
        svg: `<text x="${x + right}" y="${y + 13}" font-size="13" fill="${soft}" text-anchor="end">${escapeXml(words)}</text>`,
      },
    ],
  };
  const ends = row([label(low, left, style), end], 0);
  return column([picture({ width, height, data }), ends], 3);
}

/** The sheet of a block, with a margin around it. */
export function drawing(block: Block, margin = 16): Drawing {
  const [width, height] = [block.width, block.height].map((n) => Math.ceil(n) + 2 * margin);
  const parts = block.at(margin, margin);
  const text = parts.flatMap((part) => ('svg' in part ? [part.svg] : []));
  return {
    width,
    height,
    pictures: parts.flatMap((part) => ('image' in part ? [part] : [])),
    svg:
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
      `font-family="PT Sans, sans-serif">\n${text.join('\n')}\n</svg>`,
  };
}
