import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import {
  type DfdOptions,
  type FfppOptions,
  makeDfdSet,
  makeFfppSet,
} from '../../../lab/datasets/faceforensics.ts';
import { officialPairs } from '../../../lab/datasets/ffpp-splits.ts';
import { readImage, readMask } from '../../../node/files/image.ts';
import { readManifest } from '../../../node/files/manifest.ts';
import { readFrames } from '../../../node/files/video.ts';
import { cropBox } from '../../../src/faces/crops.ts';
import {
  cutMirrored,
  type FaceFinder,
  type FoundFace,
  faceSquare,
} from '../../../src/faces/place.ts';
import type { Box } from '../../../src/image/pixels.ts';
import { resize } from '../../../src/image/resample.ts';
import { failure, samePixels, temporaryFolder } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';
import {
  ffmpeg,
  maskPicture,
  needFfmpeg,
  numberedFrames,
  numberOn,
  writeVideo,
} from '../../support/videos.ts';

const [width, height, count] = [128, 96, 12];
/** Where the face is on frame k: it moves. */
const faceOn = (k: number): Box => [20 + 3 * k, 30, 40, 32];

const options: FfppOptions = {
  methods: ['Deepfakes', 'FaceShifter'],
  splits: ['train', 'val', 'test'],
  compression: 'c23',
  frames: 4,
  size: 64,
  faces: { masks: 1.25 },
  maskThreshold: 31,
  limit: Number.POSITIVE_INFINITY,
  workers: 0,
};
const newOut = () => join(temporaryFolder(), 'out');

/** Each kind of video is encoded once, and copied to where it is wanted. */
const stock = temporaryFolder();
const made = new Set<string>();
function put(kind: keyof typeof kinds, path: string): void {
  const file = join(stock, `${kind}.mp4`);
  if (!made.has(kind)) kinds[kind](file);
  made.add(kind);
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync(file, path);
}

const masks = (frames: number, scale = 1) =>
  Array.from({ length: frames }, (_, k) => {
    const [x, y, w, h] = faceOn(k).map((value) => value * scale);
    return maskPicture(width * scale, height * scale, [x, y, w, h]);
  });
const kinds = {
  original: (file: string) => writeVideo(file, numberedFrames(count, width, height, 1)),
  forged: (file: string) => writeVideo(file, numberedFrames(count, width, height, 2)),
  mask: (file: string) => writeVideo(file, masks(count)),
  short: (file: string) => writeVideo(file, masks(7)),
  large: (file: string) => writeVideo(file, masks(3, 2)),
  blank: (file: string) =>
    writeVideo(file, [...masks(4), ...Array(8).fill(maskPicture(width, height, [0, 0, 0, 0]))]),
  damaged(file: string) {
    put('forged', file);
    const bytes = readFileSync(file);
    for (let i = 0; i < 900; i++) bytes[(bytes.length >> 2) + i] ^= 0x5a;
    writeFileSync(file, bytes);
  },
  none(file: string) {
    ffmpeg('-f', 'lavfi', '-i', 'anullsrc', '-t', '0.1', '-c:a', 'aac', file);
  },
};

const originals = 'original_sequences/youtube/c23/videos';
const of = (method: string) => `manipulated_sequences/${method}/c23/videos`;
const masksOf = (method: string) => `manipulated_sequences/${method}/masks/videos`;

type Tree = Record<string, keyof typeof kinds>;
function tree(files: Tree): string {
  const folder = temporaryFolder();
  for (const [path, kind] of Object.entries(files)) put(kind, join(folder, `${path}.mp4`));
  return folder;
}

/** A pair of each split; 071 and 054 are of train, 720 and 672 of val, 953 and 974 of test. */
const whole: Tree = {
  [`${originals}/071`]: 'original',
  [`${originals}/720`]: 'original',
  [`${originals}/953`]: 'original',
  [`${of('Deepfakes')}/071_054`]: 'forged',
  [`${of('Deepfakes')}/720_672`]: 'forged',
  [`${of('Deepfakes')}/953_974`]: 'forged',
  [`${masksOf('Deepfakes')}/071_054`]: 'mask',
  [`${masksOf('Deepfakes')}/720_672`]: 'mask',
  [`${masksOf('Deepfakes')}/953_974`]: 'mask',
  [`${of('FaceShifter')}/071_054`]: 'forged',
};

