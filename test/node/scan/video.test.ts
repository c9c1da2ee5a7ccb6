import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { stubIdentity } from '../../../bench/scan/stub.ts';
import { readCheckpoint } from '../../../node/files/checkpoint.ts';
import { openNodeGpu } from '../../../node/gpu/open.ts';
import { Parts } from '../../../node/scan/parts.ts';
import { TryAgain } from '../../../node/scan/read.ts';
import { lookAtParts, type VideoPart } from '../../../node/scan/video.ts';
import { ScanWorker } from '../../../node/scan/worker.ts';
import { Examiner } from '../../../src/detect/examiner.ts';
import type { VideoFinding } from '../../../src/detect/finding.ts';
import { FaceScorer } from '../../../src/detect/scorer.ts';
import { FixedPlace } from '../../../src/faces/place.ts';
import { drawnPicture, failure, temporaryFolder } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';
import { needFfmpeg, writeVideo } from '../../support/videos.ts';

const folder = temporaryFolder();
const weights = fileURLToPath(
  new URL('../../../../test/golden/mlp/weights.safetensors', import.meta.url),
);
const gpu = await openNodeGpu();
const examiner = new Examiner(
  await FaceScorer.build(gpu, readCheckpoint(weights), { batch: 8, dissimilarity: false }),
  new FixedPlace('whole'),
);
const video = join(folder, 'v.mp4');
const frames = Array.from({ length: 60 }, (_, k) => drawnPicture(96, 80, 1 + Math.floor(k / 100)));
const options = { every: 4, rule: 'mean' as const, stopped: () => false };

/** A finding without the times of its making. */
const said = ({ times: _, ...finding }: VideoFinding) => finding;
let whole: VideoFinding;

test('in parts, the finding is that of the whole: frames, faces, one track', async () => {
  needFfmpeg();
  writeVideo(video, frames);
  whole = await lookAtParts(examiner, video, 'a', { ...options, seconds: 1e6 });
  assert.equal([whole.error, whole.frames.length, whole.tracks.length], [null, 15, 1]);
  const parts: VideoPart[] = [];
  const seconds = 0.64; // four frames of every fourth
  const finding = await lookAtParts(examiner, video, 'a', {
    ...{ ...options, seconds },
    onPart: (_, part) => {
      parts.push(part);
    },
  });
  assert.equal(
    parts.map(({ index, of }) => [index, of]),
    [0, 1, 2, 3].map((index) => [index, 4]),
  );
  assert.equal(finding.frames, whole.frames);
  assert.is(finding.tracks.length, 1);
  assert.equal(finding.tracks[0].faces, whole.tracks[0].faces);
  for (const [k, { probability }] of finding.faces.entries()) {
    assert.ok(Math.abs((probability as number) - (whole.faces[k].probability as number)) < 1e-6);
  }
  // Gone on with from any part: the same, and only what is missing is looked at.
  for (const count of [1, 3, 4]) {
    const made: number[] = [];
    const again = await lookAtParts(examiner, video, 'a', {
      ...{ ...options, seconds },
      known: () => parts.slice(0, count),
      onPart: (_, { index }) => {
        made.push(index);
      },
    });
    assert.equal(made, [0, 1, 2, 3].slice(count));
    assert.equal(said(again), said(finding));
  }
});

test('stopped, it ends after the part in hand', async () => {
  needFfmpeg();
  let parts = 0;
  const work = lookAtParts(examiner, video, 'a', {
    ...{ ...options, seconds: 0.64 },
    onPart: () => {
      parts++;
    },
    stopped: () => parts >= 2,
  });
  assert.instance(await failure(work), TryAgain);
  assert.is(parts, 2);
});

test('a worker gives a video a line, beside pictures that share its runs of the network', async () => {
  needFfmpeg();
  const cut = join(folder, 'cut.mp4');
  writeFileSync(cut, readFileSync(video).subarray(0, 600));
  const worker = new ScanWorker(examiner, stubIdentity, { every: 4, part: 0.64 });
  const [line, broken, gone] = await Promise.all(
    [video, cut, join(folder, 'gone.mp4')].map((file) => worker.examine({ file })),
  );
  assert.equal([line?.kind, line?.verdict, line?.error], ['video', whole.verdict, null]);
  const finding = line as unknown as VideoFinding;
  assert.is(finding.frames.length, 15);
  assert.match(line?.sha256 ?? '', /^[0-9a-f]{64}$/);
  assert.ok((line?.times.judge ?? 0) > 0);
  assert.match(broken?.error?.message ?? '', /cut\.mp4/);
  assert.ok(broken?.sha256);
  assert.match(gone?.error?.message ?? '', /gone\.mp4 does not exist/);
  assert.is(gone?.sha256, null);
});

test('parts are kept in a file beside the lines, though its end is torn, until the last is dropped', () => {
  const path = join(folder, 'F.ndjson.parts');
  const part = (index: number) => ({ index, of: 3, finding: whole });
  const parts = new Parts(path, stubIdentity);
  parts.onPart('a', part(0));
  parts.onPart('b', part(0));
  appendFileSync(path, '{"weights": "0000');
  const second = new Parts(path, stubIdentity);
  second.onPart('a', part(1));
  const third = new Parts(path, stubIdentity);
  assert.equal(
    third.known('a').map(({ index }) => index),
    [0, 1],
  );
  assert.equal(new Parts(path, { ...stubIdentity, settings: 'other' }).known('a'), []);
  third.drop('a');
  assert.ok(existsSync(path));
  third.drop('b');
  assert.not.ok(existsSync(path));
});
