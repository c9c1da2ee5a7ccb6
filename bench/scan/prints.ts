/** How far perceptual hashes tell copies of a photograph from forgeries made of it. */
import { join } from 'node:path';
import { loadFinder } from '../../node/files/finder.ts';
import { picturesIn, readImage } from '../../node/files/image.ts';
import { openNodeGpu } from '../../node/gpu/open.ts';
import { bitsBetween, printOf } from '../../node/scan/print.ts';
import { throughJpeg } from '../../src/image/codecs.ts';
import type { Box } from '../../src/image/pixels.ts';
import { resize } from '../../src/image/resample.ts';
import type { RgbImage } from '../../src/image/rgb.ts';

export interface PrintRow {
  what: string;
  pictures: number;
  least: number;
  median: number;
  most: number;
}

/** A face laid over another, with a soft rim. */
function swapped(image: RgbImage, from: Box, to: Box): RgbImage {
  const data = image.data.slice();
  const [x0, y0, width, height] = to.map(Math.round);
  const face = resize(image, width, height, from);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [u, v] = [(2 * (x + 0.5)) / width - 1, (2 * (y + 0.5)) / height - 1];
      const part = Math.max(0, Math.min(1, 3 * (1 - Math.hypot(u, v))));
      const [px, py] = [x0 + x, y0 + y];
      if (px < 0 || py < 0 || px >= image.width || py >= image.height) continue;
      for (let c = 0; c < 3; c++) {
        const at = 3 * (py * image.width + px) + c;
        data[at] = (1 - part) * data[at] + part * face.data[3 * (y * width + x) + c];
      }
    }
  }
  return { ...image, data };
}

/** @param photographs a folder; those with several faces give forgeries */
export async function printTable(photographs: string): Promise<PrintRow[]> {
  const finder = await loadFinder(await openNodeGpu());
  const bits: Record<string, number[]> = {};
  const prints: string[] = [];
  for (const name of picturesIn(photographs)) {
    const image = await readImage(join(photographs, name));
    const print = printOf(image);
    const add = (what: string, other: string) => {
      bits[what] ??= [];
      bits[what].push(bitsBetween(print, other));
    };
    for (const earlier of prints) add('another photograph', earlier);
    prints.push(print);
    for (const quality of [90, 50])
      add(`JPEG ${quality}`, printOf(await throughJpeg(image, quality)));
    for (const part of [0.5, 0.25]) {
      const [width, height] = [image.width, image.height].map((n) => Math.round(n * part));
      add(`resized to ${part}`, printOf(resize(image, width, height)));
    }
    const faces = (await finder.find(image)).map(({ box }) => box);
    for (const to of faces) {
      for (const from of faces) {
        if (from === to) continue;
        const share = Math.sqrt((to[2] * to[3]) / (image.width * image.height));
        const size = share > 0.25 ? 'a large face' : 'a face below a quarter of the side';
        add(`${size} swapped`, printOf(swapped(image, from, to)));
      }
    }
  }
  return Object.entries(bits).map(([what, all]) => {
    all.sort((a, b) => a - b);
    const [least, median, most] = [all[0], all[all.length >> 1], all[all.length - 1]];
    return { what, pictures: all.length, least, median, most };
  });
}
