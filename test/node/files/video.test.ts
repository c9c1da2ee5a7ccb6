import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { openVideo, runFfmpeg, streamFfmpeg } from '../../../node/files/ffmpeg.ts';
import { countFrames, pickFrames, readFrames } from '../../../node/files/video.ts';
import { failure, temporaryFolder } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';
import {
  ffmpeg,
  maskPicture,
  needFfmpeg,
  numberedFrames,
  numberOn,
  writeVideo,
} from '../../support/videos.ts';

const folder = temporaryFolder();
const file = (name: string) => join(folder, name);
const plain = file('plain.mp4');

/** Places that were asked, what is written on the frames that came, and their size. */
async function read(path: string, wanted: number, total?: number) {
  const [indices, numbers] = [[] as number[], [] as number[]];
  let size = '';
  for await (const frame of readFrames(path, 'rgb', total ?? (await countFrames(path)), wanted)) {
    indices.push(frame.index);
    numbers.push(numberOn(frame));
    size = `${frame.width} x ${frame.height}`;
  }
  return { indices, numbers, size };
}

test('places: evenly over the whole, as numpy.linspace(0, total - 1, wanted).astype(int)', () => {
  assert.equal(pickFrames(20, 5), [0, 4, 9, 14, 19]);
  assert.equal(pickFrames(3, 8), [0, 1, 2]);
  assert.equal(pickFrames(9, 1), [4]);
  for (const [total, wanted] of [
    [500, 32],
    [101, 50],
    [33, 32],
  ]) {
    const picks = pickFrames(total, wanted);
    assert.is(new Set(picks).size, wanted);
    assert.equal([picks[0], picks[wanted - 1]], [0, total - 1]);
  }
});

test('frames are those that were asked, whatever their number', async () => {
  needFfmpeg();
  writeVideo(plain, numberedFrames(40, 96, 72));
  assert.is(await countFrames(plain), 40);
  for (const wanted of [1, 7, 39, 64]) {
    const { indices, numbers, size } = await read(plain, wanted);
    assert.equal(indices, pickFrames(40, wanted));
    assert.equal(numbers, indices);
    assert.is(size, '96 x 72');
  }
});

test('a variable rate, B-frames, an odd size, an edit list, a turned picture', async () => {
  needFfmpeg();
  // Frames 10 to 19 are left out, and their time with the frame before them.
  ffmpeg('-i', plain, '-vf', "select='not(between(n,10,19))'", file('vfr.mkv'));
  assert.equal((await read(file('vfr.mkv'), 4)).numbers, [0, 9, 29, 39]);

  writeVideo(file('odd.mp4'), numberedFrames(12, 95, 71), ['-bf', '2']);
  const odd = await read(file('odd.mp4'), 5);
  assert.equal([odd.numbers, odd.size], [[0, 2, 5, 8, 11], '95 x 71']);

  // The copy begins at a key frame before the cut, with an edit list that leaves the rest out.
  ffmpeg('-ss', '0.5', '-i', plain, '-c', 'copy', file('cut.mp4'));
  const listed = await runFfmpeg(
    'ffprobe',
    ['-show_entries', 'packet=flags', '-of', 'csv=p=0', ...openVideo(file('cut.mp4'))],
    'cut',
  );
  assert.ok(listed.toString().includes('D'), 'the edit list leaves packets out');
  const cut = await read(file('cut.mp4'), 100);
  assert.ok(cut.numbers.length < 32);
  assert.is(await countFrames(file('cut.mp4')), cut.numbers.length);
  assert.equal(
    cut.numbers,
    cut.numbers.map((_, k) => k + 40 - cut.numbers.length),
  );

  writeVideo(file('lying.mp4'), numberedFrames(3, 96, 72));
  try {
    ffmpeg('-display_rotation', '90', '-i', file('lying.mp4'), '-c', 'copy', file('turned.mp4'));
  } catch {
    // Before version 6 it is said so.
    ffmpeg('-i', file('lying.mp4'), '-c', 'copy', '-metadata:s:v', 'rotate=90', file('turned.mp4'));
  }
  assert.is((await read(file('turned.mp4'), 3)).size, '72 x 96');
});

test('masks: grey over the whole range; a shorter one ends', async () => {
  needFfmpeg();
  writeVideo(
    file('mask.mp4'),
    Array.from({ length: 10 }, () => maskPicture(96, 72, [24, 16, 32, 40])),
  );
  const indices: number[] = [];
  for await (const { index, data } of readFrames(file('mask.mp4'), 'grey', 40, 8)) {
    indices.push(index);
    assert.is(data.length, 96 * 72);
    assert.ok(data[0] <= 2 && data[36 * 96 + 40] >= 253, `${data[0]} ${data[36 * 96 + 40]}`);
  }
  assert.equal(indices, [0, 5]);
});

