import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { readCheckpoint, writeCheckpoint } from '../../node/files/checkpoint.ts';
import { encodePng } from '../../node/files/image.ts';
import { parseConfig } from '../../src/config/config.ts';
import type { FaceFinding, Finding } from '../../src/detect/finding.ts';
import { scope } from '../../src/detect/verdict.ts';
import { viewNames } from '../../src/detect/views.ts';
import { decodeImage, encodeJpeg } from '../../src/image/codecs.ts';
import { resize } from '../../src/image/resample.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import { type Checkpoint, checkpointMetadata } from '../../src/model/llsm/checkpoint.ts';
import { initParams } from '../../src/model/llsm/init.ts';
import { serialiseSafetensors } from '../../src/model/safetensors.ts';
import { llsm } from '../support/command.ts';
import { faceApiFolder } from '../support/face-api.ts';
import { drawnPicture, temporaryFolder } from '../support/pictures.ts';
import { skip, test } from '../support/run.ts';

const folder = temporaryFolder();
const golden = (name: string) =>
  fileURLToPath(new URL(`../../../test/golden/${name}/weights.safetensors`, import.meta.url));
const weights = golden('mlp'); // takes 80 x 80
const checkpoint = readCheckpoint(weights);
const goldenSize = 80;

const photos = join(folder, 'photos');
mkdirSync(join(photos, 'more'), { recursive: true });
const save = (name: string, bytes: Uint8Array) => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};
const png = encodePng(drawnPicture(120, 90, 1));
const jpeg = await encodeJpeg(drawnPicture(160, 160, 2), 90);
save('photos/a.png', png);
save('photos/b.jpg', jpeg);
save('photos/more/a.png', png);
save('photos/notes.txt', png);
const alone = save('alone.png', encodePng(drawnPicture(1300, 60, 3)));

interface Whole {
  sheet?: string;
  threshold: { value: number; rule: string };
  scope: string;
  results: Finding[];
}
const read = (path: string): Whole => JSON.parse(readFileSync(path, 'utf8'));
const good = [join(photos, 'a.png'), join(photos, 'b.jpg'), join(photos, 'more', 'a.png')];

let batchOfThree: Finding[] = [];

/** The one face of a finding. */
const faceOf = (finding: Finding): FaceFinding => {
  assert.is(finding.faces.length, 1, finding.file);
  return finding.faces[0];
};
const probabilityOf = (finding: Finding): number => faceOf(finding).probability as number;

