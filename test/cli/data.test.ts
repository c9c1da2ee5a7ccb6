import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { encodePng, readImage } from '../../node/files/image.ts';
import { readManifest } from '../../node/files/manifest.ts';
import { llsm } from '../support/command.ts';
import { faceApiFolder } from '../support/face-api.ts';
import { drawnPicture, temporaryFolder } from '../support/pictures.ts';
import { test } from '../support/run.ts';
import { maskPicture, needFfmpeg, numberedFrames, writeVideo } from '../support/videos.ts';

const newOut = () => join(temporaryFolder(), 'out');

test('data ffpp: result on standard output, progress beside it, a second run has nothing to do', () => {
  needFfmpeg();
  const folder = temporaryFolder();
  const method = join(folder, 'manipulated_sequences', 'Face2Face');
  const masks = Array.from({ length: 6 }, () => maskPicture(96, 72, [20, 10, 40, 40]));
  writeVideo(
    join(folder, 'original_sequences/youtube/c40/videos/071.mp4'),
    numberedFrames(6, 96, 72),
  );
  writeVideo(join(method, 'c40/videos/071_054.mp4'), numberedFrames(6, 96, 72, 2));
  writeVideo(join(method, 'masks/videos/071_054.mp4'), masks);
  const out = newOut();
  const place = ['--faces', 'masks=1.5'];
  const args = [
    'data',
    'ffpp',
    folder,
    '--out',
    out,
    '--compression',
    'c40',
    '--frames',
    '2',
    ...place,
  ];
  const more = ['--methods', 'Face2Face', '--splits', 'train', '--limit', '5', '--workers', '2'];
  const { status, stdout, stderr } = llsm([...args, ...more]);
  assert.is(status, 0, stderr);
  const counts = '(train 4, val 0, test 0)';
  assert.is(
    stdout,
    `${out}: 4 faces (2 real, 2 forged) of 2 people ${counts}; 0 were there before\n`,
  );
  assert.match(stderr, /videos {2}2\/2/);
  assert.equal(
    readManifest(out).map(({ video, frame, mask }) => [video, frame, mask !== null]),
    [
      ['ffpp/youtube/c40/071', 0, false],
      ['ffpp/youtube/c40/071', 5, false],
      ['ffpp/Face2Face/c40/071_054', 0, true],
      ['ffpp/Face2Face/c40/071_054', 5, true],
    ],
  );
  const again = llsm([...args, ...more, '--json']);
  const { written, kept, labels } = JSON.parse(again.stdout);
  assert.equal([written, kept, labels], [0, 4, { real: 2, forged: 2 }]);
  const other = llsm([...args, '--methods', 'Face2Face,FaceSwap']);
  assert.is(other.status, 1);
  assert.match(other.stderr, /^llsm: .*FaceSwap.*does not exist/m);
});

test('data folder: what was left out is counted by its reason', () => {
  const folder = temporaryFolder();
  for (const name of ['a', 'b', 'c']) {
    writeFileSync(join(folder, `${name}.png`), encodePng(drawnPicture(40, 40)));
  }
  for (const name of ['d', 'e']) writeFileSync(join(folder, `${name}.png`), 'no picture');
  const out = newOut();
  const { status, stdout } = llsm(['data', 'folder', folder, '--out', out, '--faces', 'whole']);
  assert.is(status, 0);
  assert.match(stdout, /: 3 faces \(3 real, 0 forged\) of 3 people/);
  assert.match(
    stdout,
    /\n2 left out \(all of them in .*dropped\.jsonl\):\n {2}2 x such as d\.png: /,
  );
});

test('data folder: faces are found by default, and cut mirrored where they reach over the border', async () => {
  const folder = temporaryFolder();
  const group = join(faceApiFolder, 'demo', 'sample1.jpg');
  copyFileSync(group, join(folder, 'group.jpg'));
  writeFileSync(join(folder, 'nobody.png'), encodePng(drawnPicture(200, 160)));
  const out = newOut();
  const { status, stdout, stderr } = llsm(['data', 'folder', folder, '--out', out]);
  assert.is(status, 0, stderr);
  assert.match(stdout, /: 1 faces \(1 real, 0 forged\)/);
  assert.match(stdout, /such as nobody\.png: no face was found on it/);
  const [{ image, landmarks }] = readManifest(out);
  const crop = await readImage(join(out, image));
  assert.equal([crop.width, crop.height], [256, 256]);
  assert.ok(landmarks);
  // The largest of the three holds her head to the side: the person's right eye is on the left.
  const [[right, rightY], [left, leftY], , , [, mouthY]] = landmarks;
  assert.ok(right > 40 && right < left && left < 216, `${right} ${left}`);
  assert.ok(rightY > 60 && rightY < leftY && leftY < mouthY && mouthY < 220);
});

test('called wrongly is 2, bad data 1', () => {
  const out = newOut();
  const wrong = (args: string[], message: RegExp) => {
    const { status, stdout, stderr } = llsm(['data', ...args, '--out', out]);
    assert.equal([status, stdout], [2, ''], args.join(' '));
    assert.match(stderr, message);
  };
  wrong(['celebdf', '.', '--faces', 'masks=2'], /auto, whole, or centre=F/);
  wrong(['ffpp', '.', '--faces', 'masks=0.5'], /F from 1 to 10/);
  wrong(['ffpp', '.', '--methods', 'Deepfake'], /There is no method "Deepfake"\. Known: Deepfakes/);
  wrong(['ffpp', '.', '--splits', 'train,dev'], /"dev" is none of train, val, test/);
  wrong(['dfd', '.', '--val-share', '0.6', '--test-share', '0.6'], /add up to more than 1/);
  const missing = llsm(['data', 'deepfakebench', join(out, 'none'), '--out', out]);
  assert.equal([missing.status, missing.stdout], [1, '']);
  assert.match(missing.stderr, /none does not exist/);
});