test('damaged, cut short, empty, without frames, no video: an error that names the file', async () => {
  needFfmpeg();
  const bytes = readFileSync(plain);
  const damaged = Buffer.from(bytes);
  for (let i = 0; i < 600; i++) damaged[(bytes.length >> 1) + i] ^= 0x5a;
  writeFileSync(file('damaged.mp4'), damaged);
  assert.match(
    (await failure(read(file('damaged.mp4'), 40))).message,
    /damaged\.mp4: ffmpeg failed \((?!.*0x)/,
  );

  writeFileSync(file('cut-short.mp4'), bytes.subarray(0, bytes.length >> 1));
  assert.match(
    (await failure(countFrames(file('cut-short.mp4')))).message,
    /cut-short\.mp4: ffprobe failed .*moov atom not found/,
  );
  ffmpeg('-i', plain, '-c', 'copy', '-movflags', 'faststart', file('fast.mp4'));
  const fast = readFileSync(file('fast.mp4'));
  writeFileSync(file('fast-cut.mp4'), fast.subarray(0, fast.length * 0.6));
  assert.match((await failure(read(file('fast-cut.mp4'), 40, 40))).message, /ffmpeg failed/);

  writeFileSync(file('empty.mp4'), '');
  assert.match((await failure(countFrames(file('empty.mp4')))).message, /empty\.mp4: ffprobe/);
  ffmpeg('-f', 'lavfi', '-i', 'anullsrc', '-t', '0.1', '-c:a', 'aac', file('sound.mp4'));
  assert.is(await countFrames(file('sound.mp4')), 0);
  ffmpeg('-i', plain, '-frames:v', '0', '-c:v', 'libx264', file('none.mp4'));
  assert.is(await countFrames(file('none.mp4')), 0);
});

test('a name is a file, never an address or a list of others', async () => {
  needFfmpeg();
  const [odd, here] = [temporaryFolder(), process.cwd()];
  process.chdir(odd);
  try {
    for (const name of ['-vf.mp4', 'http:host.mp4', "a'b %03d [x];$(id).mp4"]) {
      copyFileSync(plain, name);
      assert.equal((await read(name, 2)).numbers, [0, 39], name);
    }
  } finally {
    process.chdir(here);
  }
  writeFileSync(file('list.mp4'), `ffconcat version 1.0\nfile '${plain}'\n`);
  assert.match((await failure(countFrames(file('list.mp4')))).message, /list\.mp4: ffprobe failed/);
  const playlist = ['#EXTM3U', '#EXT-X-TARGETDURATION:1', '#EXTINF:1,', plain, '#EXT-X-ENDLIST'];
  writeFileSync(file('hls.mp4'), playlist.join('\n'));
  assert.match((await failure(countFrames(file('hls.mp4')))).message, /hls\.mp4: ffprobe failed/);
});

test('limits of time, output and memory; a caller that stops', async () => {
  needFfmpeg();
  const endless = ['-f', 'lavfi', '-i', 'testsrc2', '-f', 'rawvideo', 'pipe:1'];
  const message = async (options: object) =>
    (await failure(runFfmpeg('ffmpeg', endless, 'x', options))).message;
  assert.match(await message({ mostBytes: 1e6 }), /x: ffmpeg wrote more than 1000000 bytes/);
  const slow = ['-re', ...endless.slice(0, 4), '-f', 'null', '-'];
  const late = await failure(runFfmpeg('ffmpeg', slow, 'x', { seconds: 0.5 }));
  assert.match(late.message, /x: ffmpeg took more than 0\.5 seconds/);
  assert.match(await message({ memory: 2 ** 20 }), /x: ffmpeg failed/);
  let bytes = 0;
  for await (const chunk of streamFfmpeg('ffmpeg', endless, 'x')) {
    bytes += chunk.length;
    if (bytes > 1e5) break;
  }
  assert.ok(bytes < 1e7);
});

test('where it is not installed, what to install is said', async () => {
  const path = process.env.PATH;
  process.env.PATH = folder;
  try {
    const { message } = await failure(runFfmpeg('ffprobe', ['-version'], 'clip.mp4'));
    assert.match(message, /clip\.mp4: this needs ffprobe, which is not installed/);
  } finally {
    process.env.PATH = path;
  }
});