test('a folder and a file: results, pictures, and what went wrong with the rest', async () => {
  const noImage = save('photos/c.png', new TextEncoder().encode('no picture at all'));
  const shortPng = save('photos/d.png', png.subarray(0, png.length >> 1));
  const shortJpeg = save('photos/e.jpg', jpeg.subarray(0, jpeg.length >> 1));
  const tiny = save('photos/f.png', encodePng(drawnPicture(100, 20)));
  const missing = join(folder, 'missing.jpg');
  const out = join(folder, 'out');
  const args = ['detect', '--faces', 'whole', missing, photos, alone, photos, '--weights', weights];
  const { status, stdout, stderr } = llsm([...args, '--out', out, '--batch', '3']);
  assert.is(status, 1);
  assert.match(stderr, /^Adapter: /m);
  const complaints: [string, RegExp][] = [
    [missing, /does not exist/],
    [noImage, /is not an image/],
    [shortPng, /the PNG is cut short/],
    [shortJpeg, /the JPEG is cut short/],
  ];
  for (const [path, pattern] of complaints) {
    const line = stderr.split('\n').find((text) => text.startsWith(`llsm: ${path}`));
    assert.match(line ?? `nothing about ${path} in: ${stderr}`, pattern);
  }
  assert.match(stderr, /llsm: 4 of 9 could not be looked at; see above\n$/);

  const { results, threshold, sheet } = read(join(out, 'results.json'));
  const [a, b, again] = good;
  const order = [missing, a, b, noImage, shortPng, shortJpeg, tiny, again, alone];
  assert.equal(
    results.map(({ file }) => file),
    order,
  );
  assert.equal(threshold, { value: 0.5, rule: 'uncalibrated' });
  const csv = readFileSync(join(out, 'results.csv'), 'utf8').trimEnd().split('\r\n');
  assert.is(csv.length, 1 + order.length);
  batchOfThree = results.filter(({ file, error }) => !error && file !== tiny);
  assert.is(batchOfThree.length, 4);
  for (const finding of batchOfThree) {
    const { probability, verdict, views, note, box, finder } = faceOf(finding);
    const p = probability as number;
    assert.ok(p > 0 && p < 1, finding.file);
    assert.equal([box, finder], [null, null]);
    assert.equal(
      views.map(({ name }) => name),
      [...viewNames],
    );
    assert.is(views[0].probability, p);
    const across = views.filter((view) => view.probability >= 0.5 !== p >= 0.5);
    const plain = p >= 0.5 ? 'altered' : 'nothing found';
    assert.is(verdict, across.length >= 2 ? 'unsure' : plain);
    if (verdict === 'unsure') assert.match(note as string, /across the threshold/);
    assert.is(finding.verdict, verdict);
    assert.match(finding.sha256 as string, /^[0-9a-f]{64}$/);
    const line = stdout.split('\n').find((text) => text.startsWith(finding.file));
    assert.ok(line?.includes(`${p.toFixed(3)}  ${verdict}`), stdout);
  }
  const small = faceOf(results.find(({ file }) => file === tiny) as Finding);
  assert.is(small.verdict, 'face too small');
  assert.match(small.note as string, /20 pixels a side \(32 is the least\)/);
  assert.ok(stdout.endsWith(`${scope}\n`));
  assert.match(stdout, /probability of 0\.5, uncalibrated/);

  const open = (name = '') => decodeImage(readFileSync(join(out, name)), name);
  const sizes = await Promise.all(
    batchOfThree.map((finding) => open(faceOf(finding).pictures?.overlay)),
  );
  assert.equal(
    sizes.map(({ width, height }) => [width, height]),
    [
      [120, 90],
      [160, 160],
      [120, 90],
      [1024, 47],
    ],
  );
  const { width, height } = await open(faceOf(batchOfThree[0]).pictures?.dissimilarity);
  assert.ok(width > 500 && height > 500);
  assert.ok((await open(faceOf(batchOfThree[0]).pictures?.panel)).width > 4 * 264);
  // Four faces in a row, 180 pixels each, with gaps and margins.
  assert.is((await open(sheet)).width, 4 * 180 + 3 * 12 + 2 * 16);
  assert.match(stdout, /All faces on one sheet: .*sheet\.png/);
  for (const what of ['overlay', 'dissimilarity'] as const) {
    const [one, two] = [batchOfThree[0], batchOfThree[2]].map(
      (finding) => faceOf(finding).pictures?.[what] as string,
    );
    assert.is.not(one, two);
    assert.ok(readFileSync(join(out, one)).equals(readFileSync(join(out, two))), what);
  }
});

test('--precision f16: nearly the same numbers', () => {
  const args = [good[0], '--weights', weights, '--precision', 'f16', '--json'];
  const { status, stdout, stderr } = llsm(['detect', '--faces', 'whole', ...args]);
  if (/no 16-bit floats/.test(stderr)) skip('this adapter has no shader-f16');
  assert.is(status, 0, stderr);
  const { precision, results } = JSON.parse(stdout) as Whole & { precision: string };
  assert.is(precision, 'f16');
  const off = Math.abs(probabilityOf(results[0]) - probabilityOf(batchOfThree[0]));
  assert.ok(off < 0.01, `off by ${off}`);
});

test('--json: equal pictures, equal numbers; a batch of 1 agrees with one of 3', () => {
  const args = [...good, alone, '--weights', weights, '--batch', '1', '--json'];
  const { status, stdout } = llsm(['detect', '--faces', 'whole', ...args]);
  assert.is(status, 0);
  const { results, scope: said, sheet } = JSON.parse(stdout) as Whole;
  assert.is(said, scope);
  assert.is(sheet, undefined); // no --out
  results.forEach((result, k) => {
    const other = batchOfThree[k];
    assert.is(result.file, other.file);
    assert.ok(
      Math.abs(probabilityOf(result) - probabilityOf(other)) < 1e-5,
      `${probabilityOf(result)} and ${probabilityOf(other)}`,
    );
    assert.is(faceOf(result).pictures, undefined);
  });
  assert.is(probabilityOf(results[0]), probabilityOf(results[2]));
  assert.is.not(probabilityOf(results[0]), probabilityOf(results[1]));
});

