import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import type { TableResult } from '../../../lab/tables/result.ts';
import { llsm } from '../../support/command.ts';
import { temporaryFolder } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';
import { maskPicture, needFfmpeg, numberedFrames, writeVideo } from '../../support/videos.ts';

const folder = temporaryFolder();
const done = (args: string[]) => {
  const outcome = llsm(args);
  assert.is(outcome.status, 0, outcome.stderr);
  return outcome;
};

const methods = ['Deepfakes', 'Face2Face', 'FaceSwap', 'NeuralTextures'];
/** A pair of each official split. */
const pairs = ['071_054', '720_672', '953_974'];
const scene = 'hugging_happy';

/** The three data sets' trees, of three short videos that lie everywhere. */
function makeTrees(): void {
  const kinds = { real: numberedFrames(6, 64, 64), forged: numberedFrames(6, 64, 64, 2) };
  writeVideo(join(folder, 'real.mp4'), kinds.real);
  writeVideo(join(folder, 'forged.mp4'), kinds.forged);
  const mask = maskPicture(64, 64, [16, 16, 32, 32]);
  writeVideo(join(folder, 'mask.mp4'), Array(6).fill(mask));
  const lay = (kind: 'real' | 'forged' | 'mask', tree: string, path: string) => {
    const to = join(folder, tree, `${path}.mp4`);
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(join(folder, `${kind}.mp4`), to);
  };
  for (const pair of pairs) {
    for (const id of pair.split('_')) {
      lay('real', 'FaceForensics++', `original_sequences/youtube/c23/videos/${id}`);
    }
    for (const method of methods) {
      const at = `manipulated_sequences/${method}`;
      lay('forged', 'FaceForensics++', `${at}/c23/videos/${pair}`);
      lay('mask', 'FaceForensics++', `${at}/masks/videos/${pair}`);
    }
  }
  lay('real', 'Celeb-DF-v2', 'Celeb-real/id1_0000');
  lay('forged', 'Celeb-DF-v2', 'Celeb-synthesis/id1_id0_0000');
  lay('real', 'Celeb-DF-v2', 'YouTube-real/00170');
  const list = ['1 Celeb-real/id1_0000', '1 YouTube-real/00170', '0 Celeb-synthesis/id1_id0_0000'];
  const text = list.map((line) => `${line}.mp4\n`).join('');
  writeFileSync(join(folder, 'Celeb-DF-v2', 'List_of_testing_videos.txt'), text);
  const dfd = 'manipulated_sequences/DeepFakeDetection';
  lay('real', 'DFD', `original_sequences/actors/c23/videos/01__${scene}`);
  lay('forged', 'DFD', `${dfd}/c23/videos/01_02__${scene}__YVGY8LOK`);
  lay('mask', 'DFD', `${dfd}/masks/videos/01_02__${scene}__YVGY8LOK`);
}

test("from the data sets' own trees to Tables I and II, with the paper's rows beside", () => {
  needFfmpeg();
  makeTrees();
  const sets = [
    ['ffpp', 'FaceForensics++'],
    ['celebdf', 'Celeb-DF-v2'],
    ['dfd', 'DFD'],
  ].map(([command, tree]) => {
    const set = join(folder, command);
    const how = ['--frames', '2', '--size', '64', '--faces', 'whole', '--workers', '2'];
    done(['data', command, join(folder, tree), '--out', set, ...how]);
    return set;
  });
  const small = [
    ...['size=64', 'width=0.05', 'llsm.hidden=8'],
    ...['train.batch=4', 'train.iterations=2', 'train.epochs=1'],
  ].flatMap((value) => ['--set', value]);
  const out = join(folder, 'out');
  const args = ['--data', ...sets, ...small, '--runs', join(folder, 'runs'), '--workers', '0'];
  const { stdout } = done(['table', 'I', ...args, '--out', out]);
  const result = JSON.parse(readFileSync(join(out, 'table.json'), 'utf8')) as TableResult;
  assert.equal(
    result.data.map((one) => [one.title, one.standIn, one.compressions, one.perVideo, one.methods]),
    [
      [
        'FF++ (C23)',
        false,
        ['c23'],
        [2, 2, 2],
        Object.fromEntries(methods.map((method) => [method, 2])),
      ],
      ['Celeb-DF', false, [], [2, 2, 2], { 'Celeb-synthesis': 2 }],
      ['DFD', false, ['c23'], [2, 2, 2], { DeepFakeDetection: 2 }],
    ],
  );
  assert.equal(
    result.rows[0].cells.map(({ faces, videos }) => [faces?.real, faces?.forged, videos?.forged]),
    [
      [4, 8, 4],
      [4, 2, 1],
      [2, 2, 1],
    ],
  );
  assert.is(result.trainings[0].train.forged, 8);
  assert.is(result.paper.length, 17);
  assert.match(stdout, /^here, by video +[\d.]+ +[\d.]+ +[\d.]+$/m);
  assert.match(stdout, /made by data ffpp, .*frames 2/);

  const two = done(['table', 'II', ...args]);
  assert.match(two.stderr, /Training 1 of 1, .*: finished before/);
  assert.match(two.stdout, /^Missing \(FF\+\+ \(C40\)\): .*--compression c40/m);
  assert.match(two.stdout, /^here, by face +[\d.]+ +[\d.]+ +- +- +- +-$/m);
});