async function frameOf(path: string, index: number) {
  for await (const frame of readFrames(path, 'rgb', count, options.frames)) {
    if (frame.index === index) return frame;
  }
  throw new Error(`no frame ${index}`);
}

test('the official splits: 360, 70 and 70 pairs, nobody in two', () => {
  const ids = (['train', 'val', 'test'] as const).map((split) => officialPairs(split).flat());
  assert.equal(
    ids.map(({ length }) => length),
    [720, 140, 140],
  );
  assert.is(new Set(ids.flat()).size, 1000);
  assert.equal([ids[0][0], ids[1][1], ids[2][139]], ['071', '672', officialPairs('test')[69][1]]);
});

/** Finds two faces whose place hangs on what is on the picture; the second is the larger one. */
const fakeFinder: FaceFinder = {
  name: 'fake',
  async find(image) {
    const [x, y, w, h] = faceOn(numberOn(image));
    const shift = image.data[image.data.length - 3] >> 5;
    const face = (box: Box): FoundFace => ({
      box,
      score: 0.9,
      landmarks: Array.from({ length: 5 }, (_, k) => [box[0] + 5 * k, box[1] + 5]),
    });
    return [face([x - 25 + shift, y, w, h]), face([70, 50, 50, 44])];
  },
  dispose() {},
};

test('ffpp, faces by a finder: that which was altered, found on the original, mirrored at the border', async () => {
  needFfmpeg();
  const folder = tree(whole);
  const out = newOut();
  await makeFfppSet(folder, out, { ...options, faces: 'auto', finder: fakeFinder });
  const faces = readManifest(out);
  const file = {
    real: join(folder, `${originals}/720.mp4`),
    forged: join(folder, `${of('Deepfakes')}/720_672.mp4`),
  };
  const named = { real: 'youtube/c23/720', forged: 'Deepfakes/c23/720_672' };
  let over = 0;
  for (const kind of ['real', 'forged'] as const) {
    const own = faces.filter(({ video }) => video === `ffpp/${named[kind]}`);
    assert.is(own.length, options.frames);
    for (const { image, frame, landmarks } of own) {
      const [original, picture] = await Promise.all(
        [file.real, file[kind]].map((path) => frameOf(path, frame as number)),
      );
      const [found] = await fakeFinder.find(original);
      const square = faceSquare(found.box);
      const [left, top, side] = square;
      const inside = left >= 0 && top >= 0 && left + side <= width && top + side <= height;
      const cropped = inside
        ? resize(picture, options.size, options.size, square)
        : resize(cutMirrored(picture, square), options.size, options.size);
      assert.ok(samePixels(await readImage(join(out, image)), cropped), `${kind} ${frame}`);
      assert.ok(landmarks);
      const [x, y] = landmarks[1];
      const scale = options.size / side;
      assert.ok(Math.abs(x - (found.landmarks[1][0] - left) * scale) < 1e-6);
      assert.ok(Math.abs(y - (found.landmarks[1][1] - top) * scale) < 1e-6);
      if (!inside) over++;
    }
  }
  assert.match(readFileSync(join(out, 'made.json'), 'utf8'), /"auto":\s*"fake"/);
  assert.ok(over >= 2);
});

