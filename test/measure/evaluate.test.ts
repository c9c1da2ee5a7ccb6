import * as assert from 'uvu/assert';
import { encodePng } from '../../node/files/image.ts';
import { type VideoRule, videoRules } from '../../src/detect/pooling.ts';
import type { Detection } from '../../src/detect/scorer.ts';
import type { ManifestItem } from '../../src/faces/manifest.ts';
import { resize } from '../../src/image/resample.ts';
import { byVideo, type Scored } from '../../src/measure/classification.ts';
import { type EvaluateOptions, evaluate, type Predictor } from '../../src/measure/evaluate.ts';
import { largestRegion } from '../../src/measure/localisation.ts';
import { iou, maskCounts, rocAuc, tallyOf } from '../../src/measure/metrics.ts';
import { makePrior } from '../../src/measure/prior.ts';
import { reliabilityOf } from '../../src/measure/reliability.ts';
import { chooseThreshold } from '../../src/measure/threshold.ts';
import { choosePairs, poolMask, truthOf } from '../../src/measure/truth.ts';
import { drawnPicture, failure } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const size = 32;
const side = 4;
const positions = side * side;
const files = new Map<string, Uint8Array>();
const read = async (path: string) => {
  const bytes = files.get(path);
  if (!bytes) throw new Error(`${path} was not made`);
  return bytes;
};

/** 1 inside of the rectangle. */
function rectangle(x0: number, y0: number, x1: number, y1: number): Uint8ClampedArray {
  return Uint8ClampedArray.from({ length: size * size }, (_, k) => {
    const [x, y] = [k % size, Math.floor(k / size)];
    return x >= x0 && x < x1 && y >= y0 && y < y1 ? 255 : 0;
  });
}

interface Made {
  name: string;
  mask?: Uint8ClampedArray;
  method?: string;
  split?: ManifestItem['split'];
  video?: string;
}

/** A face in `files`; its first pixel's red is its number, by which the predictor knows it. */
function face({ name, mask, method, split = 'test', video = name }: Made): ManifestItem {
  const image = drawnPicture(size, size, 3);
  image.data[0] = files.size;
  files.set(`set/images/${name}.png`, encodePng(image));
  if (mask)
    files.set(`set/masks/${name}.png`, encodePng({ width: size, height: size, data: mask }));
  return {
    folder: 'set',
    image: `images/${name}.png`,
    label: method ? 1 : 0,
    mask: mask ? `masks/${name}.png` : null,
    box: null,
    landmarks: null,
    video,
    frame: 0,
    people: [],
    dataset: 'set',
    method: method ?? null,
    split,
  };
}

const left = rectangle(0, 0, 16, 32);
const top = rectangle(0, 0, 32, 16);
const items = [
  face({ name: 'r0', video: 'a' }),
  face({ name: 'r1', video: 'a' }),
  face({ name: 'r2' }),
  face({ name: 'f0', mask: left, method: 'swap' }),
  face({ name: 'f1', mask: top, method: 'swap' }),
  face({ name: 'f2', mask: left, method: 'parts' }),
  face({ name: 'f3', method: 'unmasked' }),
];
const training = [
  face({ name: 't0', mask: left, method: 'swap', split: 'train' }),
  face({ name: 't1', mask: left, method: 'swap', split: 'train' }),
  face({ name: 't2', mask: top, method: 'swap', split: 'train' }),
  face({ name: 't3', split: 'train' }),
  face({ name: 'v0', mask: top, method: 'swap', split: 'val' }),
];
type Say = (item: ManifestItem) => Detection;

/** Takes two at a time; knows an item by its picture. */
async function predictor(say: Say): Promise<Predictor> {
  const { decodeImage } = await import('../../src/image/codecs.ts');
  const known = new Map<number, ManifestItem>();
  for (const item of items) {
    const path = `set/${item.image}`;
    known.set((await decodeImage(await read(path), path)).data[0], item);
  }
  return {
    size,
    batch: 2,
    async detect(faces) {
      assert.ok(faces.length <= 2);
      return faces.map((image) =>
        say(known.get(resize(image, size, size).data[0]) as ManifestItem),
      );
    },
  };
}

const maskValues = (item: ManifestItem): Float32Array => {
  if (!item.mask) return new Float32Array(size * size);
  return Float32Array.from(item.image.includes('f1') ? top : left, (value) => value / 255);
};

