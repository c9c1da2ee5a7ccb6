import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { facesIn, fingerprint, parseGiven, readTableData, thin } from '../../../lab/tables/data.ts';
import { layOut } from '../../../lab/tables/grid.ts';
import { loadDataSets, loadProtocol } from '../../../lab/tables/protocol.ts';
import { presetConfig } from '../../../src/config/config.ts';
import { failure, temporaryFolder } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';
import { type Clip, setOf as writeSet } from '../../support/table-sets.ts';

const dataSets = loadDataSets();
const folder = temporaryFolder();

const setOf = (name: string, clips: readonly Clip[]) => writeSet(join(folder, name), clips);

const splits = ['train', 'val', 'test'] as const;
/** Originals and forgeries of FF++ in all splits. */
const clipsOf = (compression: string, methods: readonly string[]): Clip[] =>
  splits.flatMap((split) => [
    { video: `ffpp/youtube/${compression}/${split}`, split },
    ...methods.map((method) => ({
      video: `ffpp/${method}/${compression}/${split}`,
      split,
      method,
    })),
  ]);

const c23 = setOf('c23', clipsOf('c23', ['Deepfakes', 'FaceSwap', 'FaceShifter']));
const both = setOf('both', [
  ...clipsOf('c23', ['Deepfakes', 'FaceSwap', 'Face2Face', 'NeuralTextures']),
  ...clipsOf('c40', ['Deepfakes']),
]);
const drawn = setOf(
  'drawn',
  splits.flatMap((split) => [
    { video: `drawn/${split}`, split, dataset: 'drawn' },
    { video: `drawn/${split}/swap`, split, dataset: 'drawn', method: 'swap' },
  ]),
);

const found = (data: string[], also: string[] = []) =>
  readTableData(parseGiven(data, also, dataSets), dataSets);

test('manifests say which data sets they hold; methods of other papers are left out', () => {
  const one = found([c23]);
  assert.equal([...one.keys()], ['ffpp-c23']);
  const methods = new Set(one.get('ffpp-c23')?.items.map(({ method }) => method));
  assert.equal(methods, new Set([null, 'Deepfakes', 'FaceSwap']));
  const two = found([both]);
  assert.equal([...two.keys()], ['ffpp-c23', 'ffpp-c40']);
  assert.is(two.get('ffpp-c40')?.items.length, 6);
  assert.ok(two.get('ffpp-c40')?.items.every(({ video }) => video.includes('/c40/')));
  // Named and open at once is still one folder.
  assert.is(found([both, `ffpp-c40=${both}`]).get('ffpp-c40')?.items.length, 6);
  assert.is(found([`ffpp-c40=${both}`]).get('ffpp-c40')?.standIn, false);
});

test('other faces stand in where they are named, and are said to', () => {
  const data = found([`ffpp-c23=${drawn}`]).get('ffpp-c23');
  assert.ok(data?.standIn);
  assert.equal([...(data?.methods ?? [])], [['swap', 'swap']]);
  assert.is(data && facesIn(data, 'test').length, 2);
});

test('a mapping file names folders from where it lies', async () => {
  const file = join(folder, 'sets.json');
  writeFileSync(file, JSON.stringify({ 'ffpp-c40': ['both'], celebdf: 'drawn' }));
  assert.equal([...found([file]).keys()], ['ffpp-c40', 'celebdf']);
  writeFileSync(file, JSON.stringify({ celebdff: 'drawn' }));
  const wrong = await failure(() => found([file]));
  assert.is(wrong.name, 'UsageError');
  assert.match(wrong.message, /sets\.json: .*"celebdff".*did you mean celebdf\?/);
  writeFileSync(file, JSON.stringify({ celebdf: [] }));
  assert.match((await failure(() => found([file]))).message, /sets\.json: .*celebdf/s);
});

test('what cannot be placed is an error that says how to place it', async () => {
  const nowhere = await failure(() => found([drawn]));
  assert.match(nowhere.message, /drawn holds faces of drawn, .*--data ffpp-c23=.*--also NAME=/);
  assert.match((await failure(() => found([join(folder, 'no')]))).message, /no manifest\.jsonl/);
  const unnamed = await failure(() => found([], [drawn]));
  assert.is(unnamed.name, 'UsageError');
  assert.match((await failure(() => found([], [`dfd=${drawn}`]))).message, /give it with --data/);
  assert.match((await failure(() => found([`dfdd=${drawn}`]))).message, /did you mean dfd\?/);
});

