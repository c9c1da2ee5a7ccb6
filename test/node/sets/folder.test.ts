import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { encodePng, readImage, readMask } from '../../../node/files/image.ts';
import { readManifest } from '../../../node/files/manifest.ts';
import { type FolderOptions, makeFolderSet, readNameList } from '../../../node/sets/folder.ts';
import { encodeJpeg } from '../../../src/image/codecs.ts';
import { resize } from '../../../src/image/resample.ts';
import { drawnPicture, failure, photographs, temporaryFolder } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';

const plain: FolderOptions = {
  faces: { centre: 0.5 },
  size: 40,
  label: 0,
  masks: null,
  method: null,
  dataset: 'drawn',
  people: 'file-stem',
  personPrefix: '',
  split: 'train',
  seed: 0,
  list: null,
  limit: Number.POSITIVE_INFINITY,
  workers: 0,
};

/** Six good pictures of four people, and five that cannot be used. */
async function pictures(): Promise<string> {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'more'));
  const names = ['Ann_0001', 'Ann_0002', 'Bob_0001', 'Cy', 'more/Dee_1', 'more/Dee_2'];
  for (const [seed, name] of names.entries()) {
    writeFileSync(join(folder, `${name}.png`), encodePng(drawnPicture(120, 100, seed)));
  }
  const jpeg = await encodeJpeg(drawnPicture(100, 100), 80);
  writeFileSync(join(folder, 'Cut_0001.jpg'), jpeg.subarray(0, jpeg.length >> 1));
  writeFileSync(join(folder, 'Empty_0001.jpg'), '');
  writeFileSync(join(folder, 'Text_0001.png'), 'not a picture');
  writeFileSync(join(folder, 'Tiny_0001.png'), encodePng(drawnPicture(40, 40)));
  writeFileSync(join(folder, 'Cy.jpg'), jpeg);
  writeFileSync(join(folder, 'notes.txt'), 'left out');
  return folder;
}

test('crops what can be used, says why the rest was dropped', async () => {
  const folder = await pictures();
  const out = join(temporaryFolder(), 'out');
  const result = await makeFolderSet(folder, out, plain);
  assert.is(result.written, 6);
  assert.is(result.people, 4);
  const reasons = Object.fromEntries(result.dropped.map(({ file, reason }) => [file, reason]));
  assert.equal(Object.keys(reasons), [
    'Cut_0001.jpg',
    'Cy.png',
    'Empty_0001.jpg',
    'Text_0001.png',
    'Tiny_0001.png',
  ]);
  assert.match(reasons['Cut_0001.jpg'], /cut short/);
  assert.match(reasons['Cy.png'], /Cy\.jpg has the same name/);
  assert.match(reasons['Empty_0001.jpg'], /is empty/);
  assert.match(reasons['Text_0001.png'], /not an image/);
  assert.match(reasons['Tiny_0001.png'], /only 20 x 20 pixels/);
  const lines = readFileSync(join(out, 'dropped.jsonl'), 'utf8').trim().split('\n');
  assert.equal(
    lines.map((line) => JSON.parse(line)),
    result.dropped,
  );

  const items = readManifest(out);
  assert.equal(
    items.map(({ people }) => people[0]),
    ['Ann', 'Ann', 'Bob', 'Cy', 'Dee', 'Dee'],
  );
  const expected = resize(drawnPicture(120, 100, 4), 40, 40, [35, 25, 50, 50]);
  assert.equal(await readImage(join(out, 'images/more__Dee_1.png')), expected);
  assert.is(items[4].video, 'drawn/more/Dee_1');
});

test('a second run continues after a kill: nothing doubled, nothing lost', async () => {
  const folder = await pictures();
  const [whole, torn] = [temporaryFolder(), temporaryFolder()].map((parent) => join(parent, 'out'));
  await makeFolderSet(folder, whole, plain);
  await makeFolderSet(folder, torn, { ...plain, limit: 4 });
  const path = join(torn, 'manifest.jsonl');
  writeFileSync(path, readFileSync(path, 'utf8').slice(0, -30));
  const result = await makeFolderSet(folder, torn, plain);
  assert.ok(result.kept > 0 && result.written > 0);
  assert.is(result.kept + result.written, 6);
  assert.is(readFileSync(path, 'utf8'), readFileSync(join(whole, 'manifest.jsonl'), 'utf8'));
  assert.is((await makeFolderSet(folder, torn, plain)).written, 0);
  assert.match(
    (await failure(makeFolderSet(folder, torn, { ...plain, size: 48 }))).message,
    /size 40, not 48/,
  );
});

