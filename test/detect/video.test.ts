/** Videos as frames, without files: what is said of faces, frames and tracks. */
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import '../../node/files/drawing.ts';
import { readCheckpoint } from '../../node/files/checkpoint.ts';
import { openNodeGpu } from '../../node/gpu/open.ts';
import { LlsmError } from '../../src/base/errors.ts';
import { annotate } from '../../src/detect/annotate.ts';
import { Examiner } from '../../src/detect/examiner.ts';
import { FaceScorer } from '../../src/detect/scorer.ts';
import { timelinePlot } from '../../src/detect/timeline.ts';
import { verdictColours } from '../../src/detect/verdict.ts';
import { examineVideo, type SeenFrame, type TimedFrame } from '../../src/detect/video.ts';
import { viewNames } from '../../src/detect/views.ts';
import type { FaceFinder, FoundFace } from '../../src/faces/place.ts';
import type { Box } from '../../src/image/pixels.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import { drawnPicture, failure } from '../support/pictures.ts';
import { test } from '../support/run.ts';
import { backdrop, scene } from '../support/scenes.ts';

const golden = fileURLToPath(
  new URL('../../../test/golden/mlp/weights.safetensors', import.meta.url),
);
const gpu = await openNodeGpu();
const batch = 6;
const detector = await FaceScorer.build(gpu, readCheckpoint(golden), {
  batch,
  dissimilarity: false,
});

/** Tells the faces that it was told of, for each picture that was made of them. */
class ToldFinder implements FaceFinder {
  readonly name = 'told';
  readonly known = new Map<RgbImage, Box[]>();

  async find(image: RgbImage): Promise<FoundFace[]> {
    return (this.known.get(image) ?? []).map((box) => ({ box, score: 0.9, landmarks: [] }));
  }

  dispose(): void {}
}

const finder = new ToldFinder();
const examiner = new Examiner(detector, finder);
const people = [11, 12, 13].map((seed) => drawnPicture(60, 60, seed));
const room = backdrop(320, 180, 1);

/** A picture of people with their middles, whose faces are 60 pixels large. */
function picture(placed: [person: number, x: number, y: number][], background = room): RgbImage {
  const image = scene(
    background,
    placed.map(([person, x, y]) => [people[person], x, y]),
  );
  finder.known.set(
    image,
    placed.map(([, x, y]) => [x - 30, y - 30, 60, 60]),
  );
  return image;
}

async function* framesOf(
  images: readonly RgbImage[],
  error?: Error,
): AsyncGenerator<TimedFrame, void, undefined> {
  for (const [k, image] of images.entries()) yield { frame: k * 10, time: k * 0.4, image };
  if (error) throw error;
}

const moving = Array.from({ length: 20 }, (_, k) =>
  picture([
    [0, 40 + 8 * k, 60],
    [1, 280 - 8 * k, 120],
  ]),
);

test('scores of faces, frames and tracks agree; few faces are seen in all views', async () => {
  const seen: number[] = [];
  const finding = await examineVideo(examiner, framesOf(moving), {
    file: 'clip.mp4',
    onFrame: ({ frame }) => void seen.push(frame),
  });
  const { faces, frames, tracks } = finding;
  assert.equal([finding.kind, finding.error, finding.videoScore], ['video', null, 'mean']);
  assert.equal(
    seen,
    moving.map((_, k) => k * 10),
  );
  assert.equal(
    frames.map(({ frame }) => frame),
    seen,
  );
  assert.is(tracks.length, 2);
  tracks.forEach((track, number) => {
    const own = track.faces.map((k) => faces[k]);
    assert.is(own.length, 20);
    assert.ok(own.every((face) => face.track === number));
    assert.equal(
      own.flatMap(({ views }, k) => (views.length === viewNames.length ? [k + 1] : [])),
      [1, 4, 16],
    );
    assert.ok(own.every(({ views, probability }) => views[0].probability === probability));
    assert.equal(
      track.scores,
      own.map(({ time, frame, probability }) => ({ time, frame, probability })),
    );
    const mean = track.scores.reduce((sum, { probability }) => sum + probability, 0) / 20;
    assert.ok(Math.abs((track.probability ?? 0) - mean) < 1e-9);
  });
  frames.forEach(({ frame, probability }) => {
    const of = faces.filter((face) => face.frame === frame);
    assert.is(probability, Math.max(...of.map((face) => face.probability ?? 0)));
  });
  assert.is(finding.probability, Math.max(...tracks.map(({ probability }) => probability ?? 0)));
  // A face of a video has the score of the same face in a picture.
  const [alone] = await examiner.examine(moving[7]);
  const inVideo = faces.find(({ frame, track }) => frame === 70 && track === 0);
  assert.ok(Math.abs((inVideo?.probability ?? 0) - (alone.finding.probability ?? 1)) < 1e-5);
  assert.equal(inVideo?.box, alone.finding.box);
});

