import * as assert from 'uvu/assert';
import { findingsCsv } from '../../../node/detect/findings-csv.ts';
import type { FaceFinding, Finding } from '../../../src/detect/finding.ts';
import { test } from '../../support/run.ts';

const face: FaceFinding = {
  box: [-3.2, 2, 40, 50.4],
  landmarks: null,
  finder: { name: 'tiny', score: 0.9 },
  probability: 0.25,
  verdict: 'nothing found',
  note: null,
  views: [
    { name: 'as it is', probability: 0.25 },
    { name: 'mirrored', probability: 0.5 },
  ],
  alteredShare: 0.125,
  pictures: { overlay: 'a.overlay.png' },
};
const finding: Finding = {
  file: 'a,"b".png',
  sha256: 'ab12',
  kind: 'image',
  faces: [face],
  verdict: 'nothing found',
  error: null,
};

test('a line a face, or a file; quoted where it must be', () => {
  const small: FaceFinding = {
    ...face,
    probability: null,
    verdict: 'face too small',
    note: 'so small',
    views: [],
    alteredShare: null,
    pictures: undefined,
  };
  const text = findingsCsv([
    { ...finding, faces: [face, small] },
    { ...finding, file: 'n.png', faces: [], verdict: 'no face found' },
    { ...finding, file: 'c.png', faces: [], verdict: null, error: { message: 'two\nlines' } },
  ]);
  assert.equal(text.split('\r\n'), [
    'file,sha256,face,x,y,width,height,probability,verdict,threshold,as it is,mirrored,JPEG 75,' +
      'resized to 0.75,resized to 0.5,altered share,overlay,dissimilarity,panel,note,error',
    '"a,""b"".png",ab12,1,-3,2,40,50,0.25,nothing found,0.5,0.25,0.5,,,,0.125,a.overlay.png,,,,',
    '"a,""b"".png",ab12,2,-3,2,40,50,,face too small,,,,,,,,,,,so small,',
    'n.png,ab12,,,,,,,no face found,,,,,,,,,,,,',
    'c.png,ab12,,,,,,,,,,,,,,,,,,,"two\nlines"',
    '',
  ]);
});
