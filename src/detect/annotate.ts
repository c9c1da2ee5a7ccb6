/** A video's frame with its faces marked. Pixels only. */
import { drawing, label, textWidth } from '../image/layout.ts';
import { paint, paste } from '../image/paint.ts';
import type { Box } from '../image/pixels.ts';
import type { RgbImage } from '../image/rgb.ts';
import type { Threshold } from '../model/llsm/checkpoint.ts';
import { boxOn } from './pictures.ts';
import { maskThreshold, verdictColours } from './verdict.ts';
import type { SeenFrame } from './video.ts';

type Colour = readonly [number, number, number];

/**
 * Draws a frame's faces on the picture that was kept of it, which may be smaller: a box about each
 * with its track and score in the colour of its verdict; where it is altered also the outline of the mask.
 * @param size side of the network's masks
 */
export async function annotate(
  { size: whole, seen, picture, time }: SeenFrame<RgbImage>,
  { size, threshold }: { size: number; threshold?: Threshold },
): Promise<RgbImage> {
  const image = { ...picture, data: picture.data.slice() };
  const line = Math.max(2, Math.round(Math.max(image.width, image.height) / 400));
  const letters = 6 * line;
  for (const { finding, square, detection } of seen) {
    const { verdict, probability, track } = finding;
    const colour = verdictColours[verdict];
    const [x, y, w, h] = boxOn(image, whole, finding.box ?? square).map(Math.round) as Box;
    if (verdict === 'altered' && detection?.mask) {
      const on = boxOn(image, whole, square);
      outlineMask(image, detection.mask, size, on, maskThreshold(threshold), colour);
    }
    for (let k = 0; k < line; k++) frame(image, [x - k, y - k, w + 2 * k, h + 2 * k], colour);
    const score = probability === null ? '' : ` ${probability.toFixed(2)}`;
    await write(image, `${track + 1}:${score} ${verdict}`, x - line, y - line, letters);
  }
  await write(image, `${time.toFixed(2)} s`, 0, 0, letters);
  return image;
}

/** Texts as pictures: the same ones come again from frame to frame. */
const written = new Map<string, Promise<RgbImage>>();
const mostWritten = 500;

function pictureOf(text: string, size: number): Promise<RgbImage> {
  const key = `${size} ${text}`;
  let known = written.get(key);
  if (!known) {
    if (written.size >= mostWritten) written.clear();
    const style = { size, bold: true };
    known = paint(drawing(label(text, textWidth(text, style), style), 2));
    written.set(key, known);
  }
  return known;
}

/** Writes a line of text whose lower edge is at y, moved so that all of it is on the picture. */
async function write(
  image: RgbImage,
  text: string,
  x: number,
  y: number,
  size: number,
): Promise<void> {
  const picture = await pictureOf(text, size);
  if (picture.width > image.width || picture.height > image.height) return;
  const left = Math.min(Math.max(0, x), image.width - picture.width);
  const top = Math.min(Math.max(0, y - picture.height), image.height - picture.height);
  paste(image, picture, left, top);
}

function dot({ width, height, data }: RgbImage, x: number, y: number, colour: Colour): void {
  if (x >= 0 && x < width && y >= 0 && y < height) data.set(colour, (y * width + x) * 3);
}

function frame(image: RgbImage, [left, top, w, h]: Box, colour: Colour): void {
  const [right, bottom] = [left + w - 1, top + h - 1];
  for (let x = Math.max(0, left); x <= Math.min(right, image.width - 1); x++) {
    for (const y of [top, bottom]) dot(image, x, y, colour);
  }
  for (let y = Math.max(0, top); y <= Math.min(bottom, image.height - 1); y++) {
    for (const x of [left, right]) dot(image, x, y, colour);
  }
}

/** Draws the border of where a mask [side, side] over a box is at or above a value. */
function outlineMask(
  image: RgbImage,
  mask: Float32Array,
  side: number,
  [left, top, w, h]: Box,
  from: number,
  colour: Colour,
): void {
  const place = (at: number, start: number, length: number): number =>
    Math.floor(((at + 0.5 - start) * side) / length);
  const inside = (x: number, y: number): boolean => {
    const [column, row] = [place(x, left, w), place(y, top, h)];
    const on = column >= 0 && column < side && row >= 0 && row < side;
    return on && mask[row * side + column] >= from;
  };
  const [right, bottom] = [Math.min(image.width, left + w), Math.min(image.height, top + h)];
  for (let y = Math.max(0, Math.floor(top)); y < bottom; y++) {
    for (let x = Math.max(0, Math.floor(left)); x < right; x++) {
      const border =
        inside(x, y) &&
        !(inside(x - 1, y) && inside(x + 1, y) && inside(x, y - 1) && inside(x, y + 1));
      if (border) dot(image, x, y, colour);
    }
  }
}
