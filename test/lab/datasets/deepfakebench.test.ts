import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { parseBenchList } from '../../../lab/datasets/bench-list.ts';
import { type BenchOptions, makeBenchSet } from '../../../lab/datasets/deepfakebench.ts';
import { encodePng, readImage, readMask } from '../../../node/files/image.ts';
import { readManifest } from '../../../node/files/manifest.ts';
import type { RgbImage } from '../../../src/image/rgb.ts';
import { npy } from '../../support/npy.ts';
import { drawnPicture, failure, samePixels, temporaryFolder } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';
import { maskPicture } from '../../support/videos.ts';

const side = 64;
const options: BenchOptions = {
  lists: [],
  compression: 'c23',
  splits: ['train', 'val', 'test'],
  frames: 3,
  size: side,
  faces: 'whole',
  maskThreshold: 31,
  limit: Number.POSITIVE_INFINITY,
  workers: 0,
};
const newOut = () => join(temporaryFolder(), 'out');

/** 81 points: the eyes' rings about their centres, nose and mouth, the rest in a corner. */
function points(shift = 0): Uint8Array {
  const xy = Array.from({ length: 81 }, () => [1, 2]);
  for (let i = 0; i < 6; i++) {
    const [dx, dy] = [
      [-3, 0],
      [-1, -2],
      [1, -2],
      [3, 0],
      [1, 2],
      [-1, 2],
    ][i];
    xy[36 + i] = [20 + dx, 24 + dy];
    xy[42 + i] = [44 + dx, 24 + dy];
  }
  [xy[30], xy[48], xy[54]] = [
    [32 + shift, 36],
    [24, 48],
    [40, 48],
  ];
  return npy(xy.flat(), [81, 2]);
}

/** Colour noise of a decoded video in the black of a mask. */
function noisy(mask: RgbImage): RgbImage {
  for (let i = 0; i < mask.data.length; i += 3) mask.data[i] = Math.max(mask.data[i], i % 25);
  return mask;
}

const box = [16, 20, 32, 30] as const;

interface Beside {
  masks?: boolean;
  landmarks?: boolean;
}

/** Writes a video's frames with what lies beside them. @returns the paths of the frames, as a list names them */
function video(root: string, part: string, stem: string, numbers: number[], beside: Beside = {}) {
  const place = (kind: string) => join(root, part, kind, stem);
  for (const kind of ['frames', 'masks', 'landmarks']) mkdirSync(place(kind), { recursive: true });
  return numbers.map((number) => {
    const name = String(number).padStart(3, '0');
    const frame = encodePng(drawnPicture(side, side, number));
    writeFileSync(join(place('frames'), `${name}.png`), frame);
    if (beside.masks) {
      const mask = encodePng(noisy(maskPicture(side, side, [...box])));
      writeFileSync(join(place('masks'), `${name}.png`), mask);
    }
    if (beside.landmarks ?? true) writeFileSync(join(place('landmarks'), `${name}.npy`), points());
    return `/data1/old/place/${part}/frames/${stem}/${name}.png`;
  });
}

const ff = 'FaceForensics++';
const youtube = `${ff}/original_sequences/youtube/c23`;
const deepfakes = `${ff}/manipulated_sequences/Deepfakes/c23`;
const numbers = [0, 7, 14, 22, 30];

/** FF-DF.json and the folder that it names, with other compressions that are not there. */
function ffTree() {
  const root = temporaryFolder();
  const real = { label: 'FF-real', frames: video(root, youtube, '071', numbers).reverse() };
  const forged = {
    label: 'FF-DF',
    frames: video(root, deepfakes, '071_054', numbers, { masks: true }),
    masks: [],
  };
  const windows = video(root, youtube, '720', [3, 4]).map((path) => path.replaceAll('/', '\\'));
  const list = {
    'FF-DF': {
      'FF-real': {
        train: {
          c23: { '071': real },
          c40: { '071': { ...real, frames: ['/elsewhere/000.png'] } },
        },
        val: { c23: { '720': { label: 'FF-real', frames: windows } } },
        test: { c23: {}, c40: {} },
      },
      'FF-DF': { train: { c23: { '071_054': forged } }, val: {}, test: {} },
    },
  };
  writeFileSync(join(root, 'FF-DF.json'), JSON.stringify(list));
  return { root, list };
}