test('the stated part of the picture is looked at; a calibrated threshold is named', () => {
  const picture = drawnPicture(160, 160, 2);
  const centre: RgbImage = resize(picture, goldenSize, goldenSize, [40, 40, 80, 80]);
  const whole = save('whole.png', encodePng(picture));
  const cropped = save('cropped.png', encodePng(centre));
  const calibrated = join(folder, 'calibrated.safetensors');
  const threshold = { value: 1e-9, rule: 'fpr=0.01', fpr: 0.0125, data: 'lfw-val', n: 80 };
  writeCheckpoint(calibrated, { ...checkpoint, threshold });
  const probability = (file: string, faces: string): number => {
    const { status, stdout } = llsm([
      'detect',
      file,
      '--weights',
      calibrated,
      '--faces',
      faces,
      '--json',
    ]);
    assert.is(status, 0);
    const result = JSON.parse(stdout) as Whole;
    assert.equal(result.threshold, threshold);
    assert.is(result.results[0].verdict, 'altered');
    return probabilityOf(result.results[0]);
  };
  assert.is(probability(whole, 'centre=0.5'), probability(cropped, 'whole'));
  const { stdout } = llsm(['detect', '--faces', 'whole', whole, '--weights', calibrated]);
  assert.match(
    stdout,
    /probability of 1e-9, chosen on 80 faces of lfw-val by fpr=0\.01, where 1\.25 % of the real ones are at or above it/,
  );
});

test('above 4,096 positions there is no similarity picture, and it says so', () => {
  const config = parseConfig({ size: 144, width: 0.05, llsm: { tap: 'e1', hidden: 8 } }, 'test');
  const large = join(folder, 'large.safetensors');
  writeCheckpoint(large, initParams(config, 1));
  const out = join(folder, 'large');
  const { status, stderr } = llsm([
    'detect',
    '--faces',
    'whole',
    good[0],
    '--weights',
    large,
    '--out',
    out,
  ]);
  assert.is(status, 0, stderr);
  assert.match(stderr, /similarity is left out: .* 4761 x 4761 values/);
  const [result] = read(join(out, 'results.json')).results;
  const { pictures } = faceOf(result);
  assert.is(pictures?.dissimilarity, undefined);
  assert.ok(existsSync(join(out, pictures?.panel as string)));
});

test('weights that are missing, damaged or of another network; no adapter', () => {
  const write = (name: string, tensors: Checkpoint['tensors'], of: Checkpoint) => {
    const parts = serialiseSafetensors(tensors, checkpointMetadata(of));
    return save(name, Buffer.concat(parts));
  };
  const other = readCheckpoint(golden('baseline'));
  const bias = { shape: [1], data: Float32Array.of(Number.NaN) };
  const withNaN = new Map(checkpoint.tensors).set('head.fc.bias', bias);
  const failing: [string, RegExp, Record<string, string>?][] = [
    [join(folder, 'none.safetensors'), /does not exist: train a network .*llsm init/],
    [write('other.safetensors', other.tensors, checkpoint), /network of its config:\n.*: missing/],
    [write('nan.safetensors', withNaN, checkpoint), /head\.fc\.bias: holds NaN at 0/],
    [alone, /not a safetensors file/],
    [weights, /No WebGPU adapter was found.*setup\.js/, { VK_DRIVER_FILES: '/nonexistent' }],
  ];
  for (const [path, pattern, environment] of failing) {
    const { status, stdout, stderr } = llsm(
      ['detect', '--faces', 'whole', alone, '--weights', path],
      environment,
    );
    assert.equal([status, stdout], [1, ''], stderr);
    assert.match(stderr, pattern);
    assert.not.match(stderr, /This is a bug/);
  }
});

test('without --weights: those that come with llsm, which it says', () => {
  const { status, stdout, stderr } = llsm(['detect', '--faces', 'whole', alone, '--json']);
  assert.is(status, 0, stderr);
  assert.match(
    stderr,
    /come with llsm, at the beginning of their training: .*weights\/README\.md.*--weights names your own/,
  );
  const { results, threshold } = JSON.parse(stdout);
  assert.ok(probabilityOf(results[0]) > 0 && probabilityOf(results[0]) < 1);
  assert.is(threshold.rule, 'fpr=0.05');
});