test('a person in the training of one set and the test of another is refused', async () => {
  const seen = setOf('seen', [
    { video: 'a', split: 'train', dataset: 'mine', people: ['anna'] },
    { video: 'b', split: 'train', dataset: 'mine', method: 'swap', people: ['anna'] },
  ]);
  const again = setOf('again', [
    { video: 'c', split: 'test', dataset: 'other', people: ['anna'] },
    { video: 'd', split: 'test', dataset: 'other', method: 'swap', people: ['anna'] },
  ]);
  const error = await failure(() => found([`ffpp-c23=${seen}`], [`new=${again}`]));
  assert.match(error.message, /"anna" is in split test here and in train in .*seen/);
});

test('validation faces are thinned evenly out of both classes', () => {
  const items = Array.from({ length: 400 }, (_, k) => ({ label: (k % 2) as 0 | 1, frame: k }));
  const some = thin(items, 100);
  assert.is(some.length, 100 + 2);
  assert.ok(Math.abs(some.filter(({ label }) => label === 1).length - 51) <= 1);
  const gaps = some.slice(2).map(({ frame }, k) => frame - some[k].frame);
  assert.ok(Math.max(...gaps) <= 8, `${Math.max(...gaps)}`);
  assert.is(thin(items, 1000).length, 400);
});

test('a fingerprint is of the faces and their files, not of where they lie', () => {
  const clips = clipsOf('c23', ['Deepfakes']);
  const print = (name: string, some = clips) => {
    const data = found([setOf(name, some)]).get('ffpp-c23');
    return { items: data?.items ?? [], print: fingerprint(data?.items ?? []) };
  };
  const first = print('first');
  assert.is(print('second').print, first.print);
  assert.is.not(print('third', clips.slice(1)).print, first.print);
  writeFileSync(join(folder, 'first', 'images/2.png'), 'longer');
  assert.is.not(fingerprint(first.items), first.print);
});

test('layouts: who is trained on what, what is shared, and what is missing and why', async () => {
  const grid = (name: string, data: string[], also: string[] = []) => {
    const given = parseGiven(data, also, dataSets);
    return layOut({
      protocol: loadProtocol(name, dataSets),
      ...{ dataSets, data: readTableData(given, dataSets), also: [...given.also.keys()] },
      ...{ base: presetConfig('paper'), init: null, validated: 100 },
    });
  };
  const two = grid('II', [both]);
  assert.equal(
    two.rows[0].cells.map(({ test: one }) => [one?.training.data.key, one?.data.key]),
    [
      ['ffpp-c23', 'ffpp-c23'],
      ['ffpp-c40', 'ffpp-c40'],
    ],
  );

  const three = grid('III', [both], [`drawn=${drawn}`]);
  assert.equal(
    three.columns.map(({ title, extra }) => [title, extra]),
    [
      ['DF', false],
      ['F2F', false],
      ['FS', false],
      ['NT', false],
      ['drawn', true],
    ],
  );
  assert.is(three.trainings.length, 4);
  assert.is(three.tests.length, 8);
  for (const { items, method } of three.trainings) {
    assert.equal(new Set(items.map((item) => item.method)), new Set([null, method]));
    assert.ok(items.every(({ split }) => split !== 'test'));
  }
  assert.ok(three.tests.every(({ faces }) => faces.every(({ split }) => split === 'test')));

  const four = grid('IV', [both, `celebdf=${drawn}`]);
  assert.equal(
    four.trainings.map(({ config: { llsm, flm, head } }) => [llsm !== false, flm, head.source]),
    [
      [false, false, 'encoder'],
      [true, false, 'encoder'],
      [false, true, 'decoder'],
      [true, true, 'decoder'],
    ],
  );
  const one = grid('I', [both, `celebdf=${drawn}`]);
  assert.is(one.trainings[0].id, four.trainings[3].id);
  assert.match(one.rows[0].cells[2].missing ?? '', /^DFD was not given: .*llsm data dfd/);

  // Without its test set nothing is trained.
  assert.is(grid('IV', [both]).trainings.length, 0);
  const part = grid('III', [c23]);
  assert.match(part.rows[1].cells[0].missing ?? '', /no forged faces \(Face2Face\).*"train"/);
  assert.match(part.rows[0].cells[3].missing ?? '', /no forged faces \(NeuralTextures\).*"test"/);
  const misplaced = await failure(() => grid('II', [both], [`drawn=${drawn}`]));
  assert.is(misplaced.name, 'UsageError');
});