test('frames evenly over the video, masks and landmarks beside them, wherever the lists were written', async () => {
  const { root, list } = ffTree();
  // Another method's list names the same originals.
  const { 'FF-real': originals } = list['FF-DF'];
  writeFileSync(join(root, 'FF-F2F.json'), JSON.stringify({ 'FF-F2F': { 'FF-real': originals } }));
  const out = newOut();
  const result = await makeBenchSet(root, out, options);
  assert.equal([result.written, result.dropped, result.notes], [8, [], []]);
  const items = readManifest(out);
  assert.equal(
    items.map(({ video, frame, label, method, split, people }) =>
      [video, frame, label, method, split, people.join()].join(' '),
    ),
    [
      ...[0, 14, 30].map((k) => `ffpp/youtube/c23/071 ${k} 0  train ffpp/071`),
      ...[3, 4].map((k) => `ffpp/youtube/c23/720 ${k} 0  val ffpp/720`),
      ...[0, 14, 30].map(
        (k) => `ffpp/Deepfakes/c23/071_054 ${k} 1 Deepfakes train ffpp/071,ffpp/054`,
      ),
    ],
  );
  const [, face] = items;
  assert.equal(face.landmarks, [
    [20, 24],
    [44, 24],
    [32, 36],
    [24, 48],
    [40, 48],
  ]);
  assert.ok(samePixels(await readImage(join(out, face.image)), drawnPicture(side, side, 14)));
  const mask = await readMask(join(out, items[6].mask as string));
  const count = (value: number) => mask.data.filter((other) => other === value).length;
  assert.equal([count(255), count(0)], [box[2] * box[3], side ** 2 - box[2] * box[3]]);
  // In a crop the landmarks move along.
  const cropped = newOut();
  const named = { ...options, lists: [root] };
  await makeBenchSet(root, cropped, { ...named, faces: { centre: 0.5 }, size: 96 });
  assert.equal(readManifest(cropped)[0].landmarks?.[0], [12, 24]);
});

test('what is not there or cannot be used: dropped, or kept without it, and said', async () => {
  const { root } = ffTree();
  const [frames, masks, marks] = ['frames', 'masks', 'landmarks'].map((kind) =>
    join(root, deepfakes, kind, '071_054'),
  );
  writeFileSync(join(frames, '000.png'), 'not a picture');
  rmSync(join(masks, '007.png'));
  writeFileSync(join(masks, '014.png'), encodePng(maskPicture(side + 1, side, [...box])));
  writeFileSync(join(marks, '022.npy'), points(40));
  rmSync(join(marks, '030.npy'));
  rmSync(join(root, youtube, 'landmarks', '071'), { recursive: true });
  rmSync(join(root, youtube, 'frames', '720'), { recursive: true });
  const result = await makeBenchSet(root, newOut(), { ...options, frames: 5 });
  assert.equal(
    result.dropped.map(({ file, frame = '', part = '', reason }) =>
      [file.replace('ffpp/', ''), frame, part, reason.replace(/\S*\/(?=0|old)/, '')].join(' '),
    ),
    [
      'Deepfakes/c23/071_054 0  000.png is not an image. JPEG, PNG and WebP can be read.',
      'Deepfakes/c23/071_054 7 mask there is no mask 007.png',
      'Deepfakes/c23/071_054 14 mask its mask is 65 x 64, the picture 64 x 64',
      'Deepfakes/c23/071_054 22  its landmarks lie outside: nose at 72.0, 36.0 of 64 x 64',
      'Deepfakes/c23/071_054 30 landmarks there is no 030.npy',
      'youtube/c23/071  landmarks it has no landmarks',
      `youtube/c23/720   its frames ${'\\data1\\old\\place\\'}${youtube.replaceAll('/', '\\')}\\frames\\720 are not in ${root}`,
    ],
  );
  assert.equal([result.labels, result.withoutMask], [{ real: 5, forged: 3 }, 2]);
  rmSync(masks, { recursive: true });
  const without = await makeBenchSet(root, newOut(), options);
  assert.is(without.withoutMask, 2);
  const said = without.dropped.filter(({ part }) => part === 'mask');
  assert.equal(
    said.map(({ frame, reason }) => [frame, reason]),
    [[undefined, 'it has no masks']],
  );
});