test('--faces auto: each face for itself; no face and too small a face are results of their own', async () => {
  const three = join(faceApiFolder, 'demo', 'sample1.jpg');
  const group = await decodeImage(readFileSync(three), three);
  const small = save('small.png', encodePng(resize(group, 130, 87)));
  const out = join(folder, 'auto');
  const args = ['detect', three, alone, small, '--weights', weights, '--out', out, '--batch', '2'];
  const { status, stdout, stderr } = llsm(args);
  assert.is(status, 0, stderr);
  const { results } = read(join(out, 'results.json'));
  const of = (path: string) => results.find(({ file }) => file === path) as Finding;
  const { faces } = of(three);
  assert.is(faces.length, 3);
  assert.is(new Set(faces.map(({ pictures }) => pictures?.overlay)).size, 3);
  for (const { probability, box, landmarks, finder, pictures } of faces) {
    const p = probability as number;
    assert.ok(p > 0 && p < 1);
    assert.is(box?.length, 4);
    assert.is(landmarks?.length, 5);
    assert.ok(finder && finder.score >= 0.5 && finder.score <= 1);
    assert.ok(existsSync(join(out, pictures?.overlay ?? 'none')));
  }
  assert.is(of(alone).verdict, 'no face found');
  assert.equal(of(alone).faces, []);
  assert.is(of(small).verdict, 'face too small');
  assert.ok(of(small).faces.length > 0);
  for (const { verdict, probability, note } of of(small).faces) {
    assert.is(verdict, 'face too small');
    assert.is(probability, null);
    assert.match(note ?? '', /\(32 is the least\)/);
  }
  const lines = stdout.split('\n').filter((line) => line.startsWith(three));
  assert.is(lines.length, 3);
  assert.ok(
    lines.every((line) => / \d+ x \d+ at \d+, \d+/.test(line)),
    stdout,
  );
  assert.match(stdout, /alone\.png .* no face found/);
});

test('a file that is no face finder is refused before anything is looked at', () => {
  const { status, stdout, stderr } = llsm([
    'detect',
    alone,
    '--weights',
    weights,
    '--finder',
    weights,
  ]);
  assert.equal([status, stdout], [1, ''], stderr);
  assert.match(stderr, /weights\.safetensors is no face finder/);
});

test('called wrongly it exits with 2', () => {
  const wrong: [RegExp, string[]][] = [
    [/missing required argument 'file'/, ['--weights', weights]],
    [/--out must be another folder/, [photos, '--weights', weights, '--out', `${photos}/`]],
    [/auto, whole, or centre=F/, [alone, '--weights', weights, '--faces', 'centre=2']],
    [/--finder is for --faces auto/, [alone, '--faces', 'whole', '--finder', weights]],
    [/whole number from 1 to 1024/, [alone, '--weights', weights, '--batch', '0']],
  ];
  for (const [pattern, args] of wrong) {
    const { status, stdout, stderr } = llsm(['detect', ...args]);
    assert.equal([status, stdout], [2, ''], stderr);
    assert.match(stderr, pattern);
  }
});

test('--report with --cam: one page of the case, its pictures in it', () => {
  const [out, page] = [join(folder, 'cam'), join(folder, 'new', 'case.html')];
  const args = ['detect', '--faces', 'whole', '--weights', weights, '--views', 'one'];
  const { status, stdout, stderr } = llsm([
    ...args,
    ...[...good, join(folder, 'missing.jpg')],
    ...['--out', out, '--report', page, '--cam', 'd1'],
  ]);
  assert.is(status, 1, stderr); // of the missing one
  assert.match(stdout, /The report: .*case\.html/);
  const html = readFileSync(page, 'utf8');
  assert.is(html.match(/src="data:image\/jpeg;base64,/g)?.length, 2 * good.length);
  assert.match(html, /Grad-CAM at<\/dt><dd>d1</);
  assert.match(html, /missing\.jpg does not exist/);
  const { results } = read(join(out, 'results.json'));
  for (const { sha256, faces } of results) {
    if (sha256) assert.ok(html.includes(sha256));
    for (const { pictures } of faces) assert.ok(existsSync(join(out, pictures?.cam as string)));
  }
});

test('--report alone writes the page and nothing else; --cam alone is refused', () => {
  const page = join(folder, 'alone.html');
  const args = ['detect', '--faces', 'whole', '--weights', weights, '--views', 'one', good[0]];
  const { status, stderr } = llsm([...args, '--report', page]);
  assert.is(status, 0, stderr);
  assert.match(readFileSync(page, 'utf8'), /data:image\/jpeg/);
  const refused = llsm([...args, '--cam', 'd1']);
  assert.is(refused.status, 2);
  assert.match(refused.stderr, /--cam makes pictures.*--out or --report/);
  const itself = llsm([...args, '--report', good[0]]);
  assert.is(itself.status, 2);
  assert.match(itself.stderr, /is also read: name another file/);
  const unknown = llsm([...args, '--cam', 'd9', '--report', page]);
  assert.is(unknown.status, 1);
  assert.match(unknown.stderr, /No tap named d9; this network has e1/);
});
