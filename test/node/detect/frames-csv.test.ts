import * as assert from 'uvu/assert';
import { findingsCsv } from '../../../node/detect/findings-csv.ts';
import { framesCsv } from '../../../node/detect/frames-csv.ts';
import type { VideoFace, VideoFinding } from '../../../src/detect/finding.ts';
import { test } from '../../support/run.ts';

const face = (track: number, frame: number, probability: number | null): VideoFace => ({
  ...{ track, frame, time: frame / 25, box: [1, 2, 30.25, 40], landmarks: null },
  ...{ finder: { name: 'ssd', score: 0.9 }, probability, views: [], alteredShare: null },
  verdict: probability === null ? 'face too small' : 'altered',
  note: probability === null ? 'so small' : null,
});
const finding: VideoFinding = {
  ...{ file: 'a.mp4', sha256: 'ab12', kind: 'video', verdict: 'altered', probability: 0.75 },
  faces: [face(0, 0, 0.75), face(1, 0, null), face(0, 20, 0.75)],
  frames: [
    { frame: 0, time: 0, faces: 2, probability: 0.75, cut: false },
    { frame: 10, time: 0.4, faces: 0, probability: null, cut: true },
    { frame: 20, time: 0.8, faces: 1, probability: 0.75, cut: false },
  ],
  tracks: [
    { faces: [0, 2], scores: [], probability: 0.75, verdict: 'altered', note: null },
    { faces: [1], scores: [], probability: null, verdict: 'face too small', note: 'so small' },
  ],
  times: { total: 1, decode: 0, find: 0, prepare: 0, network: 0, write: 0 },
  ...{ videoScore: 'mean', error: null },
};

test('a line a face and frame, and one for a frame without a face', () => {
  assert.equal(framesCsv([finding]).split('\r\n'), [
    'file,frame,time,track,x,y,width,height,finder score,probability,verdict,track probability,track verdict,cut,note',
    'a.mp4,0,0.000,1,1.0,2.0,30.3,40.0,0.900,0.75,altered,0.75,altered,,',
    'a.mp4,0,0.000,2,1.0,2.0,30.3,40.0,0.900,,face too small,,face too small,,so small',
    'a.mp4,10,0.400,,,,,,,,,,,cut,',
    'a.mp4,20,0.800,1,1.0,2.0,30.3,40.0,0.900,0.75,altered,0.75,altered,,',
    '',
  ]);
});

test('in the table of all files a video has a line a track', () => {
  const lines = findingsCsv([finding, { ...finding, tracks: [], faces: [], verdict: null }]);
  assert.equal(lines.split('\r\n').slice(1), [
    'a.mp4,ab12,1,,,,,0.75,altered,0.5,,,,,,,,,,,',
    'a.mp4,ab12,2,,,,,,face too small,,,,,,,,,,,so small,',
    'a.mp4,ab12,,,,,,,,,,,,,,,,,,,',
    '',
  ]);
});
