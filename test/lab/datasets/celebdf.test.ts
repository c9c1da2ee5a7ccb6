import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import {
  type CelebDfOptions,
  makeCelebDfSet,
  parseTestList,
} from '../../../lab/datasets/celebdf.ts';
import { readManifest } from '../../../node/files/manifest.ts';
import { failure, photographs, temporaryFolder } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';
import { needFfmpeg, numberedFrames, writeVideo } from '../../support/videos.ts';

const options: CelebDfOptions = {
  list: null,
  frames: 3,
  size: 32,
  faces: { centre: 0.5 },
  maskThreshold: 31,
  limit: Number.POSITIVE_INFINITY,
  workers: 0,
};
const listName = 'List_of_testing_videos.txt';
const lines = [
  '1 YouTube-real/00170.mp4',
  '1 Celeb-real/id1_0000.mp4',
  '0 Celeb-synthesis/id1_id0_0007.mp4',
];

/** @param parts where the videos of each part are */
function tree(files: string[]): string {
  const folder = temporaryFolder();
  writeVideo(join(folder, 'one.mp4'), numberedFrames(5, 80, 64));
  for (const file of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    copyFileSync(join(folder, 'one.mp4'), join(folder, file));
  }
  writeFileSync(join(folder, listName), `${lines.join('\n')}\n`);
  return folder;
}

test('the list: 1 is real; a line that disagrees with its folder, or cannot be read, is an error', async () => {
  assert.equal(parseTestList(`${lines.join('\r\n')}\r\n`, 'list')[2], {
    part: 'Celeb-synthesis',
    stem: 'id1_id0_0007',
  });
  assert.is(parseTestList('1 Youtube-real/00170.mp4', 'list')[0].part, 'YouTube-real');
  const message = async (...more: string[]) =>
    (await failure(() => parseTestList([...lines, ...more].join('\n'), 'list.txt'))).message;
  assert.match(
    await message('0 Celeb-real/id2_0000.mp4'),
    /list\.txt line 4: it says 0 \(fake\) of a video in Celeb-real/,
  );
  assert.match(await message('1 Celeb-synthesis/id2_id0_0000.mp4'), /line 4: it says 1 \(real\)/);
  assert.match(
    await message('', '1 Other/id2_0000.mp4'),
    /line 5: "1 Other\/id2_0000\.mp4" has not the form/,
  );
  assert.match(await message(lines[1]), /line 4: Celeb-real\/id1_0000\.mp4 is listed twice/);
  assert.match((await failure(() => parseTestList('\n', 'list.txt'))).message, /lists no videos/);
});

test('listed videos are the test split; the rest is left out; folders of either form', async () => {
  needFfmpeg();
  for (const [real, inner] of [
    ['YouTube-real', ''],
    ['Youtube-real', 'videos/'],
  ]) {
    const folder = tree([
      `${real}/${inner}00170.mp4`,
      `Celeb-real/${inner}id1_0000.mp4`,
      `Celeb-synthesis/${inner}id1_id0_0007.mp4`,
      `Celeb-synthesis/${inner}id1_id0_0008.mp4`,
    ]);
    const out = join(temporaryFolder(), 'out');
    const result = await makeCelebDfSet(folder, out, options);
    assert.equal(result.splits, { train: 0, val: 0, test: 9 });
    const items = readManifest(out).filter(({ frame }) => frame === 2);
    assert.equal(
      items.map(({ video, label, method, people, mask }) => [
        video,
        label,
        method,
        people.join(),
        mask,
      ]),
      [
        ['celebdf/Celeb-real/id1_0000', 0, null, 'celebdf/id1', null],
        ['celebdf/YouTube-real/00170', 0, null, 'celebdf/00170', null],
        [
          'celebdf/Celeb-synthesis/id1_id0_0007',
          1,
          'Celeb-synthesis',
          'celebdf/id1,celebdf/id0',
          null,
        ],
      ],
    );
    assert.equal(
      result.dropped.map(({ file, reason }) => [file, reason.slice(0, 20)]),
      [['Celeb-synthesis/id1_id0_0008.mp4', 'not in the test list']],
    );
    assert.is(result.withoutMask, 3);
  }
});

test('a folder that lacks the list, a part, or a listed video', async () => {
  needFfmpeg();
  const folder = tree(['Celeb-real/id1_0000.mp4', 'YouTube-real/00170.mp4']);
  const message = async (more: Partial<CelebDfOptions> = {}) =>
    (await failure(makeCelebDfSet(folder, join(folder, 'out'), { ...options, ...more }))).message;
  assert.match(await message(), /Celeb-synthesis does not exist\. Name the folder/);
  mkdirSync(join(folder, 'Celeb-synthesis'));
  assert.match(
    await message(),
    /lists 1 videos that .* does not hold, the first of them Celeb-synthesis\/id1_id0_0007\.mp4/,
  );
  assert.match(
    await message({ list: join(folder, 'none.txt') }),
    /none\.txt cannot be read: .*It comes with/,
  );
});

test('the official list: 178 real and 340 forged videos, none of them in the wrong folder', () => {
  const path = join(photographs('splits'), 'celebdf-v2_List_of_testing_videos.txt');
  const listed = parseTestList(readFileSync(path, 'utf8'), path);
  const forged = listed.filter(({ part }) => part === 'Celeb-synthesis').length;
  assert.equal([listed.length - forged, forged], [178, 340]);
});
