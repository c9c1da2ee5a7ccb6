import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { parseCsv } from '../../../node/files/csv.ts';
import { encodePng, readImage } from '../../../node/files/image.ts';
import { readManifest } from '../../../node/files/manifest.ts';
import { type MarksOptions, makeMarkedSet } from '../../../node/sets/marks.ts';
import { drawnPicture, failure, temporaryFolder } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';

const heading =
  'file,note,person,x,y,w,h,reye_x,reye_y,leye_x,leye_y,nose_x,nose_y,rmouth_x,rmouth_y,lmouth_x,lmouth_y';
const marks = '50,50,70,50,60,60,52,72,68,72';
const options: MarksOptions = {
  ...{ folder: null, size: 64, dataset: 'd', only: null, least: 32 },
  ...{ split: { val: 0.5, test: 0 }, seed: 1, same: [], without: [], workers: 0 },
};

function table(lines: string[]): string {
  const folder = temporaryFolder();
  for (const line of lines) {
    writeFileSync(join(folder, line.split(',')[0]), encodePng(drawnPicture(120, 120, line.length)));
  }
  const path = join(folder, 'list.csv');
  writeFileSync(path, `${[heading, ...lines].join('\n')}\n`);
  return path;
}

const setOf = async (path: string, changed: Partial<MarksOptions> = {}) => {
  const out = join(temporaryFolder(), 'set');
  const result = await makeMarkedSet(path, out, { ...options, ...changed });
  return { out, result, items: readManifest(out) };
};

test('the face is cut as detection cuts it, and its landmarks move along', async () => {
  const path = table([
    `a.png,"x, ""y""",ann,40,40,40,40,${marks}`,
    'b.png,,bob,30,30,50,50,,,,,,,,,,',
  ]);
  const { out, items, result } = await setOf(path);
  assert.equal([result.written, result.labels.real], [2, 2]);
  const [a, b] = items;
  // 1.3 times 40 is 52, about the middle at 60.
  assert.equal(a.landmarks?.[0], [((50 - 34) * 64) / 52, ((50 - 34) * 64) / 52]);
  assert.is(b.landmarks, null);
  assert.equal([a.people, a.label, a.box], [['ann'], 0, null]);
  assert.is((await readImage(join(out, a.image))).width, 64);
});

test('all ids of one person come into one split; who is left out is so under each of them', async () => {
  const lines = Array.from({ length: 12 }, (_, n) => `p${n}.png,,id${n},30,30,50,50,${marks}`);
  const pairs = Array.from({ length: 6 }, (_, n) => [`id${n}`, `id${n + 6}`]);
  const { items } = await setOf(table(lines), { same: pairs });
  const splitOf = new Map(items.map(({ people, split }) => [people[0], split]));
  for (const [a, b] of pairs) assert.is(splitOf.get(a), splitOf.get(b));
  assert.is(new Set(splitOf.values()).size, 2);
  const { items: rest, result } = await setOf(table(lines), { same: pairs, without: ['id7'] });
  assert.equal(
    ['id1', 'id7'].map((id) => rest.some(({ people }) => people[0] === id)),
    [false, false],
  );
  assert.equal([rest.length, result.dropped.length], [10, 2]);
});

test('small faces are dropped with a reason; a table that is wrong is named with its line', async () => {
  const { result } = await setOf(
    table([`a.png,,ann,40,40,40,40,${marks}`, `b.png,,bob,40,40,40,44,${marks}`]),
    { least: 42 },
  );
  assert.match(result.dropped[0].reason, /its face has 40 pixels \(42 is the least\)/);
  const message = async (line: string) => (await failure(setOf(table([line])))).message;
  assert.match(await message(`a.png,,ann,40,?,40,40,${marks}`), /list\.csv line 2: y is "\?"/);
  assert.match(await message(`a.png,,ann,40,40,0,40,${marks}`), /list\.csv line 2: box/);
  assert.match(await message('a.png,,ann'), /list\.csv line 2 has 3 fields where the first has 17/);
  const none = join(temporaryFolder(), 'none.csv');
  writeFileSync(none, 'file,person\n');
  assert.match((await failure(setOf(none))).message, /none\.csv has no column x, y, w, h/);
});

test('comma-separated values: quotes, empty fields, either line end', () => {
  assert.equal(parseCsv('a,"b, c",\r\n"d ""e""",,f\n'), [
    ['a', 'b, c', ''],
    ['d "e"', '', 'f'],
  ]);
  assert.equal(parseCsv('a,\nb,c'), [
    ['a', ''],
    ['b', 'c'],
  ]);
  assert.throws(() => parseCsv('a\n"b'), /line 2 has a quote that is not closed/);
});
