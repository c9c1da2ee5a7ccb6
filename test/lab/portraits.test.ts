import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { makePeople } from '../../lab/portraits/make.ts';
import { drawPerson } from '../../lab/portraits/person.ts';
import { drawPortrait, type Portrait } from '../../lab/portraits/portrait.ts';
import { readManifest } from '../../node/files/manifest.ts';
import { LlsmError } from '../../src/base/errors.ts';
import { Random } from '../../src/base/random.ts';
import { readPngText } from '../../src/image/png.ts';
import { failure, temporaryFolder } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const personOf = (id: number) => drawPerson(new Random(5, 'test person', 0, id));
const portraitOf = (id: number, shot = 0, size = 96) =>
  drawPortrait(new Random(5, 'test shot', shot, id), size, personOf(id));

/** Mean brightness of a disc. */
function brightness({ image }: Portrait, x: number, y: number, radius: number): number {
  let sum = 0;
  let count = 0;
  for (let py = Math.floor(y - radius); py <= y + radius; py++) {
    for (let px = Math.floor(x - radius); px <= x + radius; px++) {
      if (Math.hypot(px + 0.5 - x, py + 0.5 - y) > radius) continue;
      const at = (py * image.width + px) * 3;
      sum += image.data[at] + image.data[at + 1] + image.data[at + 2];
      count += 3;
    }
  }
  return sum / count;
}

test('equal streams give equal pictures, other people and other shots do not', () => {
  const first = portraitOf(1);
  assert.equal(portraitOf(1), first);
  const difference = (a: Portrait, b: Portrait) =>
    a.image.data.reduce((sum, value, i) => sum + Math.abs(value - b.image.data[i]), 0) /
    a.image.data.length;
  assert.ok(difference(first, portraitOf(2)) > 5);
  assert.ok(difference(first, portraitOf(1, 1)) > 5);
});

test('landmarks lie in the face, in order, at every size', () => {
  for (const [id, size] of [64, 96, 160, 224, 320].entries()) {
    const { image, landmarks, box } = portraitOf(id, 0, size);
    assert.is(image.width, size);
    assert.is(image.height, size);
    assert.is(image.data.length, size * size * 3);
    const [x, y, w, h] = box;
    assert.ok(x > 0 && y > 0 && x + w < size && y + h < size, `box ${box} of ${size}`);
    for (const [px, py] of landmarks) {
      assert.ok(px > x && px < x + w && py > y && py < y + h, `${px}, ${py} outside ${box}`);
    }
    const [right, left, nose, rightCorner, leftCorner] = landmarks;
    assert.ok(right[0] < nose[0] && nose[0] < left[0]);
    assert.ok(rightCorner[0] < leftCorner[0]);
    assert.ok(right[1] < nose[1] && nose[1] < rightCorner[1]);
  }
});

test('eye landmarks lie on dark irises, darker than the cheeks below', () => {
  let dark = 0;
  let eyes = 0;
  for (let id = 0; id < 8; id++) {
    const portrait = portraitOf(id, 0, 128);
    const [right, left, nose] = portrait.landmarks;
    const apart = Math.hypot(left[0] - right[0], left[1] - right[1]);
    for (const [x, y] of [right, left]) {
      // Pupils are the darkest near the landmark: the least of discs around it.
      let least = 255;
      for (const dx of [-0.08, -0.04, 0, 0.04, 0.08]) {
        least = Math.min(least, brightness(portrait, x + dx * apart, y, 0.06 * apart));
      }
      const cheek = brightness(portrait, x, (y + nose[1]) / 2 + 0.25 * apart, 0.08 * apart);
      eyes++;
      if (least < 0.85 * cheek) dark++;
    }
  }
  assert.ok(dark >= eyes - 2, `${dark} of ${eyes} eyes are darker than their cheeks`);
});

test('pictures of one person agree in the features more than pictures of two people do', () => {
  /** Lengths that light and tilt do not change, in distances of the eyes. */
  const features = ({ landmarks: [right, left, nose, a, b] }: Portrait) => {
    const apart = Math.hypot(left[0] - right[0], left[1] - right[1]);
    const middle = [(right[0] + left[0]) / 2, (right[1] + left[1]) / 2];
    const mouth = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
    return [
      Math.hypot(nose[0] - middle[0], nose[1] - middle[1]) / apart,
      Math.hypot(mouth[0] - nose[0], mouth[1] - nose[1]) / apart,
    ];
  };
  const distance = (a: Portrait, b: Portrait) => {
    const [f, g] = [features(a), features(b)];
    return Math.hypot(...f.map((value, k) => value - g[k]));
  };
  const pairs = Array.from({ length: 10 }, (_, id) => [
    portraitOf(id, 0, 64),
    portraitOf(id, 1, 64),
  ]);
  let same = 0;
  let other = 0;
  for (const [k, [first, second]] of pairs.entries()) {
    same += distance(first, second) / pairs.length;
    other += distance(first, pairs[(k + 1) % pairs.length][1]) / pairs.length;
  }
  assert.ok(same < 0.8 * other, `same ${same.toFixed(3)}, other ${other.toFixed(3)}`);
});

test('refuses sizes that it cannot draw', () => {
  for (const size of [63, 1025, 96.5]) {
    assert.throws(
      () => drawPortrait(new Random(0, 'size'), size),
      (error: Error) => error instanceof LlsmError && error.message.includes(String(size)),
    );
  }
});

test('writes a data set, continues it, and refuses other options', async () => {
  const out = join(temporaryFolder(), 'people');
  const options = { people: 5, perPerson: 2, size: 64, seed: 3, split: { val: 0.2, test: 0.2 } };
  const first = await makePeople(out, options);
  assert.equal(first, { written: 10, kept: 0, splits: { train: 6, val: 2, test: 2 } });
  const items = readManifest(out);
  assert.is(items.length, 10);
  assert.is(new Set(items.flatMap((item) => item.people)).size, 5);
  assert.ok(items.every((item) => item.label === 0 && item.box === null && item.landmarks));
  const bytes = items.map((item) => readFileSync(join(out, item.image)));
  assert.match(readPngText(bytes[0]).Comment, /drawn portrait/);

  // As a run that was killed after six pictures and in the middle of a line leaves it.
  const lines = readFileSync(join(out, 'manifest.jsonl'), 'utf8').split('\n');
  writeFileSync(
    join(out, 'manifest.jsonl'),
    `${lines.slice(0, 6).join('\n')}\n${lines[6].slice(0, 40)}`,
  );
  for (const name of readdirSync(join(out, 'images')).sort().slice(6)) {
    rmSync(join(out, 'images', name));
  }
  const again = await makePeople(out, options);
  assert.equal(again, { ...first, written: 4, kept: 6 });
  assert.equal(readManifest(out), items);
  for (const [k, item] of items.entries()) {
    assert.ok(readFileSync(join(out, item.image)).equals(bytes[k]), item.image);
  }
  const refused = await failure(makePeople(out, { ...options, seed: 4 }));
  assert.match(refused.message, /seed 3, not 4/);
});
