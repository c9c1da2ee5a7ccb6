/** A contact sheet of a forged set, to look at before training on it. */

import type { ManifestItem } from '../../src/faces/manifest.ts';
import { type Block, column, drawing, label, picture, row } from '../../src/image/layout.ts';
import { resize } from '../../src/image/resample.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import { drawPng } from '../files/drawing.ts';
import { readImage } from '../files/image.ts';
import { readManifest } from '../files/manifest.ts';
import { writeFileWhole } from '../system/write-file.ts';

/** The first ones of each method in turn, so that every method is seen. */
function inTurn(items: readonly ManifestItem[]): ManifestItem[] {
  const seen = new Map<string | null, number>();
  const turns = items.map((item) => {
    const turn = seen.get(item.method) ?? 0;
    seen.set(item.method, turn + 1);
    return { item, turn };
  });
  return turns.sort((a, b) => a.turn - b.turn).map(({ item }) => item);
}

/** Longest side of the pictures on the sheet. */
const longest = 256;

function smaller(image: RgbImage): RgbImage {
  const factor = Math.min(1, longest / Math.max(image.width, image.height));
  if (factor === 1) return image;
  const [width, height] = [image.width, image.height].map((n) =>
    Math.max(1, Math.round(n * factor)),
  );
  return resize(image, width, height);
}

/** Writes a PNG of the first pairs of a set, three in a row: real, forged, mask. */
export async function writeForgerySheet(folder: string, path: string, pairs = 24): Promise<void> {
  const items = readManifest(folder);
  const byImage = new Map(items.map((item) => [item.image, item]));
  const known = items.filter((item) => item.label === 1 && item.mask !== null);
  const groups: Block[] = [];
  for (const item of inTurn(known).slice(0, pairs)) {
    const real = byImage.get(item.image.replace(/-1\.png$/, '-0.png'));
    const cells = [
      ...(real ? [{ image: real.image, title: 'real' }] : []),
      { image: item.image, title: `${item.method}` },
      { image: item.mask as string, title: 'mask' },
    ];
    const blocks: Block[] = [];
    for (const { image, title } of cells) {
      const shown = smaller(await readImage(`${folder}/${image}`));
      blocks.push(column([label(title, shown.width, { size: 14, bold: true }), picture(shown)], 3));
    }
    groups.push(row(blocks, 4));
  }
  const rows: Block[] = [];
  for (let first = 0; first < groups.length; first += 3) {
    rows.push(row(groups.slice(first, first + 3), 20));
  }
  if (rows.length > 0) writeFileWhole(path, [await drawPng(drawing(column(rows, 14)))]);
}
