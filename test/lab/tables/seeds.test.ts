import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { TableData } from '../../../lab/tables/data.ts';
import { parseGiven, readTableData } from '../../../lab/tables/data.ts';
import type { Figures, Tested } from '../../../lab/tables/figures.ts';
import { type Grid, layOut } from '../../../lab/tables/grid.ts';
import { type FaceScore, overPeople } from '../../../lab/tables/people.ts';
import { planInWords, planTable } from '../../../lab/tables/plan.ts';
import {
  loadDataSets,
  loadProtocol,
  type Protocol,
  protocolNames,
} from '../../../lab/tables/protocol.ts';
import { tableResult } from '../../../lab/tables/result.ts';
import type { Outcome } from '../../../lab/tables/run.ts';
import { deviationOf, meanOf } from '../../../lab/tables/seeds.ts';
import { tableMarkdown, tableText } from '../../../lab/tables/text.ts';
import type { Trained } from '../../../lab/tables/training.ts';
import { loadConfig } from '../../../node/files/config.ts';
import { packageRoot } from '../../../node/system/package-root.ts';
import { parseConfig } from '../../../src/config/config.ts';
import { failure, temporaryFolder } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';
import { refusedIn, setOf } from '../../support/table-sets.ts';

const dataSets = loadDataSets();
const folder = temporaryFolder();
const mini = (name: string) => loadProtocol(`mini/${name}`, dataSets);
const methods = ['self-blend', 'swap', 'parts', 'generator'];

/** A set of one source: a real face and, where there are methods, one forged by each. */
const source = (name: string, split: 'train' | 'test', forgedBy: readonly string[]) =>
  setOf(join(folder, `${name}-${split}`), [
    { video: `${name}/${split}`, split, dataset: name },
    ...forgedBy.map((method) => ({
      ...{ video: `${name}/${split}/${method}`, split, method, dataset: name },
    })),
  ]);
const given = [
  `faces-a=${source('mine', 'train', [])}`,
  `forged-a=${source('mine', 'test', methods)}`,
  `faces-b=${source('others', 'train', [])}`,
  `forged-b=${source('others', 'test', methods)}`,
];

const read = (data: string[]): Map<string, TableData> =>
  readTableData(parseGiven(data, [], dataSets), dataSets);

const grid = (protocol: Protocol, data = given, overrides: string[] = []): Grid =>
  layOut({
    ...{ protocol, dataSets, data: read(data), also: [] },
    ...{ base: loadConfig('paper', overrides, protocol.base), init: null, validated: 100 },
  });

test('the experiments in miniature are found, and each network is as its row says', () => {
  const names = readdirSync(join(packageRoot(), 'protocols/mini')).map((file) => file.slice(0, -5));
  assert.equal(names.sort(), [
    ...['ablation', 'cross-method', 'cross-source', 'heads'],
    ...['size-112', 'size-160', 'size-224', 'source', 'tap'],
  ]);
  assert.equal(
    protocolNames().filter((name) => name.startsWith('mini/')),
    names.map((name) => `mini/${name}`),
  );
  for (const name of names) {
    const { trainings, rows } = grid(mini(name));
    assert.is(rows.length % 3, 0);
    assert.is(trainings.length, rows.length, name);
    for (const { config, method, items } of trainings) {
      assert.ok(
        items.length > 0 && items.every(({ label, split }) => label === 0 && split === 'train'),
      );
      const { width, train } = config;
      assert.is(width, 0.125);
      assert.is(train.batch * train.iterations * train.epochs, 3072);
      assert.ok(train.forge);
      assert.is(method, undefined);
      const drawn = Object.keys(train.forge ? train.forge.methods : {}).length;
      assert.is(drawn, name === 'cross-method' || name.startsWith('size') ? 1 : 4);
      assert.is(config.size, Number(name.split('-')[1]) || 112);
    }
  }
  const of = (name: string, key: (config: Grid['trainings'][0]['config']) => unknown) => [
    ...new Set(grid(mini(name)).trainings.map(({ config }) => key(config))),
  ];
  const heads = of('heads', ({ llsm }) => (llsm ? llsm.head : null));
  assert.equal(heads, ['linear', 'mlp', 'absdiff', 'bilinear']);
  assert.equal(
    of('source', ({ head }) => head.source),
    ['decoder', 'encoder', 'both'],
  );
  assert.is(of('tap', ({ llsm }) => (llsm ? llsm.tap : null)).length, 7);
  for (const [size, crop] of [
    [112, 128],
    [160, 184],
    [224, 256],
  ]) {
    const each = of(`size-${size}`, ({ residual, llsm, train }) =>
      JSON.stringify([residual, llsm ? llsm.tap : null, train.forge ? train.forge.crop : 0]),
    );
    assert.is(each.length, 4);
    assert.ok(each.every((text) => String(text).endsWith(`,${crop}]`)));
  }
  assert.equal(
    of('ablation', ({ llsm, flm }) => `${llsm !== false} ${flm}`),
    ['false false', 'true false', 'false true', 'true true'],
  );
});