/** A predictor that is told the truth, and one that doubts it. */
const truthful: Say = (item) => {
  const mask = maskValues(item);
  const pooled = poolMask(mask, size, side);
  return {
    probability: item.label ? 0.9 : 0.1,
    mask,
    dissimilarity: Float32Array.from({ length: positions ** 2 }, (_, k) =>
      Math.abs(pooled[Math.floor(k / positions)] - pooled[k % positions]),
    ),
  };
};
const options = async (say: Say): Promise<EvaluateOptions> => ({
  predictor: await predictor(say),
  read,
  threshold: 0.5,
  maskThreshold: 0.5,
  positions,
  prior: [...items, ...training],
  seed: 0,
});

test('the truth gives perfect figures; the constant predictor gives its own', async () => {
  const result = await evaluate(items, await options(truthful));
  assert.equal(
    result.scores.map(({ probability }) => probability),
    [0.1, 0.1, 0.1, 0.9, 0.9, 0.9, 0.9],
  );
  assert.equal(
    result.faces.map(({ name, real, forged }) => [name, real, forged]),
    [
      ['all', 3, 4],
      ['parts', 3, 1],
      ['swap', 3, 2],
      ['unmasked', 3, 1],
    ],
  );
  for (const row of [...result.faces, ...(result.videos ?? [])]) {
    const { auc, ap, eer, accuracy, flagged, falseAlarms } = row;
    assert.equal([auc, ap, eer, accuracy, flagged, falseAlarms], [1, 1, 0, 1, 1, 0]);
  }
  assert.equal(result.videos?.map(({ real, forged }) => [real, forged])[0], [2, 4]);

  // The mean training mask is 1 top left, 2/3 bottom left, 1/3 top right, 0: of the cuts at 0.05 to
  // 0.95, those that keep the left half have the best mean IoU (1, 1, 1/3 over the three).
  assert.equal([result.constant?.faces, result.constant?.of], [3, 3]);
  const cut = result.constant?.threshold ?? 0;
  assert.ok(cut > 1 / 3 && cut < 2 / 3, `${cut}`);
  const [all, parts, swap] = result.masks;
  assert.equal(
    result.masks.map(({ name, faces, flagged }) => [name, faces, flagged]),
    [
      ['all', 3, 3],
      ['parts', 1, 1],
      ['swap', 2, 2],
    ],
  );
  const third = 1 / 3;
  assert.equal(parts.iou, { value: 1, constant: 1 });
  assert.equal(swap.iou, { value: 1, constant: (1 + third) / 2 });
  assert.ok(Math.abs((all.iou.constant as number) - (2 + third) / 3) < 1e-12);
  assert.equal(swap.f1, { value: 1, constant: 0.75 });
  for (const row of result.masks) {
    assert.equal([row.pixelAuc.value, row.pixelAucWithReal.value, row.iouFlagged.value], [1, 1, 1]);
  }
  // Quarters by rank: top left, bottom left, top right, bottom right. In `swap` left and top: altered
  // 2, 1, 1, 0 times of 2; each is compared with the unaltered 0, 1, 1, 2.
  const byHand = rocAuc(tallyOf([3, 3, 2, 2, 1, 1, 0, 0], [1, 1, 1, 0, 1, 0, 0, 0]));
  assert.ok(Math.abs((swap.pixelAuc.constant as number) - byHand) < 1e-12);
  const withReal = rocAuc(
    tallyOf(
      [3, 3, 2, 2, 1, 1, 0, 0, ...[3, 2, 1, 0, 3, 2, 1, 0, 3, 2, 1, 0]],
      [1, 1, 1, 0, 1, 0, 0, 0, ...new Array(12).fill(0)],
    ),
  );
  assert.ok(Math.abs((swap.pixelAucWithReal.constant as number) - withReal) < 1e-12);

  for (const row of result.pairs) assert.equal([row.auc.value, row.aucWithReal.value], [1, 1]);
  const [allPairs, partsPairs] = result.pairs;
  assert.ok((allPairs.auc.constant as number) > 0.5 && (allPairs.auc.constant as number) < 1);
  // Of (i, j) those differ in some faces and not in others: not the two quarters that are alike or
  // unlike in both, so pairs across one side only: 16 * 16 * (1/2).
  assert.equal(allPairs.aucAtFixedPairs, { value: 1, constant: 0.5 });
  assert.is(allPairs.fixedPairs, 128);
  assert.equal([partsPairs.fixedPairs, partsPairs.aucAtFixedPairs.value], [0, Number.NaN]);
});

