import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { encodePng, readBytes } from '../../node/files/image.ts';
import { checkFace } from '../../src/faces/manifest.ts';
import {
  apply,
  fitSimilarity,
  frameOf,
  type Point,
  pointsOf,
  readSubject,
} from '../../src/forge/face.ts';
import { drawnPicture, failure, temporaryFolder } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const image = drawnPicture(100, 100);
const turned = { a: 1.2 * Math.cos(0.3), b: 1.2 * Math.sin(0.3), x0: 5, y0: -7 };

test('a similarity is found again from the points that it moved', () => {
  const from: Point[] = [
    [10, 20],
    [40, 22],
    [25, 35],
    [14, 50],
    [38, 52],
  ];
  const found = fitSimilarity(
    from,
    from.map((point) => apply(turned, point)),
  );
  for (const key of ['a', 'b', 'x0', 'y0'] as const) {
    assert.ok(Math.abs(found[key] - turned[key]) < 1e-9, `${key} ${found[key]}`);
  }
});

test('landmarks where they are expected give the frame of a crop without any', () => {
  const expected = frameOf({ image, landmarks: null });
  const landmarks = pointsOf({ image, landmarks: null }) as never;
  const frame = frameOf({ image, landmarks });
  for (const [key, value] of Object.entries(expected)) {
    assert.ok(Math.abs(frame[key as keyof typeof frame] - value) < 1e-9, key);
  }
});

test('the frame turns and grows with the landmarks', () => {
  const straight = pointsOf({ image, landmarks: null });
  const landmarks = straight.map((point) => apply(turned, point)) as never;
  const [before, after] = [frameOf({ image, landmarks: null }), frameOf({ image, landmarks })];
  assert.ok(Math.abs(after.tilt - 0.3) < 1e-9);
  assert.ok(Math.abs(after.halfHeight - 1.2 * before.halfHeight) < 1e-9);
  const [x, y] = apply(turned, [before.x, before.y]);
  assert.ok(Math.hypot(after.x - x, after.y - y) < 1e-9);
});

test('landmarks on one point are refused', async () => {
  const point: Point = [5, 5];
  const landmarks: [Point, Point, Point, Point, Point] = [point, point, point, point, point];
  const error = await failure(() => frameOf({ image, landmarks }));
  assert.match(error.message, /mouth on the eyes/);
});

test('landmarks are counted from the corner of the crop', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'a.png'), encodePng(image));
  const line = { image: 'a.png', label: 0, video: 'v', dataset: 'd', split: 'train' };
  const point = [50, 44];
  const landmarks = [point, point, point, point, point];
  const read = async (box: number[] | null) => {
    const face = checkFace({ ...line, box, landmarks }, 'here');
    return readSubject({ ...face, folder }, readBytes);
  };
  // A square of 52 about (50, 40): from (24, 14). The second is cut off at the top left.
  assert.equal((await read([30, 20, 40, 40])).landmarks?.[0], [26, 30]);
  assert.is((await read([30, 20, 40, 40])).image.width, 52);
  assert.equal((await read([0, 0, 40, 40])).landmarks?.[0], [50, 44]);
  assert.equal((await read(null)).landmarks?.[0], [50, 44]);
});