test('a seed is part of what a training is; equal networks of several tables are one', () => {
  const ids = (name: string, ...rest: string[]) =>
    grid(mini(name), given, rest).trainings.map(({ id }) => id);
  const ablation = ids('ablation');
  assert.is(new Set(ablation).size, 12);
  assert.equal(ids('ablation'), ablation);
  // The whole network of each seed, with its MLP, reading the decoder, at block7.
  for (const name of ['heads', 'source', 'tap']) {
    assert.equal(
      ids(name).filter((id) => ablation.includes(id)),
      ablation.slice(9),
    );
  }
  // The command's values lie over the protocol's, and below the row's.
  assert.not.ok(ids('ablation', 'width=0.25').some((id) => ablation.includes(id)));
  assert.equal(ids('heads', 'llsm.head=linear'), ids('heads'));
  // As a protocol without seeds has it, whose config says the seed.
  const { seeds: _, ...single } = mini('ablation');
  const second = grid(single, given, ['train.seed=2']).trainings;
  assert.equal(
    second.map(({ id }) => id),
    [1, 4, 7, 10].map((k) => ablation[k]),
  );
  assert.ok(second.every(({ changes }) => changes.length === 0));
});

/** Figures as a test would have left them. */
const figures = (name: string, auc: number): Figures => ({
  ...{ name, real: 40, forged: 40, auc, aucInterval: [auc - 0.1, auc + 0.1] },
  ...{ ap: auc, eer: 0.5, accuracy: 0.5, balancedAccuracy: 0.5, flagged: 0.5, falseAlarms: 0.5 },
});

/** Scores by which forged faces lie above the real ones at an AUC of 0.9 or more, else below. */
const scoresOf = ({ faces }: Grid['tests'][0], auc: number): FaceScore[] =>
  faces.map(({ people, video, label, method }) => ({
    ...{ person: people[0] ?? video, label, method },
    probability: auc >= 0.9 ? label : 1 - label,
  }));

/** What a run would leave, had each test the AUC that is given. */
function outcomeOf({ trainings, tests }: Grid, aucOf: (k: number) => number | null): Outcome {
  const outcome: Outcome = { trained: new Map(), tested: new Map(), failed: new Map() };
  for (const [k, training] of trainings.entries()) {
    const trained: Trained = {
      ...{ folder: '', weights: '', sha256: `${k}`, steps: 500, version: '0', adapter: 'none' },
    };
    outcome.trained.set(training, trained);
  }
  for (const [k, one] of tests.entries()) {
    const auc = aucOf(k);
    if (auc === null) outcome.failed.set(one, 'its file is damaged');
    else {
      const faces = ['all', ...methods].map((name) => figures(name, auc));
      const identity = { weights: '', faces: '', videoRule: 'mean', seed: 0 };
      const tested: Tested = {
        version: '0',
        adapter: 'none',
        identity,
        faces,
        scores: scoresOf(one, auc),
      };
      outcome.tested.set(one, tested);
    }
  }
  return outcome;
}

