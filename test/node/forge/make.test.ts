import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { encodePng, readImage, readMask } from '../../../node/files/image.ts';
import { readManifest } from '../../../node/files/manifest.ts';
import { type ForgeOptions, makeForgeries } from '../../../node/forge/make.ts';
import { writeForgerySheet } from '../../../node/forge/sheet.ts';
import { type FolderOptions, makeFolderSet } from '../../../node/sets/folder.ts';
import { type Forging, forgingOf } from '../../../src/config/forge-schema.ts';
import { readPngText } from '../../../src/image/png.ts';
import { drawnPicture, failure, temporaryFolder } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';

const folder: FolderOptions = {
  faces: 'whole',
  size: 64,
  label: 0,
  masks: null,
  method: null,
  dataset: 'drawn',
  people: 'file-stem',
  personPrefix: '',
  split: { val: 0.5, test: 0 },
  seed: 0,
  list: null,
  limit: 100,
};
const only = (methods: Forging['methods']) => ({ forging: forgingOf({ methods }) });
const options: ForgeOptions = { ...only({ 'self-blend': 1 }), perImage: 2, seed: 3 };
const newOut = () => join(temporaryFolder(), 'out');

async function realSet(people = 4, changed: Partial<FolderOptions> = {}): Promise<string> {
  const pictures = temporaryFolder();
  for (let i = 0; i < people; i++) {
    writeFileSync(join(pictures, `p${i}.png`), encodePng(drawnPicture(64, 64, i)));
  }
  const out = newOut();
  await makeFolderSet(pictures, out, { ...folder, ...changed });
  return out;
}

test('pairs of real and forged: carried over, marked, masks of the same size', async () => {
  const real = readManifest(await realSet());
  const out = newOut();
  const result = await makeForgeries(real, out, options);
  assert.equal([result.written, result.kept, result.dropped], [16, 0, []]);
  const items = readManifest(out);
  assert.is(items.filter(({ label }) => label === 1).length, 8);
  for (const item of items) {
    const source = real.find(({ people }) => people[0] === item.people[0]);
    assert.equal([item.split, item.dataset], [source?.split, 'drawn']);
    const bytes = readFileSync(join(out, item.image));
    const { Comment } = readPngText(bytes);
    assert.is(Comment, `${item.label ? 'made forgery' : 'real picture'} (LLSM, self-blend)`);
    assert.is(item.method, item.label ? 'self-blend' : null);
    if (!item.mask) continue;
    const mask = await readMask(join(out, item.mask));
    assert.equal([mask.width, mask.height], [64, 64]);
    assert.ok(mask.data.some((value) => value === 255));
    const words = readPngText(readFileSync(join(out, item.mask))).Comment;
    assert.is(words, 'mask of a made forgery (LLSM, self-blend)');
  }
  const sheet = join(temporaryFolder(), 'sheet.png');
  await writeForgerySheet(out, sheet);
  assert.ok((await readImage(sheet)).width > 9 * 64, 'nine pictures in a row');
});

test('a seed gives the same bytes, also when a run was killed in between', async () => {
  const real = readManifest(await realSet());
  const [whole, torn, other] = [newOut(), newOut(), newOut()];
  await makeForgeries(real, whole, options);
  await makeForgeries(real.slice(0, 2), torn, options);
  const path = join(torn, 'manifest.jsonl');
  const lines = readFileSync(path, 'utf8');
  // Torn inside the forged line of a pair: its real line stays.
  writeFileSync(path, lines.slice(0, lines.trimEnd().lastIndexOf('\n') + 40));
  const left = join(torn, 'images/x.png.part-1');
  writeFileSync(left, '');
  const result = await makeForgeries(real, torn, options);
  assert.not(existsSync(left));
  assert.equal([result.kept, result.written], [7, 9]);
  assert.is(readFileSync(path, 'utf8'), readFileSync(join(whole, 'manifest.jsonl'), 'utf8'));
  for (const { image, mask } of readManifest(whole)) {
    for (const file of mask ? [image, mask] : [image]) {
      assert.equal(readFileSync(join(torn, file)), readFileSync(join(whole, file)), file);
    }
  }
  await makeForgeries(real, other, { ...options, seed: 4 });
  const forged = 'images/p0-self-blend-0-1.png';
  assert.not.equal(readFileSync(join(other, forged)), readFileSync(join(whole, forged)));
});

test('a broken real picture is dropped, the others go on', async () => {
  const set = await realSet();
  writeFileSync(join(set, 'images/p1.png'), 'broken');
  const result = await makeForgeries(readManifest(set), newOut(), options);
  assert.is(result.written, 12);
  assert.equal(
    result.dropped.map(({ file }) => file),
    ['images/p1.png'],
  );
  assert.match(result.dropped[0].reason, /p1\.png is not an image/);
});

