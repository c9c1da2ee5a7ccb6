import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { encodePng } from '../../../node/files/image.ts';
import { readManifest } from '../../../node/files/manifest.ts';
import { markPoints } from '../../../node/sets/points.ts';
import type { Point } from '../../../src/faces/place.ts';
import type { Box } from '../../../src/image/pixels.ts';
import { drawnPicture, temporaryFolder } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';

/** Points spread over a box in such a way that the five of them are where a face has them. */
function pointsOver([x, y, w, h]: Box): Point[] {
  const at = (u: number, v: number): Point => [x + u * w, y + v * h];
  const points = Array.from({ length: 68 }, (_, i) => at(i % 2, (i % 3) / 2));
  for (let i = 36; i < 42; i++) points[i] = at(0.3, 0.35);
  for (let i = 42; i < 48; i++) points[i] = at(0.7, 0.35);
  points[30] = at(0.5, 0.55);
  points[48] = at(0.35, 0.75);
  points[54] = at(0.65, 0.75);
  return points;
}

test('faces get their 68 points; what is far from the known five is not believed; once is enough', async () => {
  const folder = temporaryFolder();
  const face: Box = [20, 15, 60, 70];
  const right = pointsOver(face);
  const known = [right[36], right[42], right[30], right[48], right[54]];
  const moved = known.map(([x, y]) => [x + 60, y]);
  const lines = [known, moved, null].map((landmarks, n) => {
    const image = `${n}.png`;
    writeFileSync(join(folder, image), encodePng(drawnPicture(100, 100, n)));
    return { image, label: 0, landmarks, video: image, dataset: 'd', split: 'train' };
  });
  writeFileSync(
    join(folder, 'manifest.jsonl'),
    lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
  );
  let asked = 0;
  const finder = {
    find: async () => [{ box: face, score: 1, landmarks: [] }],
    points68: async () => {
      asked++;
      return right;
    },
  };
  const result = await markPoints(folder, finder);
  assert.equal(result, { marked: 2, before: 0, unsure: ['1.png'] });
  const items = readManifest(folder);
  assert.equal(
    items.map(({ points68 }) => points68?.length),
    [68, undefined, 68],
  );
  assert.equal(items[0].points68, right);
  const text = readFileSync(join(folder, 'manifest.jsonl'), 'utf8');
  asked = 0;
  assert.equal(await markPoints(folder, finder), { marked: 0, before: 2, unsure: ['1.png'] });
  assert.is(asked, 2);
  assert.is(readFileSync(join(folder, 'manifest.jsonl'), 'utf8'), text);
});
