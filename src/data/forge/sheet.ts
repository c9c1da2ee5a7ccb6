/** A contact sheet of a forged set, to look at before training on it. */

import { type Cell, panel } from '../../eval/figures.ts';
import { writeFileWhole } from '../../write-file.ts';
import { encodePng, readImage } from '../image-node.ts';
import { readManifest } from '../manifest-node.ts';

/** Writes a PNG of the first pairs of a set, three in a row: real, forged, mask. */
export async function writeForgerySheet(folder: string, path: string, pairs = 24): Promise<void> {
  const items = readManifest(folder);
  const byImage = new Map(items.map((item) => [item.image, item]));
  const forged = items.filter((item) => item.label === 1 && item.mask !== null).slice(0, pairs);
  const rows: Cell[][] = [];
  for (const [index, item] of forged.entries()) {
    const real = byImage.get(item.image.replace(/-1\.png$/, '-0.png'));
    if (index % 3 === 0) rows.push([]);
    const cells = [
      ...(real ? [{ image: real.image, label: 'real' }] : []),
      { image: item.image, label: `${item.method}` },
      { image: item.mask as string, label: 'mask' },
    ];
    for (const { image, label } of cells) {
      rows[rows.length - 1].push({ image: await readImage(`${folder}/${image}`), label });
    }
  }
  if (rows.length > 0) writeFileWhole(path, [encodePng(panel(rows))]);
}
