/**
 * Face finders beside one another on real photographs: `node dist/bench/finders.js FACES FACE-API
 * [YUNET.onnx [NAME...]]` prints a table of all finders, or of those named. FACES is a folder of photographs with one face each and `list.csv`
 * (file, width, height, box x y w h, five points), FACE-API the npm package.
 *
 * Smaller faces come from the same photographs: k x k of them on one picture. Pictures without a face
 * are what is below it. A box that overlaps no listed face by 0.3 is false.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { finderOfFaceApi } from '../lab/convert/facefinder/face-api-node.ts';
import { importYunet } from '../lab/convert/facefinder/yunet.ts';
import { readImage } from '../node/files/image.ts';
import { openNodeGpu } from '../node/gpu/open.ts';
import { UsageError } from '../src/base/errors.ts';
import { Random } from '../src/base/random.ts';
import { cut } from '../src/faces/crops.ts';
import { NetworkFinder } from '../src/faces/network-finder.ts';
import type { FoundFace, Point } from '../src/faces/place.ts';
import type { Box } from '../src/image/pixels.ts';
import { resize } from '../src/image/resample.ts';
import type { RgbImage } from '../src/image/rgb.ts';
import { overlap } from '../src/model/facefinder/candidates.ts';
import type { FinderCheckpoint } from '../src/model/facefinder/checkpoint.ts';

/** A photograph of the list. */
interface Listed {
  file: string;
  box: Box;
  points: Point[];
}

interface Picture {
  image: RgbImage;
  faces: { box: Box; points: Point[] }[];
  /** Photographs along its side; 0: none has a face. */
  k: number;
}

/** Sets whose photographs have one face, and how many are drawn of each. */
const sets = ['congress', 'congress_wiki', 'uk_official', 'london', 'fairface', 'judges'];
const perSet = 16;
/** Photographs along a picture's side, and how many such pictures. */
const grids = [
  [2, 16],
  [4, 5],
  [6, 3],
  [10, 1],
] as const;
/** Side of a picture of several. */
const collageSide = 1280;
/** Overlap at which a box is a face's. */
const matching = 0.3;
/** What finders find below this score is not looked at. */
const least = 0.3;
/** False boxes a picture at which finders are compared. */
const allowed = 0.01;

function readList(folder: string): Listed[] {
  const [head, ...lines] = readFileSync(join(folder, 'list.csv'), 'utf8').trim().split('\n');
  const names = head.split(',');
  return lines.map((line) => {
    // Only the columns of the source and the notes are quoted.
    const cells = line.match(/("([^"]|"")*"|[^,]*)(,|$)/g)?.map((cell) => cell.replace(/,$/, ''));
    const value = (name: string): string => cells?.[names.indexOf(name)] ?? '';
    const number = (name: string): number => Number(value(name));
    return {
      file: value('file'),
      box: ['x', 'y', 'w', 'h'].map(number) as Box,
      points: ['reye', 'leye', 'nose', 'rmouth', 'lmouth'].map(
        (name): Point => [number(`${name}_x`), number(`${name}_y`)],
      ),
    };
  });
}

/** `n` of the items, in an order of their own. */
function drawn<T>(items: readonly T[], n: number, random: Random): T[] {
  const rest = [...items];
  const out: T[] = [];
  while (out.length < n && rest.length > 0) out.push(...rest.splice(random.int(rest.length), 1));
  return out;
}

async function photograph(folder: string, { file, box, points }: Listed): Promise<Picture> {
  return { image: await readImage(join(folder, file)), faces: [{ box, points }], k: 1 };
}

/** What is below the face, where that is enough for a picture. */
function below({ image, faces: [{ box }] }: Picture): Picture[] {
  const top = Math.ceil(box[1] + box[3] * 1.3);
  const height = image.height - top;
  if (height < 100) return [];
  return [{ image: cut(image, [0, top, image.width, height]), faces: [], k: 0 }];
}

/** k x k photographs on one picture, each as large as fits its cell. */
function collage(photographs: readonly Picture[], k: number): Picture {
  const cell = Math.floor(collageSide / k);
  const data = new Uint8ClampedArray(collageSide * collageSide * 3).fill(128);
  const faces: Picture['faces'] = [];
  photographs.forEach(({ image, faces: [{ box, points }] }, i) => {
    const [left, top] = [(i % k) * cell, Math.floor(i / k) * cell];
    const scale = cell / Math.max(image.width, image.height);
    const width = Math.round(image.width * scale);
    const small = resize(image, width, Math.round(image.height * scale));
    for (let y = 0; y < small.height; y++) {
      const row = small.data.subarray(y * width * 3, (y + 1) * width * 3);
      data.set(row, ((top + y) * collageSide + left) * 3);
    }
    faces.push({
      box: [left + box[0] * scale, top + box[1] * scale, box[2] * scale, box[3] * scale],
      points: points.map(([x, y]) => [left + x * scale, top + y * scale]),
    });
  });
  return { image: { width: collageSide, height: collageSide, data }, faces, k };
}