test('a row is the mean over its seeds with their standard deviation; each seed is kept', () => {
  const protocol = { ...mini('source'), columns: [{ test: 'forged-b' }] };
  const laid = grid(protocol);
  const aucs = [0.6, 0.7, 0.8, 0.5, 0.5, 0.5, 0.9, 0.9, 0.75];
  const result = tableResult(
    laid,
    outcomeOf(laid, (k) => aucs[k]),
    { videoRule: 'mean' },
  );
  assert.equal(
    result.rows.map(({ seeds }) => seeds?.map(({ seed, cells }) => [seed, cells[0].faces?.auc])),
    [0, 3, 6].map((from) => [1, 2, 3].map((seed, k) => [seed, aucs[from + k]])),
  );
  const { faces, spread } = result.rows[0].cells[0];
  assert.ok(Math.abs((faces?.auc ?? 0) - 0.7) < 1e-12);
  assert.ok(Math.abs((spread?.faces.auc ?? 0) - 0.1) < 1e-12);
  assert.equal(faces?.aucInterval, [null, null]);
  const text = tableText(result);
  assert.match(text, /^Network +Method +Forged B$/m);
  assert.match(text, /^decoder +here, by face +70\.00$/m);
  assert.match(text, /^decoder +SD of 3 seeds +10\.00$/m);
  assert.match(text, /^encoder +SD of 3 seeds +0\.00$/m);
  assert.match(text, /^both +here, by face +85\.00\n.* 8\.66$/m);
  assert.match(text, /bootstrap over people/);
  assert.match(text, /trained 3 times, .* standard deviations \(n - 1\) over seeds/);
  assert.match(
    text,
    /^Networks: 112 x 112 pixels, width 0\.125, 192 steps of 16 faces, seed 1, 2, 3;/m,
  );
  assert.match(text, /^Trained faces-a-paper-\w+ \(head\.source "both", seed 3\): /m);
  assert.not.match(text, /Unlike .*(train\.seed|head\.source)/);
  assert.match(tableMarkdown(result), /\| decoder \| SD of 3 seeds \| 10\.00 \|/);
});

test('a mean of some of the seeds is none, and the table names the seed', () => {
  const protocol = mini('cross-source');
  const laid = grid(protocol);
  const result = tableResult(
    laid,
    outcomeOf(laid, (k) => (k === 2 ? null : 0.6)),
    {
      videoRule: 'mean',
    },
  );
  assert.is(result.rows[0].cells[0].faces, null);
  const text = tableText(result);
  assert.match(text, /^Trained on +Method +Forged A +Forged B$/m);
  assert.match(text, /^Faces A +here, by face +- +60\.00$/m);
  assert.match(text, /^Missing \(Faces A on Forged A, seed 2\): its file is damaged\.$/m);
});

test('averages over columns have the spread of the averages; one seed has its interval', () => {
  const laid = grid(mini('cross-method'));
  const seeds = (k: number) => 0.5 + 0.1 * (k % 3);
  const text = tableText(tableResult(laid, outcomeOf(laid, seeds), { videoRule: 'mean' }));
  assert.match(text, /^Trained on +Method +generator +parts +self-blend +swap +Avg$/m);
  assert.match(text, /^swap +here, by face( +60\.00){5}$/m);
  assert.match(text, /^swap +SD of 3 seeds( +10\.00){5}$/m);
  const one = grid({ ...mini('cross-method'), seeds: [7] });
  assert.is(one.trainings[0].config.train.seed, 7);
  const single = tableText(
    tableResult(
      one,
      outcomeOf(one, () => 0.6),
      { videoRule: 'mean' },
    ),
  );
  assert.match(single, /^swap +95 % over people/m);
  assert.match(single, /intervals by bootstrap over people/);
  assert.not.match(single, /SD of|trained 1 times/);
});

test('what is not given is said once, with the name to give it by', async () => {
  const laid = grid(mini('cross-source'), given.slice(0, 2));
  assert.is(laid.trainings.length, 3);
  const none = grid(mini('ablation'), []);
  const plan = await planTable(none, {
    ...{ runs: folder, videoRule: 'mean' },
    openGpu: () => Promise.reject(new Error('there is nothing to do')),
  });
  const words = planInWords(plan);
  assert.match(
    words,
    /Faces A was not given: make it with `llsm data .*--data faces-a=SET; Forged A was not given: make it with `llsm forge .*--data forged-a=SET/,
  );
  const text = tableText(
    tableResult(
      laid,
      outcomeOf(laid, () => 0.6),
      { videoRule: 'mean' },
    ),
  );
  assert.match(text, /^Missing \(Faces A on Forged B\): Forged B was not given/m);
});

