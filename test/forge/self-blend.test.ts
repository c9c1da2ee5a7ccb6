/** Forgeries of a face from itself: self-blend and generator; the masks and the finishing they share. */
import * as assert from 'uvu/assert';
import { Random } from '../../src/base/random.ts';
import { forgeRegions, forgingOf } from '../../src/config/forge-schema.ts';
import type { Subject } from '../../src/forge/face.ts';
import { degrade, finish } from '../../src/forge/finish.ts';
import { drawRegion } from '../../src/forge/mask.ts';
import { inScratch } from '../../src/forge/scratch.ts';
import { drawShare, generator, selfBlend } from '../../src/forge/self-blend.ts';
import { drawnPicture, failure, samePixels } from '../support/pictures.ts';
import { suite, test } from '../support/run.ts';
import { held } from '../support/scratch.ts';

const face: Subject = { image: drawnPicture(96, 128), landmarks: null };
const forging = forgingOf({});

test(
  'masks are soft, reach 1, are never nearly empty; parts of the face are smaller than all of it',
  held(() => {
    const sizes = new Map<string, number>();
    const square: Subject = { image: drawnPicture(128, 128), landmarks: null };
    for (const region of forgeRegions) {
      let size = 0;
      for (let n = 0; n < 40; n++) {
        const drawn = () => drawRegion(square, region, 'wide', new Random(1, region, n));
        const { box, data } = inScratch(0, drawn);
        const [x, y, w, h] = box;
        assert.ok(x >= 0 && y >= 0 && x + w <= 128 && y + h <= 128 && data.length === w * h);
        assert.ok(Math.max(...data) > 0.95, `${region}: ${Math.max(...data)}`);
        assert.ok(data.every((value) => value >= 0 && value <= 1));
        if (region !== 'crop') assert.ok(data.some((value) => value > 0.1 && value < 0.9));
        size += data.filter((value) => value > 0.5).length / 128 / 128 / 40;
      }
      sizes.set(region, size);
    }
    const of = (region: string) => sizes.get(region) as number;
    assert.ok(of('crop') > 0.999);
    for (const small of ['inner', 'lower', 'upper']) {
      assert.ok(of(small) > 0.03 && of(small) < of('face'), `${small} ${of(small)}`);
    }
    assert.ok(of('box') > of('face') && of('face') > 0.15 && of('hull') > 0.1, `${[...sizes]}`);
  }),
);

test('shares are drawn in proportion; a share of 0 never', () => {
  const counts: Record<string, number> = { a: 0, b: 0, c: 0 };
  for (let n = 0; n < 400; n++) {
    counts[drawShare({ a: 3, b: 0, c: 1 }, new Random(1, 'share', n))]++;
  }
  assert.is(counts.b, 0);
  // 400 draws at 3/4: a standard deviation of 8.7.
  assert.ok(Math.abs(counts.a - 300) < 35, `${counts.a}`);
});

for (const [name, forge] of Object.entries({ selfBlend, generator })) {
  const it = suite(name);

  it('a forgery is its real picture outside of the mask, and another inside', () => {
    let changed = 0;
    for (let n = 0; n < 30; n++) {
      const { image, mask, real } = forge(face, new Random(7, 'test', n), forging);
      assert.equal([mask.width, mask.height, image.data.length], [96, 128, face.image.data.length]);
      let [inside, pixels] = [0, 0];
      for (let i = 0; i < image.data.length; i++) {
        const difference = Math.abs(image.data[i] - real.data[i]);
        const value = mask.data[Math.floor(i / 3)];
        if (value === 0) assert.is(difference, 0, `at ${i}`);
        if (value > 127) {
          inside += difference;
          pixels++;
        }
      }
      assert.ok(pixels > 0);
      if (inside / pixels > 0.5) changed++;
    }
    assert.ok(changed >= 28, `${changed} of 30 show a change`);
  });

  it('the same numbers give the same forgery, others another; the face stays as it is', () => {
    const before = face.image.data.slice();
    const [a, b, c] = [1, 1, 2].map((n) => forge(face, new Random(5, 'f', n), forging));
    assert.equal(a, b);
    assert.not.equal(c.image, a.image);
    assert.equal(face.image.data, before);
  });

  it('a face too small, and landmarks that are no face, are refused', async () => {
    const small = { image: drawnPicture(20, 40), landmarks: null };
    const only = forgingOf({ regions: { generator: { face: 1 } } });
    const error = await failure(() => forge(small, new Random(0, 'x'), only));
    assert.match(error.message, /20 x 40 pixels is too small/);
    const landmarks = Array.from({ length: 5 }, () => [40, 40]) as never;
    const none = await failure(() => forge({ ...face, landmarks }, new Random(0, 'x'), only));
    assert.match(none.message, /put the mouth on the eyes/);
  });
}

test('the real picture is changed as often as the forgery is: in half of the self-blends', () => {
  let untouched = 0;
  for (let n = 0; n < 60; n++) {
    const { real } = selfBlend(face, new Random(2, 'test', n), forging);
    if (samePixels(real, face.image)) untouched++;
  }
  assert.ok(untouched >= 18 && untouched <= 42, `${untouched} of 60`);
});

test('finishing and degrading treat any two pictures given equal streams alike', () => {
  const other = drawnPicture(96, 128, 9);
  const all = { again: 1, camera: 1, screen: 1, noise: 1, blur: 1, jpeg: 1, shrink: 1 };
  const worst = forgingOf({ degrade: all }).degrade;
  for (const [how, treat] of [
    ['finish', (image: typeof other, end: Random) => finish(image, forging.finish, end)],
    ['degrade', (image: typeof other, end: Random) => degrade(image, forging.degrade, end)],
    ['every degradation', (image: typeof other, end: Random) => degrade(image, worst, end)],
  ] as const) {
    let changed = 0;
    for (let n = 0; n < 12; n++) {
      const [a, b] = [new Random(1, 'end', n), new Random(1, 'end', n)];
      const before = face.image.data.slice();
      const results = [treat(face.image, a), treat(other, b)];
      assert.equal(face.image.data, before, how);
      assert.is(a.bits(), b.bits(), how);
      const same = [face.image, other].map((from, i) => samePixels(from, results[i]));
      assert.is(same[0], same[1], how);
      if (!same[0]) changed++;
    }
    assert.ok(changed > 6, how);
  }
});

test('each degradation changes the picture by itself, and none where all chances are 0', () => {
  const off = { shrink: 0, blur: 0, noise: 0, jpeg: 0 };
  const by = (on: object) =>
    degrade(face.image, forgingOf({ degrade: { ...off, ...on } }).degrade, new Random(3, 'end'));
  assert.ok(samePixels(by({}), face.image));
  const ways = [
    { camera: 1 },
    { screen: 1 },
    { shrink: 1 },
    { blur: 1 },
    { noise: 1 },
    { jpeg: 1 },
  ];
  const results = ways.map(by);
  for (const [i, result] of results.entries()) {
    assert.not.ok(samePixels(result, face.image), JSON.stringify(ways[i]));
  }
  assert.not.ok(samePixels(by({ jpeg: 1, again: 1 }), results[5]));
});