test('shares: by person, the same for a seed, whatever else is there', async () => {
  const folder = temporaryFolder();
  for (let i = 0; i < 40; i++) {
    writeFileSync(join(folder, `p${i >> 1}_${i}.png`), encodePng(drawnPicture(64, 64, 1)));
  }
  const run = async (more: Partial<FolderOptions>) => {
    const out = join(temporaryFolder(), 'out');
    const options: FolderOptions = { ...plain, split: { val: 0.3, test: 0.2 }, ...more };
    const result = await makeFolderSet(folder, out, options);
    return {
      ...result,
      of: new Map(readManifest(out).map((item) => [item.people[0], item.split])),
    };
  };
  const [all, again, some, other] = [
    await run({}),
    await run({}),
    await run({ limit: 20 }),
    await run({ seed: 1 }),
  ];
  for (const count of Object.values(all.splits))
    assert.ok(count >= 2 && count % 2 === 0, `${count}`);
  assert.equal(again.of, all.of);
  for (const [person, split] of some.of) assert.is(split, all.of.get(person));
  assert.not.equal(other.of, all.of);
});

test('forged pictures with masks: cropped alike; no mask, an empty one, another size are dropped', async () => {
  const [folder, masks] = [temporaryFolder(), temporaryFolder()];
  const square = (width: number, value: number) => {
    const data = new Uint8ClampedArray(width * 100);
    for (let y = 40; y < 60; y++) data.fill(value, y * width + 45, y * width + 75);
    return encodePng({ width, height: 100, data });
  };
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    writeFileSync(join(folder, `${name}.png`), encodePng(drawnPicture(120, 100)));
  }
  writeFileSync(join(masks, 'a.png'), square(120, 255));
  writeFileSync(join(masks, 'b.png'), square(120, 0));
  writeFileSync(join(masks, 'c.png'), square(110, 255));
  writeFileSync(join(masks, 'e.png'), encodePng(drawnPicture(120, 100)));
  const out = join(temporaryFolder(), 'out');
  const options: FolderOptions = {
    ...plain,
    size: 50,
    label: 1,
    masks,
    method: 'swap',
    people: 'none',
  };
  const { dropped, written } = await makeFolderSet(folder, out, options);
  assert.is(written, 1);
  assert.equal(
    dropped.map(({ file }) => file),
    ['b.png', 'c.png', 'd.png', 'e.png'],
  );
  const reasons = [/marks nothing/, /mask is 110 x 100/, /no mask d/, /must be grey/];
  for (const [i, { reason }] of dropped.entries()) assert.match(reason, reasons[i]);
  const [item] = readManifest(out);
  assert.equal([item.label, item.method, item.mask, item.people], [1, 'swap', 'masks/a.png', []]);
  const mask = await readMask(join(out, 'masks/a.png'));
  const marked = [...mask.data.keys()].filter((i) => mask.data[i] === 255);
  assert.equal([marked[0], marked[marked.length - 1]], [15 * 50 + 10, 34 * 50 + 39]);
});

test('name lists: with a count first, with columns, one name a line; what is not there is told', async () => {
  const folder = await pictures();
  const list = join(temporaryFolder(), 'list.txt');
  writeFileSync(list, '2\nAnn\t2\nZoe\t1\n');
  assert.equal(await readNameList(list), ['Ann', 'Zoe']);
  const out = join(temporaryFolder(), 'out');
  const result = await makeFolderSet(folder, out, { ...plain, list: await readNameList(list) });
  assert.is(result.written, 2);
  assert.equal(
    result.dropped.map(({ file }) => file),
    ['Zoe'],
  );
  writeFileSync(list, '003\n000\n');
  assert.equal(await readNameList(list), ['003', '000']);
  assert.match((await failure(readNameList(join(folder, 'none')))).message, /none cannot be read/);
});

test('a folder that is missing, empty, a file, or holds nothing usable', async () => {
  const folder = temporaryFolder();
  const out = join(folder, 'out');
  const message = async (from: string) => (await failure(makeFolderSet(from, out, plain))).message;
  assert.match(await message(join(folder, 'none')), /none cannot be read/);
  assert.match(await message(folder), /holds no JPEG, PNG or WebP/);
  writeFileSync(join(folder, 'x.png'), 'x');
  assert.match(await message(join(folder, 'x.png')), /is not a folder/);
  assert.match(await message(folder), /nothing in .* could be used \(1 tried\): x\.png: /);
});

test('real photographs by a list of LFW', async () => {
  const folder = photographs('lfw');
  const out = join(temporaryFolder(), 'out');
  const list = await readNameList(join(folder, 'peopleDevTrain.txt'));
  assert.is(list.length, 4038);
  const options: FolderOptions = {
    ...plain,
    faces: { centre: 0.62 },
    list,
    limit: 5,
    people: 'file-stem',
  };
  const result = await makeFolderSet(folder, out, options);
  assert.is(result.written, 5);
  assert.equal(result.dropped, []);
});