test("one map for every face: at fixed pairs it has 0.5, its other figures are the constant's", async () => {
  const prior = await makePrior(training, {
    size,
    pairs: choosePairs(positions, 3, 0),
    seed: 0,
    read,
  });
  assert.ok(prior?.pairs);
  const same: Say = (item) => ({
    probability: item.label ? 0.4 : 0.6,
    mask: prior.mask,
    dissimilarity: prior.pairs,
  });
  const result = await evaluate(items, await options(same));
  assert.is(result.faces[0].auc, 0);
  for (const row of result.masks) {
    assert.ok(Math.abs(row.pixelAuc.value - (row.pixelAuc.constant as number)) < 1e-12);
    assert.ok(
      Math.abs(row.pixelAucWithReal.value - (row.pixelAucWithReal.constant as number)) < 1e-12,
    );
    assert.is(row.flagged, 0);
    assert.ok(Number.isNaN(row.iouFlagged.value));
  }
  for (const row of result.pairs) {
    assert.ok(Math.abs(row.auc.value - (row.auc.constant as number)) < 1e-12);
    assert.ok(Math.abs(row.aucWithReal.value - (row.aucWithReal.constant as number)) < 1e-12);
  }
  assert.is(result.pairs[0].aucAtFixedPairs.value, 0.5);
});

test('real faces apart: the share of their pixels called altered, and of those with a region of more than 1 %', async () => {
  // Of three real faces one has a block of 12 pixels called altered (more than 1 % of 1,024), one has 12
  // pixels that do not touch, one has none.
  const marks: Record<string, number[]> = {
    r0: Array.from({ length: 12 }, (_, k) => 40 + (k % 4) + size * Math.floor(k / 4)),
    r1: Array.from({ length: 12 }, (_, k) => 2 * (k % 6) + 2 * size * Math.floor(k / 6)),
  };
  const say: Say = (item) => {
    const found = truthful(item);
    const mask = Float32Array.from(found.mask as Float32Array);
    for (const at of marks[item.video] ?? marks[item.image.slice(7, 9)] ?? []) mask[at] = 0.7;
    return { ...found, mask };
  };
  const { realMasks } = await evaluate(items, await options(say));
  assert.ok(realMasks);
  assert.is(realMasks.faces, 3);
  assert.ok(Math.abs(realMasks.marked - 24 / 3 / size ** 2) < 1e-12);
  assert.ok(Math.abs(realMasks.regions - 1 / 3) < 1e-12);
  assert.is(largestRegion(Uint8Array.from([1, 1, 0, 0, 0, 1, 1, 0, 1]), 3), 2);
  // The end of a row and the beginning of the next do not touch.
  assert.is(largestRegion(Uint8Array.from([0, 0, 1, 1, 0, 0, 0, 0, 0]), 3), 1);
});

test('skill is what is gained of what a constant leaves; intervals hold the mean', async () => {
  const worse: Say = (item) => {
    const found = truthful(item);
    return item.video === 'f1' ? { ...found, mask: new Float32Array(size * size) } : found;
  };
  const { masks, masksBySize } = await evaluate(items, await options(worse));
  const { iou, skill, iouInterval } = masks[0];
  assert.ok(Math.abs(iou.value - 2 / 3) < 1e-12);
  const constant = iou.constant as number;
  assert.ok(Math.abs((skill?.iou ?? 0) - (2 / 3 - constant) / (1 - constant)) < 1e-12);
  assert.ok(iouInterval[0] <= iou.value && iou.value <= iouInterval[1]);
  assert.equal(
    masksBySize.map(({ name, faces }) => [name, faces]),
    [['35 to 60 %', 3]],
  );
});

test('groups: forged faces by what is known of them, against all real ones or those of their size', async () => {
  const made = [
    { region: 'hull', ratio: 0.5, cue: 'sharpened' },
    { ratio: 1, cue: 'moved' },
  ];
  const told = items.map((item, k) => ({
    ...item,
    ...(item.label === 1 && k < 5 && { made: made[k - 3] }),
    side: k % 2 ? 100 : 300,
  }));
  const by = ['cue', 'ratio', 'region', 'face-size', 'mask-size', 'method'] as const;
  const { groups } = await evaluate(told, { ...(await options(truthful)), by });
  const counted = groups.map(({ by, groups, unknown }) => [
    by,
    unknown,
    groups.map(({ name, real, forged }) => `${name}: ${real} ${forged}`).join(', '),
  ]);
  assert.equal(counted, [
    ['cue', 2, 'moved: 3 1, sharpened: 3 1'],
    ['ratio', 2, '0.50: 3 1, 1.00: 3 1'],
    ['region', 3, 'hull: 3 1'],
    ['face-size', 0, '80 to 120 px: 1 2, 224 to 320 px: 2 2'],
    ['mask-size', 1, '35 to 60 %: 3 3'],
    ['method', 0, 'parts: 3 1, swap: 3 2, unmasked: 3 1'],
  ]);
  for (const { auc } of groups.flatMap((row) => row.groups)) assert.is(auc, 1);
});

