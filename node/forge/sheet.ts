/** A contact sheet of a forged set, to look at before training on it. */

import type { ManifestItem } from '../../src/faces/manifest.ts';
import { type Cell, panel } from '../../src/image/draw.ts';
import { encodePng, readImage } from '../files/image.ts';
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

/** Writes a PNG of the first pairs of a set, three in a row: real, forged, mask. */
export async function writeForgerySheet(folder: string, path: string, pairs = 24): Promise<void> {
  const items = readManifest(folder);
  const byImage = new Map(items.map((item) => [item.image, item]));
  const known = items.filter((item) => item.label === 1 && item.mask !== null);
  const forged = inTurn(known).slice(0, pairs);
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
