import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readCheckpoint, readSafetensors } from '../../node/files/checkpoint.ts';
import { encodePng } from '../../node/files/image.ts';
import type { FaceInput } from '../../src/faces/manifest.ts';
import { decodeImage } from '../../src/image/codecs.ts';
import type { Evaluation } from '../../src/measure/evaluate.ts';
import { rocAuc, tallyOf } from '../../src/measure/metrics.ts';
import { llsm } from '../support/command.ts';
import { drawnPicture, temporaryFolder } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const folder = temporaryFolder();
const data = join(folder, 'faces');
const weights = join(folder, 'weights.safetensors');
const size = 64;

/** Faces with a brighter rectangle as their forgery: 3 + 3 to train, 10 + 3 to validate, 4 + 4 to test. */
function makeData() {
  for (const name of ['images', 'masks']) mkdirSync(join(data, name), { recursive: true });
  const lines: FaceInput[] = [];
  const add = (split: FaceInput['split'], label: 0 | 1, count: number) => {
    for (let k = 0; k < count; k++) {
      const name = `${split}-${label}-${k}`;
      const picture = drawnPicture(size, size, lines.length);
      const mask = new Uint8ClampedArray(size * size);
      if (label) {
        for (let y = 20; y < 50; y++) mask.fill(255, y * size + 10 + k, y * size + 40 + k);
        mask.forEach((value, i) => {
          if (value) for (let c = 0; c < 3; c++) picture.data[3 * i + c] += 90;
        });
        const png = encodePng({ width: size, height: size, data: mask });
        writeFileSync(join(data, 'masks', `${name}.png`), png);
      }
      writeFileSync(join(data, 'images', `${name}.png`), encodePng(picture));
      lines.push({
        image: `images/${name}.png`,
        label,
        mask: label ? `masks/${name}.png` : null,
        video: `video, ${split}-${label}-${k >> 1}`,
        frame: k,
        dataset: 'drawn',
        method: label ? ['paint', 'light'][k % 2] : null,
        split,
      });
    }
  };
  add('train', 0, 3);
  add('train', 1, 3);
  add('val', 0, 10);
  add('val', 1, 3);
  add('test', 0, 4);
  add('test', 1, 4);
  writeFileSync(
    join(data, 'manifest.jsonl'),
    lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
  );
}
makeData();
const config = join(folder, 'config.json');
writeFileSync(config, JSON.stringify({ size, width: 0.05, llsm: { hidden: 8 } }));
const made = llsm(['init', '--config', config, '--seed', '5', '--out', weights, '--f16']);
assert.is(made.status, 0, made.stderr);

interface Whole extends Omit<Evaluation, 'scores'> {
  data: { faces: number; split: string };
  threshold: { value: number; rule: string };
}