test('streamed figures are those of all values at once', async () => {
  const noisy: Say = (item) => {
    const { mask = [], dissimilarity = [] } = truthful(item);
    const shift = 1 + Number(item.image.charCodeAt(8));
    const blur = (value: number, k: number) => 0.2 + 0.4 * value + (((k * shift) % 17) / 17) * 0.4;
    return {
      probability: 0.5,
      mask: Float32Array.from(mask, blur),
      dissimilarity: Float32Array.from(dissimilarity, blur),
    };
  };
  const result = await evaluate(items, { ...(await options(noisy)), prior: undefined });
  const forged = items.filter(({ mask }) => mask);
  const real = items.filter(({ label }) => label === 0);
  const figures = (key: 'mask' | 'dissimilarity', among: ManifestItem[]) =>
    rocAuc(
      tallyOf(
        among.flatMap((item) => [...(noisy(item)[key] as Float32Array)]),
        among.flatMap((item) => [...(truthful(item)[key] as Float32Array)]),
      ),
    );
  const [masks, pairs] = [result.masks[0], result.pairs[0]];
  assert.ok(masks.bound < 0.01 && pairs.bound < 0.01);
  const close = (value: number, wanted: number, bound: number) =>
    assert.ok(Math.abs(value - wanted) <= bound + 1e-12, `${value}, not ${wanted}`);
  close(masks.pixelAuc.value, figures('mask', forged), masks.bound);
  close(masks.pixelAucWithReal.value, figures('mask', [...forged, ...real]), masks.bound);
  close(pairs.auc.value, figures('dissimilarity', forged), pairs.bound);
  close(pairs.aucWithReal.value, figures('dissimilarity', [...forged, ...real]), pairs.bound);
  const overlaps = forged.map((item) =>
    iou(maskCounts(noisy(item).mask as Float32Array, maskValues(item), 0.5)),
  );
  close(masks.iou.value, overlaps.reduce((a, b) => a + b) / 3, 0);
  assert.is(masks.iou.constant, undefined);
  assert.is(result.constant, undefined);

  let [sum, count] = [0, 0];
  for (let k = 0; k < positions ** 2; k++) {
    const truth = forged.map((item) => (truthful(item).dissimilarity as Float32Array)[k]);
    const auc = rocAuc(
      tallyOf(
        forged.map((item) => (noisy(item).dissimilarity as Float32Array)[k]),
        truth,
      ),
    );
    if (Number.isNaN(auc)) continue;
    sum += auc;
    count++;
  }
  close(pairs.aucAtFixedPairs.value, sum / count, 0);
  assert.is(pairs.fixedPairs, count);
});

test('without masks in the data there are scores alone; one class only says so', async () => {
  const reals = items.filter(({ label }) => label === 0);
  const result = await evaluate(reals, await options(truthful));
  assert.equal([result.masks, result.pairs, result.constant], [[], [], undefined]);
  assert.is(result.faces[0].lacking, 'only real faces');
  assert.ok(Number.isNaN(result.faces[0].auc));
  assert.equal([result.faces[0].accuracy, result.faces[0].falseAlarms], [1, 0]);
});

test('a picture that cannot be read ends the evaluation', async () => {
  const broken = { ...items[2], image: 'images/gone.png' };
  const error = await failure(evaluate([items[0], broken], await options(truthful)));
  assert.match(error.message, /set\/images\/gone\.png/);
});

test('a video is a name with its label and method', () => {
  const of = (label: 0 | 1, method: string | null, video: string, probability: number): Scored => ({
    ...{ image: 'x', label, method, video, probability },
  });
  const videos = byVideo([
    of(1, 'A', '000_003', 0.2),
    of(1, 'B', '000_003', 0.6),
    of(1, 'A', '000_003', 0.4),
    of(0, null, '000', 0.1),
  ]);
  assert.equal(
    videos.map(({ method, probability }) => [method, Number(probability.toFixed(9))]),
    [
      ['A', 0.3],
      ['B', 0.6],
      [null, 0.1],
    ],
  );
});