test('a track of a frame or two does not give the video its probability where there are longer ones', async () => {
  const scoreOf = async (person: number): Promise<number> =>
    (await examiner.examine(picture([[person, 160, 90]])))[0].finding.probability ?? 0;
  const scores = [await scoreOf(0), await scoreOf(1), await scoreOf(2)];
  const [last, ...others] = [0, 1, 2].sort((a, b) => scores[b] - scores[a]);
  const staying = picture(others.map((person, k) => [person, 60 + 200 * k, 60]));
  const passing = [...Array.from({ length: 5 }, () => staying), picture([[last, 160, 120]])];
  const { tracks, probability } = await examineVideo(examiner, framesOf(passing), { file: 'x' });
  assert.equal(
    tracks.map(({ scores }) => scores.length),
    [5, 5, 1],
  );
  const long = tracks.slice(0, 2).map((track) => track.probability ?? 0);
  assert.is(probability, Math.max(...long));
  assert.ok((tracks[2].probability ?? 0) > Math.max(...long));
  const short = await examineVideo(examiner, framesOf([passing[5]]), { file: 'x' });
  assert.is(short.probability, short.tracks[0].probability);
});

test('a cut begins new tracks; frames without a face are frames all the same', async () => {
  const other = drawnPicture(320, 180, 8);
  const images = [
    ...[picture([[0, 100, 90]]), picture([[0, 104, 90]])],
    ...[picture([[0, 104, 90]], other), picture([], other), picture([[0, 110, 90]], other)],
  ];
  const { frames, tracks, faces } = await examineVideo(examiner, framesOf(images), { file: 'x' });
  assert.equal(
    frames.map(({ cut, faces: count }) => [cut, count]),
    [
      [false, 1],
      [false, 1],
      [true, 1],
      [false, 0],
      [false, 1],
    ],
  );
  assert.equal(
    tracks.map((track) => track.faces),
    [
      [0, 1],
      [2, 3],
    ],
  );
  assert.is(faces.length, 4);
});

test('no face at all; faces that are too small', async () => {
  const none = await examineVideo(examiner, framesOf([picture([]), picture([])]), { file: 'x' });
  assert.equal([none.verdict, none.probability, none.error], ['no face found', null, null]);
  const image = picture([]);
  finder.known.set(image, [[40, 40, 20, 20]]);
  const small = await examineVideo(examiner, framesOf([image, image]), { file: 'x' });
  assert.equal([small.verdict, small.probability], ['face too small', null]);
  const [{ faces, scores, verdict, note }] = small.tracks;
  assert.equal([faces, scores, verdict], [[0, 1], [], 'face too small']);
  assert.match(note ?? '', /26 pixels a side \(32 is the least\)/);
});

test('frames that break off: the reason is told, and what was found before stays', async () => {
  const broken = new LlsmError('clip.mp4: it is cut short');
  const finding = await examineVideo(examiner, framesOf(moving.slice(0, 4), broken), {
    file: 'clip.mp4',
  });
  assert.is(finding.error?.message, broken.message);
  assert.is(finding.frames.length, 4);
  assert.equal(
    finding.tracks.map(({ scores }) => scores.length),
    [4, 4],
  );
  assert.is.not(finding.verdict, null);
  const nothing = await examineVideo(examiner, framesOf([], broken), { file: 'clip.mp4' });
  assert.equal([nothing.verdict, nothing.error?.message], [null, broken.message]);
  const empty = await examineVideo(examiner, framesOf([]), { file: 'clip.mp4' });
  assert.equal([empty.verdict, empty.error?.message], [null, 'clip.mp4 holds no frames']);
});

test('a mistake of ours in the frames is no fault of the video; the frames are closed', async () => {
  const wrong = framesOf(moving.slice(0, 2), new TypeError('oops'));
  assert.match((await failure(examineVideo(examiner, wrong, { file: 'x' }))).message, /oops/);
  let closed = false;
  async function* watched() {
    try {
      yield* framesOf(moving);
    } finally {
      closed = true;
    }
  }
  const onFrame = () => {
    throw new Error('the disk is full');
  };
  const error = await failure(examineVideo(examiner, watched(), { file: 'x', onFrame }));
  assert.match(error.message, /disk is full/);
  assert.ok(closed);
});

