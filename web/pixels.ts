/** What a canvas shows, as the library's pictures. */
import type { RgbImage } from '../src/image/rgb.ts';

/** The upper left part of a canvas of this size, in pixels; how opaque it is is left out. */
export function rgbOf(
  context: Pick<CanvasImageData, 'getImageData'>,
  width: number,
  height: number,
): RgbImage {
  const { data: from } = context.getImageData(0, 0, width, height);
  const data = new Uint8ClampedArray(width * height * 3);
  for (let k = 0, to = 0; to < data.length; k += 4, to += 3) {
    data[to] = from[k];
    data[to + 1] = from[k + 1];
    data[to + 2] = from[k + 2];
  }
  return { width, height, data };
}