test('eval: tables, figures and scores agree with each other and with detect', () => {
  const out = join(folder, 'out');
  const args = ['eval', '--weights', weights, '--data', data];
  const by = ['--by', 'mask-size,cue'];
  const { status, stdout, stderr } = llsm([...args, '--out', out, '--batch', '3', ...by]);
  assert.is(status, 0, stderr);
  assert.match(stdout, /on faces \(test\): 8 faces \(4 real, 4 forged\) of 4 videos\n/);
  assert.match(stdout, /probability of 0\.5, uncalibrated/);
  assert.match(stdout, /^faces +real +forged +AUC +95 % interval +AP +EER +ACC/m);
  assert.match(stdout, /^videos /m);
  assert.match(stdout, /^faces by mask-size +real/m);
  assert.match(stdout, /^4 forged faces whose manifest does not say their cue$/m);
  assert.match(stdout, /^Of 4 real faces [\d.]+ % of the pixels are called altered/m);
  assert.match(stdout, /mean mask .* and pair map of 3 training forgeries/);

  const whole = JSON.parse(readFileSync(join(out, 'eval.json'), 'utf8')) as Whole;
  assert.equal([whole.data.faces, whole.data.split, whole.threshold.value], [8, 'test', 0.5]);
  const csv = readFileSync(join(out, 'scores.csv'), 'utf8').trimEnd().split('\r\n');
  assert.is(csv[0], 'image,label,method,video,probability,region,cue,ratio,mask_share,side');
  const rows = csv.slice(1).map((line) => {
    const found = /^([^,]+),([01]),(\w*),"(video, [^"]+)",([^,]+),,,,([\d.]*),\d+$/.exec(line);
    assert.ok(found, line);
    const [, image, label, method, , probability] = found;
    return { image, label: Number(label), method, probability: Number(probability) };
  });
  assert.is(rows.length, 8);
  const auc = (among: typeof rows) =>
    rocAuc(
      tallyOf(
        among.map((row) => row.probability),
        among.map((row) => row.label),
      ),
    );
  const [all, light, paint] = whole.faces;
  assert.equal([all.name, light.name, paint.name], ['all', 'light', 'paint']);
  assert.is(all.auc, auc(rows));
  assert.is(light.auc, auc(rows.filter(({ method }) => method !== 'paint')));
  assert.equal(
    whole.videos?.map(({ real, forged }) => [real, forged]),
    [
      [2, 4],
      [2, 2],
      [2, 2],
    ],
  );
  assert.ok(stdout.includes(all.auc.toFixed(3)));

  for (const row of whole.masks) {
    // The rectangles of test are those of train but for the fourth: the constant does well.
    assert.ok((row.iou.constant as number) > 0.7, `${row.iou.constant}`);
    assert.ok(row.iou.value >= 0 && row.iou.value < (row.iou.constant as number));
    assert.ok((row.pixelAuc.constant as number) > 0.95);
  }
  assert.equal(
    whole.masks.map(({ name, faces }) => [name, faces]),
    [
      ['all', 4],
      ['light', 2],
      ['paint', 2],
    ],
  );
  for (const row of whole.pairs) {
    assert.ok(row.auc.value > 0 && row.auc.value < 1);
    assert.is(row.aucAtFixedPairs.constant, 0.5);
  }

  const images = rows.map(({ image }) => image);
  const detected = llsm(['detect', '--faces', 'whole', ...images, '--weights', weights, '--json']);
  assert.is(detected.status, 0, detected.stderr);
  for (const [k, { faces }] of JSON.parse(detected.stdout).results.entries()) {
    const [{ probability }] = faces;
    // Relative, for an untrained network's probabilities lie near 0.
    const ratio = Math.log(probability) / Math.log(rows[k].probability);
    assert.ok(Math.abs(ratio - 1) < 1e-3, `${images[k]}: ${probability}`);
  }
});

test('eval: another split, another threshold, no training masks to compare with', () => {
  const other = join(folder, 'elsewhere');
  mkdirSync(join(other, 'images'), { recursive: true });
  for (const label of [0, 1]) {
    writeFileSync(join(other, 'images', `${label}.png`), encodePng(drawnPicture(64, 64, label)));
  }
  const mask = new Uint8ClampedArray(64 * 64).fill(255, 0, 2000);
  writeFileSync(join(other, 'mask.png'), encodePng({ width: 64, height: 64, data: mask }));
  const line = (label: 0 | 1): FaceInput => ({
    image: `images/${label}.png`,
    label,
    mask: label ? 'mask.png' : null,
    video: `${label}`,
    dataset: 'other',
    split: 'val',
  });
  writeFileSync(
    join(other, 'manifest.jsonl'),
    [line(0), line(1)].map((value) => `${JSON.stringify(value)}\n`).join(''),
  );
  const args = ['eval', '--weights', weights, '--data', other];
  const missing = llsm(args);
  assert.is(missing.status, 1);
  assert.match(missing.stderr, /no face has split "test" \(0 in train, 2 in val, 0 in test\)/);
  const alone = llsm([...args, '--split', 'val', '--threshold', '0']);
  assert.is(alone.status, 0, alone.stderr);
  assert.match(alone.stdout, /probability of 0, as given/);
  assert.match(alone.stdout, /^unnamed .* 1\.000 +1\.000$/m); // all are called forged
  assert.match(alone.stdout, /No constant predictor beside them: .*--prior/);
  const beside = llsm([...args, '--split', 'val', '--prior', data, '--json']);
  assert.is(beside.status, 0, beside.stderr);
  const whole = JSON.parse(beside.stdout) as Whole;
  assert.is(whole.constant?.faces, 3);
  assert.is(whole.videos, undefined);
  const bad = llsm([...args, '--split', 'val', '--prior', other]);
  assert.is(bad.status, 1);
  assert.match(bad.stderr, /elsewhere: no forged face with a mask has split "train"/);
});

test('eval: videos by another rule, a reliability picture', () => {
  const out = join(folder, 'rule');
  const args = ['eval', '--weights', weights, '--data', data, '--json'];
  const mean = JSON.parse(llsm(args).stdout) as Whole;
  const { status, stdout, stderr } = llsm([...args, '--video-score', 'max', '--out', out]);
  assert.is(status, 0, stderr);
  const max = JSON.parse(stdout) as Whole;
  assert.equal([mean.videoRule, max.videoRule], ['mean', 'max']);
  assert.equal(mean.faces, max.faces);
  assert.ok((max.videos?.[0].falseAlarms ?? 0) >= (mean.videos?.[0].falseAlarms ?? 1));
  assert.match(readFileSync(join(out, 'reliability.svg'), 'utf8'), /calibration error 0\.\d{3}/);
  assert.is(llsm([...args, '--video-score', 'median']).status, 2);
  assert.ok(existsSync(join(out, 'sheet.png')));
  assert.not.ok(existsSync(join(out, 'cam.png')));
});