test('the source as --out and a set without real faces are refused', async () => {
  const set = await realSet();
  const real = readManifest(set);
  const message = async (...args: Parameters<typeof makeForgeries>) =>
    (await failure(makeForgeries(...args))).message;
  assert.match(await message(real, set, options), /--out must be another folder/);
  assert.match(await message([], newOut(), options), /no real face/);
});

const mixed: ForgeOptions = {
  ...only({ 'self-blend': 2, swap: 1, parts: 1 }),
  perImage: 4,
  seed: 3,
};

test('methods by their shares; forgeries bear both ids, and nobody crosses a split', async () => {
  const real = readManifest(await realSet(24));
  assert.is(new Set(real.map(({ split }) => split)).size, 2);
  const out = newOut();
  const result = await makeForgeries(real, out, mixed);
  const counts = result.methods;
  assert.is(counts['self-blend'] + counts.swap + counts.parts, 96);
  // 96 draws at 1/2, 1/4, 1/4: standard deviations 4.9 and 4.2.
  assert.ok(Math.abs(counts['self-blend'] - 48) < 15, JSON.stringify(counts));
  assert.ok(counts.swap > 11 && counts.parts > 11, JSON.stringify(counts));
  const splitOf = new Map(real.map(({ people, split }) => [people[0], split]));
  // readManifest refuses a person in two splits; this looks at each pair as well.
  for (const { image, label, method, people, split } of readManifest(out)) {
    const name = /^images\/(p\d+)-(.+)-\d-[01]\.png$/.exec(image) as RegExpExecArray;
    assert.is(people[0], name[1]);
    const both = label === 1 && method !== 'self-blend';
    assert.is(new Set(people).size, both ? 2 : 1, `${image}: ${people}`);
    assert.ok(people.every((id) => splitOf.get(id) === split));
    if (label) assert.is(method, name[2]);
    const { Comment } = readPngText(readFileSync(join(out, image)));
    assert.is(Comment, `${label ? 'made forgery' : 'real picture'} (LLSM, ${name[2]})`);
  }
  const sheet = join(temporaryFolder(), 'sheet.png');
  await writeForgerySheet(out, sheet, 3);
  const { width, height } = await readImage(sheet);
  assert.ok(width > 9 * 64, 'nine pictures in a row');
  assert.ok(height < 2 * 64);
});

test('a mixed set continues after a kill, with the same bytes, and with the same faces only', async () => {
  const real = readManifest(await realSet(6, { split: 'train' }));
  const [whole, torn] = [newOut(), newOut()];
  await makeForgeries(real, whole, mixed);
  // Stopped in the middle: by what it reports to.
  const stop = (done: number) => {
    if (done === 3) throw new Error('stopped');
  };
  assert.is((await failure(makeForgeries(real, torn, mixed, stop))).message, 'stopped');
  const result = await makeForgeries(real, torn, mixed);
  assert.equal([result.kept, result.written], [24, 24]);
  const files = readManifest(whole).flatMap(({ image, mask }) => (mask ? [image, mask] : [image]));
  for (const file of ['manifest.jsonl', ...files]) {
    assert.equal(readFileSync(join(torn, file)), readFileSync(join(whole, file)), file);
  }
  const error = await failure(makeForgeries(real.slice(1), torn, mixed));
  assert.match(error.message, /was made with faces "6 real faces .*not "5 real faces/);
});

test('one person in a split, and faces of nobody known, are refused before anything is written', async () => {
  const out = newOut();
  const alone = readManifest(await realSet(1));
  const error = await failure(makeForgeries(alone, out, mixed));
  assert.match(error.message, /split (train|val) holds one person only \(p0\).*self-blend/);
  const unknown = readManifest(await realSet(3, { people: 'none' }));
  const nobody = await failure(makeForgeries(unknown, out, { ...mixed, ...only({ swap: 1 }) }));
  assert.match(nobody.message, /images\/p0\.png: people: is empty/);
  assert.not(existsSync(out));
  await makeForgeries(unknown, out, options);
});

test('a view keeps the middle of all three pictures', async () => {
  const real = readManifest(await realSet(2, { split: 'train' }));
  const [whole, part] = [newOut(), newOut()];
  const plain = { ...forgingOf({ methods: { 'self-blend': 1 } }) };
  plain.finish = { ...plain.finish, colour: 0, blur: 0, noise: 0, jpeg: 0 };
  await makeForgeries(real, whole, { ...options, forging: plain });
  await makeForgeries(real, part, { ...options, forging: plain, view: 40 });
  for (const { image, mask } of readManifest(whole)) {
    for (const file of mask ? [image, mask] : [image]) {
      const [all, middle] = await Promise.all(
        [whole, part].map((set) => readImage(join(set, file))),
      );
      assert.equal([middle.width, middle.height], [40, 40]);
      for (const [x, y] of [
        [0, 0],
        [39, 20],
      ]) {
        const from = ((y + 12) * 64 + x + 12) * 3;
        const to = (y * 40 + x) * 3;
        assert.equal([...middle.data.subarray(to, to + 3)], [...all.data.subarray(from, from + 3)]);
      }
    }
  }
});