test('the times are those of the parts, by the clock that is given', async () => {
  let clock = 0;
  async function* slow() {
    for await (const frame of framesOf(moving.slice(0, 3))) {
      clock += 2000;
      yield frame;
    }
  }
  const { times } = await examineVideo(examiner, slow(), {
    file: 'x',
    now: () => clock,
    onFrame: () => {
      clock += 500;
    },
  });
  const { decode, write, total, find, network } = times;
  assert.equal([decode, write, total, find, network], [6, 1.5, 7.5, 0, 0]);
});

test('200 faces in one picture: all are told, and no more than a run of them is held at once', async () => {
  const image = drawnPicture(1400, 700, 4);
  const boxes = Array.from(
    { length: 200 },
    (_, k): Box => [10 + 68 * (k % 20), 10 + 68 * Math.floor(k / 20), 50, 60],
  );
  finder.known.set(image, boxes);
  const sizes: number[] = [];
  const counting = new Proxy(detector, {
    get(target, name) {
      if (name !== 'detect') return Reflect.get(target, name, target);
      return (...[pictures, withMaps]: Parameters<FaceScorer['detect']>) => {
        sizes.push(pictures.length);
        return target.detect(pictures, withMaps);
      };
    },
  });
  const faces = await new Examiner(counting, finder, { views: ['as it is'] }).examine(image);
  assert.equal(
    faces.map(({ finding }) => finding.box),
    boxes,
  );
  assert.ok(faces.every(({ finding }) => finding.probability !== null));
  assert.ok(Math.max(...sizes) <= batch, `${sizes}`);
  const [first] = await examiner.examine(image);
  assert.is(first.finding.views.length, viewNames.length);
  assert.ok(
    Math.abs((first.finding.probability ?? 0) - (faces[0].finding.probability ?? 1)) < 1e-5,
  );
});

test('a frame is drawn with its boxes in the colours of the verdicts, at the size it was kept at', async () => {
  const drawn: [SeenFrame<RgbImage>, RgbImage][] = [];
  await examineVideo<RgbImage>(examiner, framesOf(moving.slice(0, 1)), {
    file: 'x',
    keep: (image) => image,
    async onFrame(frame) {
      drawn.push([frame, await annotate(frame, { size: detector.size })]);
    },
  });
  const [[frame, image]] = drawn;
  for (const { finding } of frame.seen) {
    const [x, y, , h] = finding.box as Box;
    const at = ((y + h / 2) * image.width + x) * 3;
    assert.equal([...image.data.subarray(at, at + 3)], [...verdictColours[finding.verdict]]);
  }
  assert.is.not(image.data, frame.picture.data);
  const half = { width: 160, height: 90, data: new Uint8ClampedArray(160 * 90 * 3) };
  const small = await annotate({ ...frame, picture: half }, { size: detector.size });
  const [x, y, , h] = frame.seen[1].finding.box as Box;
  const at = (Math.round((y + h / 2) / 2) * 160 + Math.round(x / 2)) * 3;
  assert.equal(
    [...small.data.subarray(at, at + 3)],
    [...verdictColours[frame.seen[1].finding.verdict]],
  );
});

test('the timeline has a lane a track, threshold, band and cuts, and says what it leaves out', async () => {
  const finding = await examineVideo(examiner, framesOf(moving.slice(0, 5)), { file: 'x' });
  const unsure = { from: 0.3, to: 0.6, real: 0.1, forged: 0.1, accused: 0.01, missed: 0.1 };
  const threshold = { value: 0.45, rule: 'eer', fpr: 0.1, data: 'x', n: 10, unsure };
  const svg = timelinePlot(finding, { title: 'a <b> & c.mp4', threshold });
  assert.match(svg, /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  finding.tracks.forEach(({ verdict, probability }, k) => {
    assert.ok(svg.includes(`track ${k + 1}: ${probability?.toFixed(3)} ${verdict} (5 frames)`));
  });
  assert.match(svg, /a &lt;b&gt; &amp; c\.mp4; threshold 0\.45</);
  assert.is(svg.match(/<circle/g)?.length, 10);
  const many = { ...finding, tracks: Array.from({ length: 15 }, () => finding.tracks[0]) };
  assert.match(
    timelinePlot(many, { title: 'x' }),
    /0\.5, uncalibrated; 3 more tracks are not shown/,
  );
  assert.match(timelinePlot({ tracks: [], frames: [] }, { title: 'x' }), /no face was scored/);
});
