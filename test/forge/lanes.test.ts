/**
 * The compiled loops against plain ones in 64 bits. They sum in 32 bits, so that a value of 255 may be
 * off by some 1e-4, and what is rounded afterwards by one step where it lies between two.
 */
import * as assert from 'uvu/assert';
import { Random } from '../../src/base/random.ts';
import { forgingOf } from '../../src/config/forge-schema.ts';
import { recolour } from '../../src/forge/change.ts';
import type { Subject } from '../../src/forge/face.ts';
import { degrade, finish } from '../../src/forge/finish.ts';
import { jpegLost, noisy } from '../../src/forge/loss.ts';
import { runningBlur } from '../../src/forge/mask.ts';
import {
  blur,
  imageOf,
  mirrored,
  mirrorPlane,
  type Plane,
  planeOfWhole,
  sample,
  scaled,
  sharpen,
} from '../../src/forge/plane.ts';
import { floats, inScratch, placeOf } from '../../src/forge/scratch.ts';
import { generator, selfBlend } from '../../src/forge/self-blend.ts';
import { twice } from '../../src/forge/traces.ts';
import { parts, swap } from '../../src/forge/transplant.ts';
import { gaussianBlur } from '../../src/image/blur.ts';
import { loseToJpeg } from '../../src/image/jpeg-loss.ts';
import { addNoise } from '../../src/image/pixels.ts';
import { type Filter, resample } from '../../src/image/resample.ts';
import { drawnPicture } from '../support/pictures.ts';
import { test } from '../support/run.ts';
import { held } from '../support/scratch.ts';

/** Sides that are no multiples of four, and one picture narrower than a blur. */
const sides = [
  [37, 23],
  [64, 48],
  [9, 50],
] as const;

const apart = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  assert.is(a.length, b.length);
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const away = Math.abs(a[i] - b[i]);
    if (!(away <= worst)) worst = away;
  }
  return worst;
};

/** Of which part of the values differ. */
const share = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let count = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) count++;
  return count / a.length;
};

const plain = ({ data }: Plane): Float32Array => data.slice();

