import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { runFfmpeg } from '../../../node/files/ffmpeg.ts';
import { everyNth, readTiming } from '../../../node/files/timed-frames.ts';
import { VideoWriter } from '../../../node/files/video-writer.ts';
import { failure, temporaryFolder } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';
import { ffmpeg, needFfmpeg, numberedFrames, numberOn, writeVideo } from '../../support/videos.ts';

const folder = temporaryFolder();
const file = (name: string) => join(folder, name);

/** A video of 40 frames, 25 a second, each with its number on it. */
function plain(): string {
  const path = file('plain.mp4');
  if (!made) writeVideo(path, numberedFrames(40, 96, 72));
  made = true;
  return path;
}
let made = false;

/** What came of a video: numbers of the frames, what is written on them, times; why it ended. */
async function read(path: string, every: number, most = Number.POSITIVE_INFINITY) {
  const timing = await readTiming(path);
  const [frames, numbers, times] = [[] as number[], [] as number[], [] as number[]];
  let [size, error] = ['', ''];
  try {
    for await (const { frame, time, image } of everyNth(path, timing, { every, most })) {
      frames.push(frame);
      numbers.push(numberOn(image));
      times.push(time);
      size = `${image.width} x ${image.height}`;
    }
  } catch (thrown) {
    error = (thrown as Error).message;
  }
  return { frames, numbers, times: times.map((time) => Number(time.toFixed(3))), size, error };
}

test('one frame in N with its number and time, and no more than asked for', async () => {
  needFfmpeg();
  const { frames, numbers, times, error } = await read(plain(), 10);
  assert.equal(
    [frames, numbers],
    [
      [0, 10, 20, 30],
      [0, 10, 20, 30],
    ],
  );
  assert.equal([times, error], [[0, 0.4, 0.8, 1.2], '']);
  assert.equal((await read(plain(), 7, 3)).numbers, [0, 7, 14]);
  assert.equal((await read(plain(), 1)).numbers.length, 40);
  assert.equal((await read(plain(), 100)).numbers, [0]);
});

test('a variable rate: the times are those of the frames', async () => {
  needFfmpeg();
  // Frames 10 to 29 are left out, and the 20 that stay keep their times.
  const select = "select='not(between(n,10,29))'";
  ffmpeg('-i', plain(), '-vf', select, '-vsync', 'vfr', file('vfr.mkv'));
  const { frames, numbers, times } = await read(file('vfr.mkv'), 4);
  assert.equal(frames, [0, 4, 8, 12, 16]);
  assert.equal(numbers, [0, 4, 8, 32, 36]);
  assert.equal(times, [0, 0.16, 0.32, 1.28, 1.44]);
});

test('frames that come before they are shown, an edit list, and a beginning that is not at 0', async () => {
  needFfmpeg();
  writeVideo(file('bframes.mp4'), numberedFrames(30, 96, 72), ['-bf', '3']);
  const { numbers, times } = await read(file('bframes.mp4'), 6);
  assert.equal(
    [numbers, times],
    [
      [0, 6, 12, 18, 24],
      [0, 0.24, 0.48, 0.72, 0.96],
    ],
  );
  ffmpeg('-ss', '0.5', '-i', plain(), '-c', 'copy', file('cut.mp4'));
  const cut = await read(file('cut.mp4'), 5);
  assert.equal(
    cut.numbers.map((number) => number - cut.numbers[0]),
    cut.frames,
  );
  assert.is(cut.times[1], 0.2);
  ffmpeg('-itsoffset', '3', '-i', plain(), '-c', 'copy', file('late.mkv'));
  assert.equal((await read(file('late.mkv'), 20)).times, [0, 0.8]);
});

test('a turned video is turned', async () => {
  needFfmpeg();
  writeVideo(file('lying.mp4'), numberedFrames(3, 96, 72));
  try {
    ffmpeg('-display_rotation', '90', '-i', file('lying.mp4'), '-c', 'copy', file('turned.mp4'));
  } catch {
    // Before version 6 it is said so.
    ffmpeg('-i', file('lying.mp4'), '-c', 'copy', '-metadata:s:v', 'rotate=90', file('turned.mp4'));
  }
  assert.is((await read(file('turned.mp4'), 1)).size, '72 x 96');
});