test('a video in several splits is in one, and its people in no other; that is said', async () => {
  const root = temporaryFolder();
  const of = (part: string, stem: string, masks = false) => ({
    label: `CelebDFv2_${part === 'Celeb-synthesis' ? 'fake' : 'real'}`,
    frames: video(root, `Celeb-DF-v2/${part}`, stem, [0, 1], { masks, landmarks: false }),
  });
  const test1 = { id1_0000: of('Celeb-real', 'id1_0000') };
  const fake1 = { id1_id2_0000: of('Celeb-synthesis', 'id1_id2_0000') };
  const list = {
    'Celeb-DF-v2': {
      CelebDFv2_real: {
        train: {
          ...test1,
          id2_0001: of('Celeb-real', 'id2_0001'),
          '00170': of('YouTube-real', '00170'),
        },
        val: test1,
        test: test1,
      },
      CelebDFv2_fake: {
        train: { ...fake1, id5_id6_0000: of('Celeb-synthesis', 'id5_id6_0000') },
        val: fake1,
        test: fake1,
      },
    },
  };
  mkdirSync(join(root, 'dataset_json'));
  writeFileSync(join(root, 'dataset_json', 'Celeb-DF-v2.json'), JSON.stringify(list));
  const out = newOut();
  const result = await makeBenchSet(root, out, options);
  assert.equal(result.notes, [
    '2 videos are listed in several splits (test, val, train) and were taken for the first of them',
  ]);
  assert.equal(
    [...new Set(readManifest(out).map(({ video, split }) => `${video} ${split}`))],
    [
      'celebdf/Celeb-real/id1_0000 test',
      'celebdf/YouTube-real/00170 train',
      'celebdf/Celeb-synthesis/id1_id2_0000 test',
      'celebdf/Celeb-synthesis/id5_id6_0000 train',
    ],
  );
  assert.equal(
    result.dropped.filter(({ part }) => !part).map(({ file, reason }) => `${file}: ${reason}`),
    [
      'celebdf/Celeb-real/id2_0001: of split train: its person celebdf/id2 is in split test too, and nobody may be in two',
    ],
  );
});

test('lists: other data sets, a broken one, none, an unknown label', async () => {
  const video = { label: 'DFDC_Real', frames: ['a/frames/v/000.png'] };
  const dfdc = {
    DFDC: { DFDC_Real: { train: {}, test: { v: video }, val: { label: 'DFDC_Real', frames: [] } } },
  };
  const [only, ...more] = parseBenchList(JSON.stringify(dfdc), 'DFDC.json');
  assert.equal([only.stem, only.compression, only.split, more], ['v', null, 'test', []]);

  const root = temporaryFolder();
  const message = async (text: string) => {
    writeFileSync(join(root, 'list.json'), text);
    return (await failure(makeBenchSet(root, newOut(), options))).message;
  };
  assert.match(await message('{'), /list\.json is not JSON/);
  assert.match(await message('[]'), /list\.json is no list of DeepfakeBench/);
  assert.match(await message('{"a":{"FF-DF":{"later":{}}}}'), /a > FF-DF > later|a > FF-DF/);
  const broken = { a: { 'FF-DF': { test: { c23: { v: { frames: 'x' } } } } } };
  assert.match(await message(JSON.stringify(broken)), /a > FF-DF > test > c23 > v is no video/);
  const unknown = { a: { Mystery: { test: { v: video } } } };
  assert.match(await message(JSON.stringify(unknown)), /label "Mystery" is not known/);
  const away = { a: { UADFV_Fake: { test: { v: { frames: ['../../etc/frames/v/0.png'] } } } } };
  assert.match(await message(JSON.stringify(away)), /could be used .*are not in/);
  rmSync(join(root, 'list.json'));
  assert.match(
    (await failure(makeBenchSet(root, newOut(), options))).message,
    /holds no lists .*--lists/,
  );
  const given = await failure(makeBenchSet(root, newOut(), { ...options, lists: [root] }));
  assert.match(given.message, /holds no lists \(\.json\)\.$/);
  const missing = { ...options, lists: [join(root, 'none.json')] };
  assert.match(
    (await failure(makeBenchSet(root, newOut(), missing))).message,
    /none\.json cannot be read/,
  );
});