for (const [width, height] of sides) {
  const size = `${width} x ${height}`;
  const picture = drawnPicture(width, height, 4);

  test(
    `blurred and sharpened, ${size}`,
    held(() => {
      for (const sigma of [0.3, 0.8, 2.1, 5]) {
        const [blurred, sharp] = [planeOfWhole(picture), planeOfWhole(picture)];
        const [a, b] = [plain(blurred), plain(sharp)];
        blur(blurred, sigma);
        gaussianBlur(a, width, height, 3, sigma);
        assert.ok(apart(blurred.data, a) < 3e-4, `${sigma}: ${apart(blurred.data, a)}`);
        sharpen(sharp, sigma, 1.2);
        gaussianBlur(b, width, height, 3, sigma, 1.2);
        assert.ok(apart(sharp.data, b) < 3e-4, `${sigma}: ${apart(sharp.data, b)}`);
      }
    }),
  );

  test(
    `at other sizes, ${size}`,
    held(() => {
      const plane = planeOfWhole(picture);
      for (const filter of ['triangle', 'area', 'linear', 'cubic', 'nearest'] as Filter[]) {
        for (const [w, h] of [
          [width * 2, height * 2],
          [width + 5, height - 4],
          [(width + 1) >> 1, height >> 1],
          [5, 7],
        ]) {
          const out = new Float32Array(w * h * 3);
          resample(picture, 3, [0, 0, width, height], w, h, out, filter);
          const off = apart(scaled(plane, w, h, filter).data, out);
          assert.ok(off < 3e-4, `${filter} ${w} x ${h}: ${off}`);
        }
      }
    }),
  );

  test(
    `turned, ${size}: bilinear, mirrored beyond the borders`,
    held(() => {
      const to = { a: 0.9, b: 0.35, x0: -4.2, y0: 3.3 };
      const [left, top, w, h] = [-3, 2, 29, 31];
      const { data } = sample(planeOfWhole(picture), to, [left, top, w, h]);
      for (let y = 0, at = 0; y < h; y++) {
        for (let x = 0; x < w; x++, at += 3) {
          const u = to.a * (left + x + 0.5) - to.b * (top + y + 0.5) + to.x0 - 0.5;
          const v = to.b * (left + x + 0.5) + to.a * (top + y + 0.5) + to.y0 - 0.5;
          for (let c = 0; c < 3; c++) {
            let sum = 0;
            for (const [i, j] of [0, 1, 2, 3].map((k) => [k & 1, k >> 1])) {
              const [px, py] = [Math.floor(u) + i, Math.floor(v) + j];
              const weight = (1 - Math.abs(u - px)) * (1 - Math.abs(v - py));
              const row = mirrored(py, height) * width;
              sum += weight * picture.data[(row + mirrored(px, width)) * 3 + c];
            }
            assert.ok(Math.abs(data[at + c] - sum) < 3e-4, `${x}, ${y}: ${data[at + c]} ${sum}`);
          }
        }
      }
    }),
  );

  test(
    `through JPEG, ${size}: but for steps at which 32 bits round the other way`,
    held(() => {
      for (const [quality, corner] of [
        [95, [0, 0]],
        [70, [3, 5]],
        [35, [7, 2]],
      ] as const) {
        const [plane, image] = [planeOfWhole(picture), { ...picture, data: picture.data.slice() }];
        jpegLost(plane, quality, corner);
        loseToJpeg(image, quality, corner);
        const { data } = imageOf(plane);
        // A coefficient of another step moves all of its block of 64: of few blocks, and by little.
        assert.ok(share(data, image.data) < 0.06, `${quality}: ${share(data, image.data)}`);
        assert.ok(apart(data, image.data) <= 8, `${quality}: ${apart(data, image.data)}`);
        assert.ok(
          plane.data.every((value, i) => value === data[i]),
          'whole levels',
        );
      }
    }),
  );

  test(
    `noise, ${size}: the same numbers`,
    held(() => {
      const [a, b] = [new Random(4, 'noise'), new Random(4, 'noise')];
      const plane = planeOfWhole(picture);
      const data = picture.data.slice();
      for (const random of [a, b]) random.bits();
      noisy(plane, 6, a);
      addNoise(data, 6, b);
      assert.ok(apart(plane.data, data) <= 1 && share(plane.data, data) < 0.001);
      assert.is(a.bits(), b.bits());
    }),
  );

  test(
    `colours, ${size}`,
    held(() => {
      for (let n = 0; n < 4; n++) {
        const plane = planeOfWhole(picture);
        recolour(plane, new Random(n, 'colour'), 1.5);
        const random = new Random(n, 'colour');
        const drawn = [0, 1, 2].map(() => 1.5 * random.uniform(-20, 20));
        const add = random.chance(0.5) ? drawn : [0, 0, 0];
        const contrast = 1 + 1.5 * random.uniform(-0.12, 0.12);
        const brightness = 1.5 * random.uniform(-16, 16);
        const saturate = 1 + 1.5 * random.uniform(-0.3, 0.3);
        const saturation = random.chance(0.5) ? saturate : 1;
        const shifted = Float64Array.from(picture.data, (value, i) => value + add[i % 3]);
        const mean = shifted.reduce((sum, value) => sum + value, 0) / shifted.length;
        const wanted = shifted.map((value, i) => {
          const first = i - (i % 3);
          const grey = (shifted[first] + shifted[first + 1] + shifted[first + 2]) / 3;
          const changed = (grey - mean) * contrast + mean + brightness;
          return Math.min(255, Math.max(0, changed + (value - grey) * contrast * saturation));
        });
        assert.ok(apart(plane.data, wanted) < 3e-4, `${n}: ${apart(plane.data, wanted)}`);
      }
    }),
  );

  test(
    `8 bits and mirror images are exact, ${size}`,
    held(() => {
      const plane = planeOfWhole(picture);
      assert.equal(imageOf(plane).data, picture.data);
      const levels = floats(64);
      levels.set([-3, -0.5, 0.5, 1.5, 2.5, 254.5, 255.4, 255.6, 300, 1e9, 127.49, 126.51]);
      const clamped = Uint8ClampedArray.from(levels.subarray(0, 12));
      const bytes = imageOf({ width: 4, height: 1, data: levels.subarray(0, 12) });
      assert.equal(bytes.data, clamped);
      mirrorPlane(plane);
      const at = (x: number, y: number, c: number) => picture.data[(y * width + x) * 3 + c];
      assert.ok(
        plane.data.every((value, i) => {
          const [pixel, c] = [Math.floor(i / 3), i % 3];
          return value === at(width - 1 - (pixel % width), Math.floor(pixel / width), c);
        }),
      );
    }),
  );

  test(
    `up-sampled by 2, ${size}: the border pixel repeated, a part of another plane added`,
    held(() => {
      const low = planeOfWhole(picture);
      const other = planeOfWhole(drawnPicture(2 * width, 2 * height, 7));
      const random = new Random(2, 'phases');
      const weights = [0, 1, 2, 3].map(() => [0, 1, 2, 3].map(() => random.uniform(-0.2, 0.6)));
      const offset = [0, 1, 2, 3].map(() => random.uniform(-1, 1));
      const { data } = twice(low, { weights, offset }, other, 0.4);
      const inside = (i: number, length: number) => Math.min(length - 1, Math.max(0, i));
      for (let i = 0; i < data.length; i++) {
        const [x, y, c] = [Math.floor(i / 3) % (2 * width), Math.floor(i / 6 / width), i % 3];
        const phase = 2 * (y & 1) + (x & 1);
        let sum = offset[phase] + 0.4 * other.data[i];
        for (let k = 0; k < 4; k++) {
          const u = inside(((x + 1) >> 1) - 1 + (k & 1), width);
          const v = inside(((y + 1) >> 1) - 1 + (k >> 1), height);
          sum += weights[phase][k] * picture.data[(v * width + u) * 3 + c];
        }
        assert.ok(Math.abs(data[i] - sum) < 3e-4, `${x}, ${y}: ${data[i]} ${sum}`);
      }
    }),
  );
}