test('eval --cam: sheets of some faces, truth beside prediction and where scores come from', async () => {
  const out = join(folder, 'sheets');
  const args = ['eval', '--weights', weights, '--data', data];
  const refused = llsm([...args, '--cam', 'd2']);
  assert.is(refused.status, 2);
  assert.match(refused.stderr, /--cam makes a picture: say where with --out/);
  const { status, stderr } = llsm([...args, '--cam', 'd2', '--out', out]);
  assert.is(status, 0, stderr);
  const open = (name: string) => decodeImage(readFileSync(join(out, name)), name);
  const [truth, cam] = [await open('sheet.png'), await open('cam.png')];
  assert.ok(truth.height > cam.height && cam.height > 3 * 160);
});

test('eval --perturb: a table, the record and a picture', () => {
  const out = join(folder, 'degraded');
  const args = ['eval', '--weights', weights, '--data', data];
  const refused = llsm([...args, '--perturb', 'jpeg,fog']);
  assert.is(refused.status, 2);
  assert.match(refused.stderr, /There is no fog\. Name some of saturation, darken/);
  const { status, stdout, stderr } = llsm([...args, '--perturb', 'darken,jpeg', '--out', out]);
  assert.is(status, 0, stderr);
  assert.match(stdout, /darken( +[01]\.\d{3}){6} +0\.85 0\.725 0\.6/);
  assert.match(stdout, /Degraded to the crop, by level; false alarms/);
  const { robustness, faces } = JSON.parse(readFileSync(join(out, 'eval.json'), 'utf8'));
  assert.is(robustness.untouched, faces[0].auc);
  assert.equal(
    robustness.rows.map(({ name }: { name: string }) => name),
    ['darken', 'jpeg'],
  );
  assert.match(readFileSync(join(out, 'perturb.svg'), 'utf8'), /^<svg[^>]*>.*darken.*jpeg/s);
});

test("eval: levels of one's own, verdicts by all views, sources, and the tables as Markdown", () => {
  const out = join(folder, 'card');
  const args = ['eval', '--weights', weights, '--data', data];
  for (const [given, message] of [
    ['resize=half', /resize has no level half: it takes times the side and back.*from 0\.02 to 1/],
    ['jpeg=50/101', /jpeg has no level 101/],
    ['jpeg=', /jpeg has no level :/],
  ] as const) {
    const refused = llsm([...args, '--perturb', given]);
    assert.is(refused.status, 2);
    assert.match(refused.stderr, message);
  }
  const more = ['--perturb', 'resize=1/0.5,jpeg=50', '--judge', '--by', 'source', '--out', out];
  const { status, stdout, stderr } = llsm([...args, ...more]);
  assert.is(status, 0, stderr);
  assert.match(stdout, /^resize( +[01]\.\d{3}){3} +1 0\.5$/m);
  assert.match(stdout, /^jpeg +[01]\.\d{3} +[01]\.\d{3} +50$/m);
  const record = JSON.parse(readFileSync(join(out, 'eval.json'), 'utf8'));
  const [resize] = record.robustness.rows;
  const [all] = record.faces;
  // A resize to its own size changes nothing.
  assert.is(resize.auc[0], all.auc);
  assert.equal([resize.found[0], resize.falseAlarms[0]], [all.flagged, all.falseAlarms]);
  for (const kind of ['real', 'forged'] as const) {
    const { faces, altered, unsure, nothing } = record.verdicts[kind];
    assert.is(faces, 4);
    assert.ok(Math.abs(altered + unsure + nothing - 1) < 1e-9);
  }
  // These videos lie in no folder, so their data set is their source.
  const [by] = record.groups;
  assert.equal([by.by, by.groups.map(({ name }: { name: string }) => name)], ['source', ['drawn']]);
  const markdown = readFileSync(join(out, 'eval.md'), 'utf8');
  const lines = markdown.split('\n');
  assert.ok(
    lines.some((line) => /^\| resize 0\.5 \| [.1]\d* /.test(line)),
    markdown,
  );
  assert.match(
    markdown,
    /^\| seen in all views \| faces \| altered \| unsure \| nothing found \|$/m,
  );
  for (const table of markdown.split('\n\n').filter((part) => part.startsWith('|'))) {
    const widths = new Set(
      table
        .trim()
        .split('\n')
        .map((line) => line.split('|').length),
    );
    assert.is(widths.size, 1, table);
  }
});

