/** The mask over the face crop. */
import { maskThreshold } from '../src/detect/verdict.ts';
import { colourAt, type OverlayOptions, plasma } from '../src/image/colours.ts';
import type { Box } from '../src/image/pixels.ts';
import type { Threshold } from '../src/model/llsm/checkpoint.ts';
import { $, percent, score, sized } from './dom.ts';
import { drawCrop, type Shown } from './stage.ts';

const side = 448;

/**
 * Values [size, size] of 0 to 1 in colours, the more opaque the higher.
 * @param options the palette (default plasma), and how opaque 0 and 1 are (default 0 and 1)
 */
export function tinted(
  values: Float32Array,
  size: number,
  { palette = plasma, least = 0, alpha = 1 }: OverlayOptions = {},
): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  const context = sized(canvas, size, size);
  const pixels = context.createImageData(size, size);
  values.forEach((value, i) => {
    const opaque = least + (alpha - least) * Math.min(1, Math.max(0, value));
    pixels.data.set(colourAt(palette, value), 4 * i);
    pixels.data[4 * i + 3] = 255 * opaque;
  });
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/** Draws the crop with its mask. @returns draws it again at another opacity, 0 to 1 */
export function drawMask(
  shown: Shown,
  square: Box,
  mask: Float32Array,
  size: number,
): (opacity: number) => void {
  const layer = tinted(mask, size);
  const canvas = $<HTMLCanvasElement>('mask');
  return (opacity) => {
    const context = sized(canvas, side, side);
    drawCrop(context, shown, square, side);
    context.globalAlpha = opacity;
    context.drawImage(layer, 0, 0, side, side);
  };
}

/** What the mask says in words. */
export function sayMask(share: number, altered: boolean, threshold: Threshold | null): void {
  const from = score(maskThreshold(threshold ?? undefined));
  $('mask-note').textContent = altered
    ? `${percent(share)} of the crop is marked (from ${from}); yellow where it looks most altered.`
    : 'The mask shows where a face that was altered was altered. This one was not called altered: what is marked here says little.';
}