test(
  'three running means: each value is the mean of its neighbours, three times, 0 outside',
  held(() => {
    const [width, height, sigma] = [19, 14, 2.2];
    const radius = Math.round((Math.sqrt(4 * sigma * sigma + 1) - 1) / 2);
    let wanted = Array.from({ length: width * height }, (_, i) => (i * 37) % 101);
    const data = floats(width * height);
    data.set(wanted);
    const mean = (values: number[], step: number, placeOf: (i: number) => number, count: number) =>
      values.map((_, i) => {
        let sum = 0;
        for (let k = -radius; k <= radius; k++) {
          const place = placeOf(i) + k;
          if (place >= 0 && place < count) sum += values[i + k * step];
        }
        return sum / (2 * radius + 1);
      });
    for (let pass = 0; pass < 3; pass++) wanted = mean(wanted, 1, (i) => i % width, width);
    for (let pass = 0; pass < 3; pass++) {
      wanted = mean(wanted, width, (i) => Math.floor(i / width), height);
    }
    runningBlur(data, width, height, sigma);
    assert.ok(apart(data, wanted) < 1e-3, `${apart(data, wanted)}`);
  }),
);

const forging = forgingOf({});
const people = [1, 2].map(
  (seed): Subject => ({ image: drawnPicture(90, 111, seed), landmarks: null }),
);

test('what lay in scratch memory before shows nowhere', () => {
  const worst = forgingOf({
    degrade: { again: 1, camera: 1, screen: 1, noise: 1, blur: 1, jpeg: 1, shrink: 1 },
  });
  const all = (n: number) => {
    const random = (name: string) => new Random(n, name);
    const [face, donor] = people;
    return [
      selfBlend(face, random('a'), forging),
      generator(face, random('b'), forging),
      swap(face, donor, random('c'), forging),
      parts(face, donor, random('d'), forging),
      finish(face.image, forging.finish, random('e')),
      degrade(face.image, worst.degrade, random('f')),
    ];
  };
  const spoil = (value: number) => inScratch(2 ** 26, () => floats(2 ** 23).fill(value).length);
  for (let n = 0; n < 12; n++) {
    spoil(Number.NaN);
    const first = all(n);
    spoil(1e30);
    assert.equal(all(n), first, `${n}`);
  }
});

test('scratch memory is for the time of a call: misuse is refused, and what was taken comes back', () => {
  assert.throws(() => floats(4), /taken inside of inScratch/);
  inScratch(4096, () => {
    assert.throws(() => placeOf(new Float32Array(4)), /no scratch memory/);
    const first = placeOf(floats(10));
    const inner = inScratch(0, () => placeOf(floats(10)));
    assert.ok(inner >= first + 40 + 64);
    assert.is(placeOf(floats(10)), inner);
    assert.throws(() => floats(2 ** 29), /bytes of scratch memory of/);
  });
  assert.throws(() => inScratch(2 ** 32, () => 0), /too large to forge: that would take 4096 MB/);
  // An error inside gives back too.
  const places = [1, 2].map(() => {
    let place = 0;
    assert.throws(() =>
      inScratch(64, () => {
        place = placeOf(floats(1));
        throw new Error('no');
      }),
    );
    return place;
  });
  assert.is(places[0], places[1]);
});

test('the room for a forgery is enough for the smallest face and for wide ones', () => {
  for (const [width, height] of [
    [32, 32],
    [260, 40],
    [300, 290],
  ]) {
    const [face, donor] = [1, 2].map(
      (seed): Subject => ({ image: drawnPicture(width, height, seed), landmarks: null }),
    );
    for (let n = 0; n < 12; n++) {
      const random = (name: string) => new Random(n, name);
      generator(face, random('a'), forging);
      selfBlend(face, random('b'), forging);
      swap(face, donor, random('c'), forgingOf({ traces: 1 }));
      parts(face, donor, random('d'), forging);
      degrade(
        face.image,
        forgingOf({ degrade: { again: 1, screen: 1, camera: 1 } }).degrade,
        random('e'),
      );
    }
  }
});