test('ffpp: labels, splits, people, names; the same crop for original and forgery, at the mask', async () => {
  needFfmpeg();
  const folder = tree(whole);
  const out = newOut();
  const result = await makeFfppSet(folder, out, options);
  assert.equal([result.written, result.kept, result.withoutMask], [28, 0, 4]);
  assert.equal(result.splits, { train: 12, val: 8, test: 8 });
  assert.equal(result.labels, { real: 12, forged: 16 });
  const items = readManifest(out);
  const of071 = items.filter(({ video }) => video.includes('071'));
  assert.equal(
    [
      ...new Set(
        of071.map(({ video, label, method, people }) => `${video} ${label} ${method} ${people}`),
      ),
    ],
    [
      'ffpp/youtube/c23/071 0 null ffpp/071',
      'ffpp/Deepfakes/c23/071_054 1 Deepfakes ffpp/071,ffpp/054',
      'ffpp/FaceShifter/c23/071_054 1 FaceShifter ffpp/071,ffpp/054',
    ],
  );
  assert.equal(
    of071.slice(0, 4).map(({ frame }) => frame),
    [0, 3, 7, 11],
  );
  for (const { image, mask, frame, video } of of071.filter(({ frame }) => frame === 7)) {
    const file = video.includes('youtube') ? 'original' : 'forged';
    const box = cropBox(faceOn(frame), width, height, 1.25);
    const source = await frameOf(join(stock, `${file}.mp4`), frame);
    assert.ok(samePixels(await readImage(join(out, image)), resize(source, 64, 64, box)), video);
    if (video.includes('Deepfakes')) {
      const marked = await readMask(join(out, mask as string));
      // 40 x 32 of the 50 x 50 of the crop, at 64 x 64.
      const share = marked.data.reduce((sum, value) => sum + value, 0) / 255 / 64 ** 2;
      assert.ok(Math.abs(share - 0.512) < 0.02, `${share}`);
      assert.equal([marked.data[0], marked.data[32 * 64 + 32]], [0, 255]);
    } else assert.is(mask, null);
  }
  const { dropped } = result;
  const shifter = dropped.filter(({ part }) => part === 'mask');
  assert.equal(
    shifter.map(({ file, reason }) => [file, reason]),
    [[`${of('FaceShifter')}/071_054.mp4`, 'FaceShifter has no mask videos']],
  );
  const missing = dropped.filter(({ reason }) => /^in the official split/.test(reason));
  assert.is(missing.length, dropped.length - 1);
  assert.is(missing.length, 1000 - 3 + 2 * 1000 - 4);
  assert.is(
    missing.find(({ file }) => file === `${originals}/054.mp4`)?.reason,
    'in the official split train, but not there',
  );
});