test('calibrate: chosen on val, kept with its origin, spoken of by detect', () => {
  const copy = join(folder, 'calibrated.safetensors');
  const args = ['calibrate', '--weights', weights, '--data', data];
  const before = readFileSync(weights);
  const { status, stdout, stderr } = llsm([...args, '--at', 'fpr=0.2', '--out', copy, '--json']);
  assert.is(status, 0, stderr);
  assert.match(stderr, /13 faces \(10 real, 3 forged\): with fewer than 300/);
  const { threshold } = readCheckpoint(copy);
  assert.equal(JSON.parse(stdout).threshold, threshold);
  assert.equal(
    { ...threshold, value: 0, mask: 0, unsure: null },
    { value: 0, rule: 'fpr=0.2', fpr: 0.2, data: 'faces (val)', n: 13, mask: 0, unsure: null },
  );
  const unsure = threshold?.unsure;
  assert.ok(unsure && threshold);
  assert.ok(unsure.from <= threshold.value && unsure.to >= threshold.value);
  for (const rate of [unsure.real, unsure.accused]) {
    assert.ok(Math.abs(rate * 10 - Math.round(rate * 10)) < 1e-5, `${rate} of 10 real faces`);
  }
  assert.ok(readFileSync(weights).equals(before));
  // The halved tensors stay as they were, to the byte.
  const bytes = readFileSync(copy);
  const start = (file: Buffer) => 8 + Number(file.readBigUInt64LE());
  assert.ok(bytes.subarray(start(bytes)).equals(before.subarray(start(before))));
  assert.equal(readSafetensors(copy).tensors, readSafetensors(weights).tensors);

  const value = threshold?.value as number;
  const scored = llsm(['eval', '--weights', copy, '--data', data, '--split', 'val', '--json']);
  const whole = JSON.parse(scored.stdout) as Whole;
  assert.is(whole.threshold.value, value);
  assert.is(whole.faces[0].falseAlarms, 0.2);
  assert.is(whole.maskThreshold, threshold?.mask);
  assert.is(whole.masks[0].iou.value, JSON.parse(stdout).maskIou);
  const said = llsm([
    'detect',
    '--faces',
    'whole',
    join(data, 'images', 'test-0-0.png'),
    '--weights',
    copy,
  ]);
  assert.match(said.stdout, /chosen on 13 faces of faces \(val\) by fpr=0\.2, where 20 % of the/);

  const inPlace = llsm(['calibrate', '--weights', copy, '--data', data, '--at', 'eer']);
  assert.is(inPlace.status, 0, inPlace.stderr);
  assert.match(inPlace.stdout, /calibrated\.safetensors: forged at a probability of .* by eer/);
  assert.is(readCheckpoint(copy).threshold?.rule, 'eer');
  const onTest = llsm([...args, '--at', 'eer', '--split', 'test', '--out', copy]);
  assert.is(onTest.status, 0, onTest.stderr);
  assert.match(onTest.stderr, /chosen on test faces/);
});

test('calibrate refuses what it cannot do, and writes nothing', () => {
  const before = readFileSync(weights);
  const args = ['calibrate', '--weights', weights, '--data', data];
  const { status, stderr } = llsm([...args, '--at', 'fpr=0.01']);
  assert.is(status, 1);
  assert.match(stderr, /There are 10 real faces, .* 0\.01 needs at least 100/);
  for (const rule of ['fpr=0', 'fpr=1', 'fpr=', 'roc', 'fpr=0.1x']) {
    const wrong = llsm([...args, '--at', rule]);
    assert.is(wrong.status, 2, rule);
    assert.match(wrong.stderr, /must be eer, or fpr=F/);
  }
  assert.ok(readFileSync(weights).equals(before));
});

test('called wrongly: exit status 2; a missing file: 1, named', () => {
  const args = ['eval', '--weights', weights, '--data', data];
  for (const wrong of [
    ['--out', data],
    ['--split', 'all'],
    ['--threshold', '1.5'],
    ['--batch', '0'],
  ]) {
    const { status, stdout } = llsm([...args, ...wrong]);
    assert.equal([status, stdout], [2, ''], wrong.join(' '));
  }
  const gone = join(folder, 'gone');
  const { status, stderr } = llsm(['eval', '--weights', gone, '--data', data]);
  assert.is(status, 1);
  assert.ok(stderr.includes(gone));
});