/** Faces of people, two each: real ones at 0.5, forged ones at what is given. */
const scored = (forged: readonly number[]): FaceScore[] =>
  forged.flatMap((probability, k) => [
    { person: `${k}`, label: 0 as const, method: null, probability: 0.5 },
    { person: `${k}`, label: 1 as const, method: k % 2 ? 'swap' : 'parts', probability },
  ]);

test('intervals over people: of the mean over seeds, and of what it is above another row', () => {
  const [found, missed] = [Array(20).fill(0.9), Array(20).fill(0.1)];
  const half = found.map((p, k) => (k < 10 ? p : 0.1));
  // Both seeds are right about nothing, or about everything: no draw of people changes that.
  assert.equal(overPeople([scored(found), scored(missed)]), { interval: [0.5, 0.5] });
  const over = overPeople([scored(half)], { row: 'other', scores: [scored(missed)] });
  const [low, high] = over.interval;
  assert.ok(low > 0.2 && low < 0.4 && high > 0.6 && high < 0.8, `${low} to ${high}`);
  // The other row has 0 whoever is drawn: the difference is the row itself.
  assert.equal(over.above, { row: 'other', value: 0.5, interval: over.interval });
  const same = overPeople([scored(half)], { row: 'same', scores: [scored(half)] });
  assert.equal(same.above, { row: 'same', value: 0, interval: [0, 0] });
  const swaps = half.map((p, k) => (k % 2 ? 0.9 : p));
  assert.equal(overPeople([scored(swaps)], undefined, 'swap').interval, [1, 1]);
});

test('means and deviations', () => {
  assert.is(meanOf([1, 2, 6]), 3);
  assert.is(meanOf([]), null);
  assert.is(meanOf([1, null]), null);
  assert.is(deviationOf([1, 2, 3]), 1);
  assert.is(deviationOf([2]), null);
  assert.is(deviationOf([2, undefined]), null);
});

test('wrong values and seeds are refused by file and row', async () => {
  const file = join(folder, 'own.json');
  const own = {
    ...{ name: 'Own', title: 'mine', measures: ['auc'], columns: [{ test: 'forged-b' }] },
    rows: [{ train: 'forged-a', preset: 'paper', set: { 'llsm.tap': 'block3' } }],
  };
  const refused = refusedIn(file, own, dataSets);
  const row = (set: object) => ({ rows: [{ ...own.rows[0], set }] });
  writeFileSync(file, JSON.stringify(own));
  const [{ set }] = loadProtocol(file, dataSets).rows;
  assert.equal(set, { 'llsm.tap': 'block3' });
  await refused(row({ 'llsm.tab': 'block3' }), /rows\[0\]: unknown key llsm\.tab.*llsm\.tap/);
  await refused(row({ 'llsm.tap': 'block99' }), /rows\[0\]: llsm\.tap/);
  await refused(row({ 'llsm..tap': 'block3' }), /set/);
  await refused({ base: { 'train.batch': 0 } }, /rows\[0\]: train\.batch/);
  await refused({ seeds: [1, 1] }, /seeds.*has a seed twice/);
  await refused({ seeds: [] }, /seeds/);
  await refused({ seeds: [-1] }, /seeds/);
  await refused({ seeds: [1], ...row({ 'train.seed': 3 }) }, /rows\[0\]\.set: train\.seed/);
  assert.match(
    (await failure(() => loadProtocol('mini/ablatio', dataSets))).message,
    /did you mean mini\/ablation\?/,
  );
});

test("a protocol's base lies under the command's values", () => {
  const config = loadConfig('paper', ['size=96'], {
    size: 112,
    'train.batch': 16,
    'llsm.hidden': 8,
  });
  assert.equal(
    config,
    parseConfig({ size: 96, train: { batch: 16 }, llsm: { hidden: 8 } }, 'as meant'),
  );
});
