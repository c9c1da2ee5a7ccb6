import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { ManifestWriter, readManifest, readManifests } from '../../node/files/manifest.ts';
import { LlsmError } from '../../src/base/errors.ts';
import type { FaceInput } from '../../src/faces/manifest.ts';
import { failure, temporaryFolder } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const face = (name: string, more: Partial<FaceInput> = {}): FaceInput => ({
  image: `images/${name}.png`,
  label: 0,
  video: `set/${name}`,
  people: [name],
  dataset: 'set',
  split: 'train',
  ...more,
});

/** A data folder with these lines, and empty files for the images a, b, c and the mask m. */
function folderWith(...lines: unknown[]): string {
  const folder = temporaryFolder();
  for (const part of ['images', 'masks']) mkdirSync(join(folder, part));
  for (const file of ['images/a.png', 'images/b.png', 'images/c.png', 'masks/m.png']) {
    writeFileSync(join(folder, file), '');
  }
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
  writeFileSync(join(folder, 'manifest.jsonl'), text.map((line) => `${line}\n`).join(''));
  return folder;
}

async function refused(folders: string | string[], pattern: RegExp): Promise<void> {
  const error = await failure(() => readManifests([folders].flat()));
  assert.instance(error, LlsmError);
  assert.match(error.message, pattern);
}

test('reads faces with their defaults', () => {
  const forged = face('b', { label: 1, mask: 'masks/m.png', method: 'X', box: [1, 2, 3, 4] });
  const folder = folderWith(face('a'), forged);
  const [a, b] = readManifest(folder);
  assert.equal([a.mask, a.box, a.landmarks, a.method, a.frame], [null, null, null, null, 0]);
  assert.is(a.folder, folder);
  assert.equal([b.mask, b.box], ['masks/m.png', [1, 2, 3, 4]]);
});

test('errors name the file, the line and the field', async () => {
  const cases: [unknown, RegExp][] = [
    [{ ...face('b'), label: 2 }, /manifest\.jsonl line 2: label: must be 0 \(real\) or 1/],
    [{ ...face('b'), lable: 1 }, /line 2: .*lable/],
    [{ ...face('b'), box: [1, 2, -3, 4] }, /line 2: box\[2\]: /],
    [{ ...face('b'), split: 'dev' }, /line 2: split: /],
    [{ ...face('b'), people: 'b' }, /line 2: people: /],
    [{ ...face('b'), mask: 'masks/m.png' }, /line 2: mask: must be null for a real face/],
    [face('missing'), /line 2: image: images\/missing\.png does not exist/],
    [face('a'), /line 2: image: images\/a\.png is already in .* line 1/],
    ['{"image": "images/b.pn', /line 2: not a complete JSON object/],
    ['[]', /line 2: /],
  ];
  for (const [line, pattern] of cases) await refused(folderWith(face('a'), line), pattern);
  await refused(temporaryFolder(), /holds no manifest\.jsonl.*llsm data/);
  await refused(folderWith(), /lists no face/);
});

test('two faces of one image are told apart by their boxes', () => {
  const one = { ...face('a'), box: [0, 0, 5, 5] };
  assert.is(readManifest(folderWith(one, { ...one, box: [9, 0, 5, 5] })).length, 2);
});

test('paths stay inside the folder, whatever leads out', async () => {
  const outside = temporaryFolder();
  writeFileSync(join(outside, 'x.png'), '');
  const paths = [
    '../x.png',
    'images/../../x.png',
    join(outside, 'x.png'),
    'C:/x.png',
    '\\\\host\\x',
    '',
  ];
  for (const image of paths)
    await refused(folderWith(face('a'), { ...face('b'), image }), /line 2: image: /);
  const folder = folderWith({ ...face('b'), image: 'images/link.png' });
  symlinkSync(join(outside, 'x.png'), join(folder, 'images/link.png'));
  await refused(folder, /line 1: image: images\/link\.png leads outside/);
  const through = folderWith({ ...face('b'), image: 'more/x.png' });
  symlinkSync(outside, join(through, 'more'));
  await refused(through, /line 1: image: more\/x\.png leads outside/);
  const within = folderWith({ ...face('a'), image: 'images/link.png' });
  symlinkSync('a.png', join(within, 'images/link.png'));
  assert.is(readManifest(within).length, 1);
});

test('nobody is in two splits, in one set or across sets', async () => {
  const other = face('b', { split: 'test', people: ['z', 'a'] });
  await refused(
    folderWith(face('a'), other),
    /line 2: people: "a" is in split test here and in train in .* line 1/,
  );
  const folders = [folderWith(face('a')), folderWith(other)];
  assert.is(readManifest(folders[1]).length, 1);
  await refused(folders, /people: "a" is in split test/);
  await refused([folders[0], folders[0]], /already in/);
});

test('the writer continues after a torn line, refuses other options and a second writer', async () => {
  const folder = folderWith();
  const path = join(folder, 'manifest.jsonl');
  const error = await failure(ManifestWriter.open(folder, { size: 8 }));
  assert.match(error.message, /made in another way/);
  writeFileSync(join(folder, 'made.json'), '{"size": 8}');

  const first = await ManifestWriter.open(folder, { size: 8 });
  await first.append(face('a'), face('b'));
  assert.match((await failure(ManifestWriter.open(folder, { size: 8 }))).message, /is held by/);
  assert.match((await failure(first.append(face('a')))).message, /already in/);
  assert.match(
    (await failure(first.append(face('c', { split: 'val', people: ['a'] })))).message,
    /"a"/,
  );
  await first.close();
  const whole = readFileSync(path, 'utf8');
  assert.is(whole.split('\n').length, 3);

  writeFileSync(path, whole.slice(0, -20));
  await refused(folder, /line 2: not a complete JSON object/);
  const second = await ManifestWriter.open(folder, { size: 8 });
  assert.equal(
    second.existing.map(({ image }) => image),
    ['images/a.png'],
  );
  await second.append(face('b'));
  await second.close();
  assert.is(readFileSync(path, 'utf8'), whole);

  assert.match(
    (await failure(ManifestWriter.open(folder, { size: 9 }))).message,
    /made with size 8, not 9/,
  );
});