test("a video's probability, by each rule", () => {
  const rule = (name: VideoRule, probabilities: number[]) =>
    Number(videoRules[name](probabilities).toFixed(6));
  assert.is(rule('mean', [0.2, 0.4, 0.9]), 0.5);
  assert.is(rule('max', [0.2, 0.4, 0.9]), 0.9);
  assert.is(rule('logit', [0.2, 0.8, 0.9]), Number((1 / (1 + 9 ** (-1 / 3))).toFixed(6)));
  assert.ok(rule('logit', [0, 1, 1]) < 1);
  // 12 of 20 above 0.8 count alone; 11 do not; nearly all below 0.2 count alone.
  assert.is(rule('confident', [...Array(12).fill(0.9), ...Array(8).fill(0.1)]), 0.9);
  assert.is(rule('confident', [...Array(11).fill(0.9), ...Array(9).fill(0.1)]), 0.54);
  assert.is(rule('confident', [...Array(19).fill(0.1), 0.7]), 0.1);
  const of = (probability: number): Scored => ({
    ...{ image: 'x', label: 1, method: 'A', video: 'v', probability },
  });
  assert.is(byVideo([of(0.2), of(0.6)], 'max')[0].probability, 0.6);
});

test('reliability: the share of forged faces by their probability', () => {
  const of = (probability: number, label: 0 | 1) => ({ probability, label });
  const { bins, error } = reliabilityOf([of(0.72, 1), of(0.78, 0), of(1, 1), of(0, 0)]);
  assert.equal(
    bins.map(({ faces }) => faces),
    [1, 0, 0, 0, 0, 0, 0, 2, 0, 1],
  );
  assert.ok(Math.abs(bins[7].mean - 0.75) < 1e-12);
  assert.is(bins[7].forged, 0.5);
  assert.ok(Math.abs(error - (2 * 0.25) / 4) < 1e-12);
});

test("pooled masks have torch's bins; pairs differ where pooled values do by more than half", () => {
  // 5 to 2: bins 0..2 and 2..4.
  const mask = Float32Array.from({ length: 25 }, (_, k) => (k % 5 < 2 ? 1 : 0));
  assert.equal(
    [...poolMask(mask, 5, 2)].map((value) => Number(value.toFixed(6))),
    [0.666667, 0, 0.666667, 0],
  );
  const choice = choosePairs(4, 1, 0);
  assert.equal([...choice.pairs], [...Array(16).keys()]);
  assert.equal(
    [...(truthOf(mask, choice).pairs as Uint8Array)],
    [0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 0],
  );
  const half = Float32Array.from(mask, (value) => value * 0.5);
  assert.ok(truthOf(half, choice).pairs?.every((one) => one === 0));
});

test('many positions: the same drawn pairs each time; many images: fewer fixed pairs', () => {
  const drawn = choosePairs(784, 10, 4);
  assert.equal(choosePairs(784, 10, 4), drawn);
  assert.is(drawn.pairs.length, 65_536);
  assert.ok(drawn.pairs.every((pair) => pair < 784 ** 2));
  assert.ok(Math.max(...drawn.pairs.subarray(0, 1000)) > 700 * 784);
  assert.is(choosePairs(196, 10, 0).fixed, 196 ** 2);
  assert.is(choosePairs(196, 100_000, 0).fixed, 335);
});

test('thresholds: at equal rates, at a share of false alarms, and where there is none', () => {
  const real = Array.from({ length: 20 }, (_, k) => k / 40); // 0 to 0.475
  const forged = [0.1, 0.46, 0.48, 0.6, 0.8];
  const scores = [...real, ...forged];
  const labels = scores.map((_, k) => (k < 20 ? 0 : 1));
  const tally = tallyOf(scores, labels);
  const one = chooseThreshold(tally, { fpr: 0.05 });
  assert.equal([one.fpr, one.tpr], [0.05, 0.8]); // 0.475 is called forged, 0.45 is not
  assert.ok(one.value > 0.45 && one.value < 0.46, `${one.value}`);
  const none = chooseThreshold(tally, { fpr: 0.099 });
  assert.is(none.fpr, 0.05);
  const equal = chooseThreshold(tally, 'eer');
  assert.ok(Math.abs(equal.fpr - (1 - equal.tpr)) <= 0.05);
  assert.throws(() => chooseThreshold(tally, { fpr: 0.01 }), /20 real faces.*at least 100/);
  assert.throws(() => chooseThreshold(tallyOf([0.1], [0]), 'eer'), /all real/);
  assert.throws(() => chooseThreshold(tallyOf([0.5, 0.5], [0, 1]), 'eer'), /score 0.5/);
  const saturated = tallyOf([1, 1, 0, 0, 1], [0, 0, 0, 0, 1]);
  assert.throws(() => chooseThreshold(saturated, { fpr: 0.25 }), /2 of 4 real faces/);
  const high = chooseThreshold(tallyOf([0.9, 0.9, 0, 0, 0.5], [0, 0, 0, 0, 1]), { fpr: 0.25 });
  assert.equal([high.fpr, high.tpr], [0, 0]);
});
