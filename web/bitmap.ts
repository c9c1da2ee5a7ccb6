/** Pixels as a page draws them. */
import type { RgbImage } from '../src/image/rgb.ts';

/** The picture as the page draws it: upright, and no larger than anybody looks at. */
export function bitmapOf({ width, height, data }: RgbImage): Promise<ImageBitmap> {
  const pixels = new ImageData(width, height);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) {
    pixels.data[to] = data[from];
    pixels.data[to + 1] = data[from + 1];
    pixels.data[to + 2] = data[from + 2];
    pixels.data[to + 3] = 255;
  }
  const scale = Math.min(1, 2048 / Math.max(width, height));
  if (scale === 1) return createImageBitmap(pixels);
  return createImageBitmap(pixels, {
    resizeWidth: Math.max(1, Math.round(width * scale)),
    resizeHeight: Math.max(1, Math.round(height * scale)),
    resizeQuality: 'high',
  });
}
