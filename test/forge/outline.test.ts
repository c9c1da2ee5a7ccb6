import * as assert from 'uvu/assert';
import { Random } from '../../src/base/random.ts';
import { markedBy, type Point, type Subject } from '../../src/forge/face.ts';
import { drawPart, drawRegion, greyMask } from '../../src/forge/mask.ts';
import { convexHull, outsideOutline } from '../../src/forge/outline.ts';
import { drawnPicture } from '../support/pictures.ts';
import { test } from '../support/run.ts';
import { held } from '../support/scratch.ts';

/** 68 points of a plain face about (128, 128): a jaw, brows, a nose, eyes, a mouth. */
const points68: Point[] = [
  ...Array.from({ length: 17 }, (_, i): Point => {
    const angle = Math.PI * (1 - i / 16);
    return [128 + 70 * Math.cos(angle), 120 + 85 * Math.sin(angle)];
  }),
  ...Array.from({ length: 10 }, (_, i): Point => [75 + i * 11.7, 92]),
  ...Array.from({ length: 4 }, (_, i): Point => [128, 105 + i * 14]),
  ...Array.from({ length: 5 }, (_, i): Point => [112 + i * 8, 152]),
  ...Array.from({ length: 6 }, (_, i): Point => [98 + 12 * Math.cos(i), 108 + 5 * Math.sin(i)]),
  ...Array.from({ length: 6 }, (_, i): Point => [158 + 12 * Math.cos(i), 108 + 5 * Math.sin(i)]),
  ...Array.from({ length: 20 }, (_, i): Point => [128 + 26 * Math.cos(i), 175 + 9 * Math.sin(i)]),
];
const face: Subject = {
  image: drawnPicture(256, 256),
  landmarks: [
    [98, 108],
    [158, 108],
    [128, 147],
    [102, 175],
    [154, 175],
  ],
  points68,
};

const shareIn = (mask: ReturnType<typeof greyMask>, inside: (x: number, y: number) => boolean) => {
  let [within, all] = [0, 0];
  mask.data.forEach((value, i) => {
    all += value;
    if (inside(i % mask.width, Math.floor(i / mask.width))) within += value;
  });
  return within / all;
};

test('a convex hull has the points inside of it and is convex', () => {
  const random = new Random(1, 'hull');
  const points = Array.from({ length: 40 }, (): Point => [random.normal(), random.normal()]);
  const hull = convexHull(points);
  assert.ok(hull.length >= 3 && hull.every((corner) => points.includes(corner)));
  for (const [i, [ax, ay]] of hull.entries()) {
    const [bx, by] = hull[(i + 1) % hull.length];
    for (const [x, y] of points) {
      assert.ok((bx - ax) * (y - ay) - (by - ay) * (x - ax) >= -1e-9);
    }
  }
});

test(
  'regions of 68 points lie where the points are: the whole face, its features, its parts',
  held(() => {
    for (let n = 0; n < 8; n++) {
      const random = new Random(n, 'regions');
      const whole = greyMask(drawRegion(face, 'outline', 'careful', random), face.image);
      const features = greyMask(drawRegion(face, 'features', 'careful', random), face.image);
      const sum = (mask: typeof whole) => mask.data.reduce((total, value) => total + value, 0);
      assert.ok(sum(features) < 0.8 * sum(whole));
      for (const [i, [x, y]] of points68.entries()) {
        const at = Math.round(y) * 256 + Math.round(x);
        if (i >= 28 && i < 31) assert.ok(whole.data[at] > 250 && features.data[at] > 200, `${i}`);
      }
      const nose = greyMask(drawPart(face, 'nose', random), face.image);
      assert.ok(shareIn(nose, (x, y) => Math.abs(x - 128) < 45 && y > 80 && y < 180) > 0.95);
      const mouth = greyMask(drawPart(face, 'mouth', random), face.image);
      assert.ok(shareIn(mouth, (_, y) => y > 145) > 0.95);
    }
  }),
);

test(
  'what lies outside of the face is outside; the background is all but the face',
  held(() => {
    const inFace = (x: number, y: number) => Math.hypot((x - 128) / 55, (y - 142) / 55) < 1;
    for (let n = 0; n < 20; n++) {
      const random = new Random(n, 'outside');
      const outside = greyMask(drawRegion(face, 'outside', 'careful', random), face.image);
      assert.ok(shareIn(outside, inFace) < 0.05, `${n}`);
      const background = greyMask(drawRegion(face, 'background', 'careful', random), face.image);
      assert.ok(shareIn(background, inFace) < 0.03, `${n}`);
      assert.is(background.data[0], 255);
    }
  }),
);

test(
  'where a face leaves no room, a piece is still drawn; without 68 points the five are enough',
  held(() => {
    const close: Subject = { ...face, landmarks: null, points68: undefined };
    assert.ok(outsideOutline(close, new Random(1, 'x')).length > 8);
    for (const region of ['outline', 'features', 'outside', 'background'] as const) {
      assert.ok(drawRegion(close, region, 'wide', new Random(2, 'x')).data.some((v) => v > 0.5));
    }
  }),
);

test(
  'where a region has no room in the crop, the whole face is taken',
  held(() => {
    const { width, height } = face.image;
    const wide = markedBy(face, ([x, y]) => [
      width / 2 + (x - width / 2) * 3,
      height / 2 + (y - height / 2) * 3,
    ]);
    for (let n = 0; n < 20; n++) {
      const mask = drawRegion({ ...face, ...wide }, 'outside', 'careful', new Random(n, 'close'));
      assert.ok(mask.data.some((value) => value > 0.5));
    }
  }),
);
