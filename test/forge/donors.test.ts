import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { encodePng, readBytes } from '../../node/files/image.ts';
import { Random } from '../../src/base/random.ts';
import { checkFace, type ManifestItem, type Split } from '../../src/faces/manifest.ts';
import { Donors, looksOf, unlikeness } from '../../src/forge/donors.ts';
import { pointsOf, readSubject } from '../../src/forge/face.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import { drawnPicture, failure, temporaryFolder } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const folder = temporaryFolder();
const read = (face: ManifestItem) => readSubject(face, readBytes);

function item(name: string, image: RgbImage, people: string[], split: Split): ManifestItem {
  writeFileSync(join(folder, `${name}.png`), encodePng(image));
  const line = { image: `${name}.png`, label: 0, video: name, dataset: 'd', people, split };
  return { ...checkFace(line, 'here'), folder };
}

const drawn = (n: number) => drawnPicture(48, 48, n);
const others = Array.from({ length: 6 }, (_, n) => item(`o${n}`, drawn(n), [`o${n}`], 'train'));
const target = item('target', drawn(50), ['target'], 'train');

async function founds(reals: ManifestItem[], count: number): Promise<ManifestItem[]> {
  const donors = new Donors(reals, read);
  const face = await readSubject(target, readBytes);
  const found = [];
  for (let n = 0; n < count; n++) {
    found.push((await donors.find(target, face, new Random(1, 'find', n))).item);
  }
  return found;
}

test('the one that looks alike is found; the person himself and other splits never', async () => {
  const alike: RgbImage = { ...drawn(50), data: drawn(50).data.map((value) => value + 3) };
  const reals = [
    target,
    ...others,
    item('again', alike, ['target'], 'train'),
    item('elsewhere', alike, ['far'], 'val'),
    item('elsewhere2', drawn(3), ['farther'], 'val'),
  ];
  const without = await founds(reals, 12);
  assert.ok(without.every(({ split, people }) => split === 'train' && people[0] !== 'target'));
  const twin = item('twin', alike, ['twin'], 'train');
  const found = await founds([...reals, twin], 12);
  // 24 of 8 people are drawn: the twin is among them nearly always.
  assert.ok(found.filter((face) => face === twin).length >= 10);
});

test('of many, other candidates come up each time', async () => {
  const many = Array.from({ length: 60 }, (_, n) => item(`m${n}`, drawn(n), [`m${n}`], 'train'));
  assert.ok(new Set(await founds([target, ...many], 12)).size > 2);
});

test('faces that cannot be read are passed over; where there is no other, that is said', async () => {
  const broken = item('broken', drawn(51), ['broken'], 'train');
  writeFileSync(join(folder, 'broken.png'), 'broken');
  const found = await founds([target, broken, others[0]], 6);
  assert.ok(found.every((face) => face === others[0]));
  const error = await failure(founds([target, broken], 1));
  assert.match(error.message, /no face of another person in split train could be read/);
});

test('who is alone in a split, or not known, is named', async () => {
  const make = (reals: ManifestItem[]) => failure(() => new Donors(reals, read));
  const alone = item('alone', drawn(1), ['alone'], 'test');
  assert.match(
    (await make([...others, alone])).message,
    /split test holds one person only \(alone\)/,
  );
  const nobody = item('nobody', drawn(1), [], 'train');
  assert.match((await make([...others, nobody])).message, /nobody\.png: people: is empty/);
});

test('unlikeness: 0 to itself, more with another colour, light or shape', () => {
  const image = drawn(1);
  const face = { image, landmarks: null };
  const looks = looksOf(face);
  assert.ok(unlikeness(looks, looks) < 1e-9);
  const redder = { ...image, data: image.data.map((value, i) => value + (i % 3 ? 0 : 25)) };
  assert.ok(unlikeness(looks, looksOf({ image: redder, landmarks: null })) > 0.2);
  assert.ok(unlikeness(looks, looksOf({ image: drawn(2), landmarks: null })) > 1);
  const straight = pointsOf(face);
  const aside = straight.map(([x, y], i) => [i === 2 ? x + 5 : x, y]);
  const [a, b] = [straight, aside].map((points) => looksOf({ image, landmarks: points as never }));
  assert.ok(unlikeness(a, b) > 0.2);
});