async function makePictures(folder: string): Promise<Picture[]> {
  const random = new Random(1, 'face finders');
  const list = readList(folder);
  const chosen = sets.flatMap((set) =>
    drawn(
      list.filter(({ file }) => file.startsWith(`${set}/`)),
      perSet,
      random,
    ),
  );
  const singles: Picture[] = [];
  for (const item of chosen) singles.push(await photograph(folder, item));
  const collages = grids.flatMap(([k, count]) =>
    Array.from({ length: count }, () => {
      const taken = Array.from({ length: k * k }, () => singles[random.int(singles.length)]);
      return collage(taken, k);
    }),
  );
  return [...singles, ...singles.flatMap(below), ...collages];
}

/** What a finder found, and what of it is a listed face. */
interface Judged {
  score: number;
  /** The face's picture's `k`; absent: a false box. */
  k?: number;
  /** Mean distance of five points from the listed ones, over the distance of the eyes. */
  error?: number;
}

function judge(found: readonly FoundFace[], { faces, k }: Picture): Judged[] {
  const left = new Set(faces);
  return found.map(({ box, score, landmarks }) => {
    let best: Picture['faces'][number] | undefined;
    for (const face of left) {
      if (overlap(box, face.box) >= overlap(box, best?.box ?? [0, 0, 0, 0])) best = face;
    }
    if (!best || overlap(box, best.box) < matching) return { score };
    left.delete(best);
    const eyes = Math.hypot(
      best.points[0][0] - best.points[1][0],
      best.points[0][1] - best.points[1][1],
    );
    const distances = best.points.map(([x, y], i) =>
      Math.hypot(x - landmarks[i][0], y - landmarks[i][1]),
    );
    return { score, k, error: distances.reduce((a, b) => a + b, 0) / 5 / eyes };
  });
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

async function main([folder, faceApi, yunet, ...only]: readonly string[]): Promise<void> {
  if (!folder || !faceApi) throw new UsageError('finders FACES FACE-API [YUNET.onnx [NAME...]]');
  const gpu = await openNodeGpu();
  const pictures = await makePictures(folder);
  const counts = [1, ...grids.map(([k]) => k)].map((k) => {
    const of = pictures.filter((picture) => picture.k === k);
    const faces = of.flatMap((picture) => picture.faces);
    const sides = of.flatMap(({ image, faces }) =>
      faces.map(({ box }) => Math.max(box[2], box[3]) / Math.max(image.width, image.height)),
    );
    return { k, faces: faces.length, side: median(sides) };
  });
  const empty = pictures.filter(({ k }) => k === 0).length;
  console.log(`${gpu.name}; ${pictures.length} pictures, ${empty} of them without a face`);
  const columns = counts.map(({ faces, side }) => `${percent(side)} (${faces})`);
  console.log(`| finder | score | false at 0.3, 0.5 | ${columns.join(' | ')} | points | ms |`);
  console.log(`|---|---|---|${counts.map(() => '---').join('|')}|---|---|`);
  const finders: [string, FinderCheckpoint, ...number[]][] = [
    ['tiny 416', finderOfFaceApi(faceApi, 'tiny'), 416],
    ['tiny 320', finderOfFaceApi(faceApi, 'tiny'), 320],
    ['tiny 608', finderOfFaceApi(faceApi, 'tiny'), 608],
    ['tiny 896', finderOfFaceApi(faceApi, 'tiny'), 896],
    ['tiny 320 and 608', finderOfFaceApi(faceApi, 'tiny'), 320, 608],
    ['tiny 224, 416 and 800', finderOfFaceApi(faceApi, 'tiny'), 224, 416, 800],
    ['ssd 512', finderOfFaceApi(faceApi, 'ssd'), 512],
    ['ssd 512, full landmarks', finderOfFaceApi(faceApi, 'ssd', 'full'), 512],
  ];
  if (yunet) {
    const checkpoint = importYunet(readFileSync(yunet), yunet);
    for (const side of [320, 640, 896]) finders.push([`yunet ${side}`, checkpoint, side]);
  }
  for (const [name, checkpoint, ...sides] of finders) {
    if (only.length > 0 && !only.includes(name)) continue;
    const finder = await NetworkFinder.build(gpu, checkpoint, name, { sides, score: least });
    const judged: Judged[] = [];
    const times: number[] = [];
    for (const picture of pictures) {
      const start = performance.now();
      const found = await finder.find(picture.image);
      if (picture.k === 1 && found.length > 0) times.push(performance.now() - start);
      judged.push(...judge(found, picture));
    }
    finder.dispose();
    const wrong = judged.filter(({ k }) => k === undefined).sort((a, b) => b.score - a.score);
    // The best of the false boxes that are too many is not reported any more.
    const score = wrong[Math.floor(allowed * pictures.length)]?.score ?? least;
    const reported = judged.filter((it) => it.score > score);
    const recalls = counts.map(({ k, faces }) =>
      percent(reported.filter((it) => it.k === k).length / faces),
    );
    const errors = reported.filter(({ k }) => k === 1).map(({ error }) => error ?? Number.NaN);
    const falseAt = (lowest: number): number => wrong.filter((it) => it.score >= lowest).length;
    console.log(
      `| ${name} | ${score.toFixed(2)} | ${falseAt(0.3)}, ${falseAt(0.5)} | ${recalls.join(' | ')} | ` +
        `${percent(median(errors))} | ${median(times).toFixed(0)} |`,
    );
  }
  gpu.close();
}

await main(process.argv.slice(2));