test('ffpp: what cannot be used is dropped or kept without its mask, and each time it is said why', async () => {
  needFfmpeg();
  const folder = tree({
    ...whole,
    [`${of('Deepfakes')}/054_071`]: 'damaged',
    [`${of('Deepfakes')}/672_720`]: 'none',
    [`${of('Deepfakes')}/974_953`]: 'forged',
    [`${of('Deepfakes')}/071_672`]: 'forged',
    [`${of('Deepfakes')}/071-054`]: 'forged',
    [`${originals}/974`]: 'original',
    [`${masksOf('Deepfakes')}/054_071`]: 'mask',
    [`${masksOf('Deepfakes')}/672_720`]: 'mask',
    [`${masksOf('Deepfakes')}/071_054`]: 'short',
    [`${masksOf('Deepfakes')}/720_672`]: 'large',
    [`${masksOf('Deepfakes')}/953_974`]: 'blank',
  });
  const out = newOut();
  const centred: FfppOptions = { ...options, methods: ['Deepfakes'], faces: { centre: 0.9 } };
  const result = await makeFfppSet(folder, out, centred);
  const said = (file: string) =>
    result.dropped
      .filter((drop) => drop.file === `${of('Deepfakes')}/${file}.mp4`)
      .map(({ frame, part, reason }) => [frame, part, reason.replace(/.*?: (?=ff)|\(.*/g, '')]);
  assert.equal(said('054_071'), [[undefined, undefined, 'ffmpeg failed ']]);
  assert.equal(said('672_720'), [[undefined, undefined, 'it holds no frames']]);
  assert.equal(said('974_953'), [[undefined, 'mask', 'there is no mask video of its name']]);
  assert.equal(said('071_672'), [[undefined, undefined, 'it is in none of the official splits']]);
  assert.equal(said('071-054'), [
    [undefined, undefined, 'it is not named as the videos of this part are'],
  ]);
  assert.equal(said('071_054'), [
    [7, 'mask', 'the mask video ends before frame 7'],
    [11, 'mask', 'the mask video ends before frame 7'],
  ]);
  assert.equal(said('720_672')[0], [0, 'mask', 'its mask is 256 x 192, the picture 128 x 96']);
  assert.equal(said('953_974'), [
    [7, undefined, 'its mask marks nothing in the face crop'],
    [11, undefined, 'its mask marks nothing in the face crop'],
  ]);
  const items = readManifest(out);
  const frames = (video: string) =>
    items
      .filter((item) => item.video === `ffpp/Deepfakes/c23/${video}`)
      .map(({ frame, mask }) => (mask ? frame : `${frame} without`));
  assert.equal(frames('071_054'), [0, 3, '7 without', '11 without']);
  assert.equal(frames('720_672'), ['0 without', '3 without', '7 without', '11 without']);
  assert.equal(frames('953_974'), [0, 3]);
  assert.is(frames('974_953').length, 4);
  assert.equal([...frames('054_071'), ...frames('672_720')], []);
  assert.is(result.withoutMask, 2 + 4 + 4);

  // Found by their masks, originals lose the frames where these say nothing.
  const found = await makeFfppSet(folder, newOut(), { ...centred, faces: { masks: 1.25 } });
  const reasons = (file: string) =>
    found.dropped
      .filter((drop) => drop.file === file)
      .map(({ frame, reason }) => `${frame}: ${reason}`);
  const unknown = 'where its face is cannot be told: the mask video ends before frame 7';
  assert.equal(reasons(`${originals}/071.mp4`), [`7: ${unknown}`, `11: ${unknown}`]);
  assert.match(reasons(`${originals}/720.mp4`)[0], /has 256 x 192 pixels, the frame 128 x 96/);
  assert.match(reasons(`${originals}/953.mp4`)[0], /marks nothing here/);
  assert.match(reasons(`${originals}/974.mp4`)[0], /no mask video tells where its face is/);
});

test('ffpp: a part that is not there, a folder that is none, the folder itself', async () => {
  needFfmpeg();
  const folder = tree({ [`${originals}/071`]: 'original' });
  const message = async (from: string, more: Partial<FfppOptions> = {}, out = newOut()) =>
    (await failure(makeFfppSet(from, out, { ...options, ...more }))).message;
  assert.match(await message(folder), /Deepfakes.c23.videos does not exist\. Name the folder/);
  assert.match(await message(folder, { compression: 'c40' }), /youtube.c40.videos does not exist/);
  assert.match(await message(join(folder, 'none')), /none does not exist/);
  writeFileSync(join(folder, 'file'), '');
  assert.match(await message(join(folder, 'file')), /is not a folder/);
  assert.match(await message(folder, { methods: [] }, folder), /must be another folder/);
  const nothing = await message(folder, { methods: [], faces: { masks: 2 } });
  assert.match(nothing, /nothing in .* could be used \(1 tried\): .*071\.mp4: no mask video/);
});

const dfdOptions: DfdOptions = { ...options, split: 'test', seed: 0 };
const dfdTree: Tree = {};
for (const actor of ['01', '02', '03', '04']) {
  dfdTree[`original_sequences/actors/c23/videos/${actor}__hugging_happy`] = 'original';
}
for (const [pair, id] of Object.entries({
  '01_02': 'YVGY8LOK',
  '03_04': 'AB12CD34',
  '01_03': '0XKXXXXX',
})) {
  dfdTree[`${of('DeepFakeDetection')}/${pair}__hugging_happy__${id}`] = 'forged';
  dfdTree[`${masksOf('DeepFakeDetection')}/${pair}__hugging_happy__${id}`] = 'mask';
}

test('dfd: all test, the original where a forgery of its scene is; shares keep actors apart', async () => {
  needFfmpeg();
  const folder = tree(dfdTree);
  const out = newOut();
  const all = await makeDfdSet(folder, out, dfdOptions);
  assert.equal(all.splits, { train: 0, val: 0, test: 20 });
  const items = readManifest(out);
  assert.is(items[0].video, 'dfd/actors/c23/01__hugging_happy');
  const forged = items.find(({ label }) => label === 1);
  assert.equal(
    [forged?.video, forged?.people, forged?.method],
    [
      'dfd/DeepFakeDetection/c23/01_02__hugging_happy__YVGY8LOK',
      ['dfd/01', 'dfd/02'],
      'DeepFakeDetection',
    ],
  );
  // 02 and 04 are no forgery's target, so no mask says where their faces are.
  assert.equal(
    [...new Set(all.dropped.map(({ file }) => file.slice(-21, -4)))],
    ['02__hugging_happy', '04__hugging_happy'],
  );

  const shared: DfdOptions = { ...dfdOptions, split: { val: 0, test: 0.5 }, faces: 'whole' };
  const halves = await makeDfdSet(folder, newOut(), shared);
  const across = halves.dropped.filter(({ reason }) =>
    /^its actors \d+ and \d+ are in splits (train and test|test and train)$/.test(reason),
  );
  assert.equal(
    [halves.splits.train > 0, halves.splits.val, halves.splits.test > 0],
    [true, 0, true],
  );
  assert.is(across.length + halves.labels.forged / 4, 3);
  assert.ok(across.length >= 1);
});