test('cut short or damaged: the frames before come, then why there are no more', async () => {
  needFfmpeg();
  ffmpeg('-i', plain(), '-c', 'copy', '-movflags', 'faststart', file('fast.mp4'));
  ffmpeg('-i', plain(), '-c', 'copy', file('fast.mkv'));
  for (const name of ['fast.mp4', 'fast.mkv']) {
    const whole = readFileSync(file(name));
    const path = file(`short-${name}`);
    writeFileSync(path, whole.subarray(0, whole.length * 0.6));
    const { frames, numbers, error } = await read(path, 4);
    assert.ok(frames.length >= 2 && frames.length < 9, `${name}: ${frames}`);
    assert.equal(numbers, frames);
    assert.match(error, /short-fast\.(mp4|mkv) is cut short: it should last 1\.6 s; .*stays$/);
    assert.is((await read(path, 4, 2)).error, '');
  }
  const damaged = readFileSync(plain());
  for (let i = 0; i < 600; i++) damaged[(damaged.length >> 1) + i] ^= 0x5a;
  writeFileSync(file('damaged.mp4'), damaged);
  const { frames, numbers, error } = await read(file('damaged.mp4'), 1);
  assert.ok(frames.length > 2 && frames.length < 40);
  assert.equal(numbers, frames);
  assert.match(
    error,
    /damaged\.mp4: ffmpeg failed .*; what was found up to frame \d+ \(.* s\) stays/,
  );
});

test('no video stream, no frames, no video, no file: an error that names the file', async () => {
  needFfmpeg();
  const message = async (path: string) => (await failure(readTiming(path))).message;
  ffmpeg('-f', 'lavfi', '-i', 'anullsrc', '-t', '0.1', '-c:a', 'aac', file('sound.mp4'));
  assert.match(await message(file('sound.mp4')), /sound\.mp4 has no video stream/);
  ffmpeg('-i', plain(), '-frames:v', '0', '-c:v', 'libx264', file('none.mp4'));
  assert.match(await message(file('none.mp4')), /none\.mp4.* (holds no frames|no video stream)/);
  writeFileSync(file('empty.mp4'), '');
  assert.match(await message(file('empty.mp4')), /empty\.mp4: ffprobe failed/);
  const bytes = readFileSync(plain());
  writeFileSync(file('headless.mp4'), bytes.subarray(0, bytes.length >> 1));
  assert.match(await message(file('headless.mp4')), /headless\.mp4: ffprobe .*moov atom not found/);
  assert.match(await message(file('nowhere.mp4')), /nowhere\.mp4: ffprobe failed/);
});

test('a list of other files is refused, whatever it is called', async () => {
  needFfmpeg();
  copyFileSync(plain(), file('other.mp4'));
  const lists = {
    'hls.mp4': ['#EXTM3U', '#EXT-X-TARGETDURATION:1', '#EXTINF:1,', 'other.mp4', '#EXT-X-ENDLIST'],
    'concat.mp4': ['ffconcat version 1.0', 'file other.mp4'],
    'web.mkv': ['#EXTM3U', '#EXTINF:1,', 'http://127.0.0.1:9/a.ts', '#EXT-X-ENDLIST'],
    'dash.webm': ['<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>'],
  };
  for (const [name, lines] of Object.entries(lists)) {
    writeFileSync(file(name), lines.join('\n'));
    assert.match(
      (await failure(readTiming(file(name)))).message,
      new RegExp(`${name}: ffprobe failed`),
    );
  }
});

test('a caller that stops ends the decoding', async () => {
  needFfmpeg();
  const timing = await readTiming(plain());
  const frames = everyNth(plain(), timing, { every: 1, most: 40 });
  assert.is((await frames.next()).value?.frame, 0);
  await frames.return();
  assert.ok((await frames.next()).done);
});

test('a written video shows each picture for its time, is whole or not there', async () => {
  needFfmpeg();
  const path = file('written.mp4');
  const writer = new VideoWriter(path, 2.5);
  const pictures = numberedFrames(3, 95, 71);
  for (const [k, time] of [0, 0.5, 1.5].entries()) await writer.add(pictures[k], time);
  assert.ok(await writer.end());
  const { numbers, times, size } = await read(path, 1);
  assert.is(size, '96 x 72');
  const rate = 12;
  assert.is(numbers.filter((number) => number === 0).length, rate * 0.5);
  assert.is(numbers.filter((number) => number === 1).length, rate);
  assert.ok(Math.abs(times[1] - 1 / rate) < 0.002);
  const streams = await runFfmpeg(
    'ffprobe',
    ['-show_entries', 'stream=codec_name,pix_fmt', '-of', 'csv=p=0', path],
    path,
  );
  assert.is(streams.toString().trim(), 'h264,yuv420p');
  const nowhere = new VideoWriter(file('no/such/folder/x.mp4'), 25);
  const error = await failure(async () => {
    await nowhere.add(pictures[0], 0);
    await nowhere.end();
  });
  assert.match(error.message, /x\.mp4: ffmpeg failed .*No such file/);
  assert.not(await new VideoWriter(file('none-at-all.mp4'), 25).end());
});
