/** `llsm detect` on videos of people who move, cross and leave, and on files that are none. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { parseCsv } from '../../node/files/csv.ts';
import { countFrames } from '../../node/files/video.ts';
import type { Finding, VideoFinding } from '../../src/detect/finding.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import { llsm } from '../support/command.ts';
import { temporaryFolder } from '../support/pictures.ts';
import { test } from '../support/run.ts';
import { backdrop, scene, threeHeads } from '../support/scenes.ts';
import { ffmpeg, needFfmpeg, writeVideo } from '../support/videos.ts';

const folder = temporaryFolder();
const file = (name: string) => join(folder, name);
const weights = fileURLToPath(
  new URL('../../../test/golden/mlp/weights.safetensors', import.meta.url),
);
const [width, height] = [640, 360];
const every = 5;
const [crossing, leaving] = [40, 30];

/** Where the middles of those who cross are in frame k, and of the one who leaves. */
const crossers = (k: number): [number, number] => [90 + 11.5 * k, 550 - 11.5 * k];
const leaver = (k: number): number => 420 + 11 * k;

/** Two who cross before one wall; a cut; one who leaves before another. */
async function people(): Promise<RgbImage[]> {
  const [one, , other] = await threeHeads(190);
  const [wall, another] = [backdrop(width, height, 1), backdrop(width, height, 4)];
  const dark = { ...another, data: another.data.map((value) => value / 3) };
  return [
    ...Array.from({ length: crossing }, (_, k) => {
      const [x, y] = crossers(k);
      return scene(wall, [
        [other, y, 150],
        [one, x, 210],
      ]);
    }),
    ...Array.from({ length: leaving }, (_, k) => scene(dark, [[other, leaver(k), 180]])),
  ];
}

const read = (path: string): { results: Finding[] } => JSON.parse(readFileSync(path, 'utf8'));

test('people who cross, a cut, one who leaves; and files that break off or are no videos', async () => {
  needFfmpeg();
  const clip = file('clip.mp4');
  writeVideo(clip, await people());
  const walls = Array.from({ length: 30 }, () => backdrop(96, 72, 2));
  writeVideo(file('wall.mkv'), walls, ['-g', '2']);
  const bytes = readFileSync(file('wall.mkv'));
  writeFileSync(file('short.mkv'), bytes.subarray(0, bytes.length * 0.6));
  ffmpeg('-f', 'lavfi', '-i', 'anullsrc', '-t', '0.1', '-c:a', 'aac', file('sound.mp4'));
  writeFileSync(file('list.mp4'), `ffconcat version 1.0\nfile '${clip}'\n`);
  writeFileSync(file('list.m3u8'), `#EXTM3U\n#EXTINF:1,\n${clip}\n#EXT-X-ENDLIST\n`);
  const names = ['clip.mp4', 'short.mkv', 'sound.mp4', 'list.mp4', 'list.m3u8'];
  const out = file('out');
  const args = [...names.map(file), '--weights', weights, '--every', `${every}`, '--out', out];
  const { status, stdout, stderr } = llsm(['detect', ...args]);
  assert.is(status, 1);
  assert.match(stderr, /llsm: 3 of 5 could not be looked at, 1 of 5 not to the end; see above\n$/);
  for (const told of [
    /short\.mkv is cut short: it should last 1\.2 s; what was found up to .* s stays/,
    /sound\.mp4 has no video stream/,
    /list\.mp4: ffprobe failed/,
    /list\.m3u8 is not an image/,
    /clip\.mp4: 14 frames in .* s: .* waiting for the decoder, .* finding faces, .* judging/,
  ]) {
    assert.match(stderr, told);
  }

  const { results } = read(join(out, 'results.json'));
  const finding = results[0] as VideoFinding;
  const { frames, tracks, faces, times, pictures } = finding;
  assert.equal(
    frames.map(({ frame }) => frame),
    Array.from({ length: 14 }, (_, k) => k * every),
  );
  assert.ok(frames.every(({ frame, time }) => Math.abs(time - frame / 25) < 1e-6));
  assert.equal(
    frames.filter(({ cut }) => cut).map(({ frame }) => frame),
    [crossing],
  );
  assert.is(tracks.length, 3, JSON.stringify(faces.map(({ frame, box }) => [frame, box])));
  const middleOf = (k: number): number => {
    const [x, , w] = faces[k].box as [number, number, number, number];
    return x + w / 2;
  };
  tracks.forEach((track, number) => {
    // In the first frame the finder gives the better face first, whichever that is.
    const from = middleOf(track.faces[0]) < width / 2 ? 0 : 1;
    for (const k of track.faces) {
      const { frame } = faces[k];
      const at = number < 2 ? crossers(frame)[from] : leaver(frame - crossing);
      assert.ok(Math.abs(middleOf(k) - at) < 50, `track ${number} in frame ${frame}`);
    }
  });
  assert.ok(tracks[0].faces.length >= 6 && tracks[1].faces.length >= 5);
  const last = faces[tracks[2].faces[tracks[2].faces.length - 1]].frame;
  assert.ok(last >= crossing + 5 && leaver(last - crossing) < width + 60, `${last}`);
  assert.is(frames[frames.length - 1].faces, 0);
  for (const track of tracks) {
    const mean = track.scores.reduce((sum, { probability }) => sum + probability, 0);
    assert.ok(Math.abs(mean / track.scores.length - (track.probability ?? 0)) < 1e-9);
  }
  const { total, ...parts } = times;
  const sum = Object.values(parts).reduce((all, seconds) => all + seconds, 0);
  assert.ok(sum > 0 && sum <= total, JSON.stringify(times));

  const short = results[1] as VideoFinding;
  assert.equal([short.verdict, short.tracks], ['no face found', []]);
  assert.ok(short.frames.length >= 2);
  assert.match(short.error?.message ?? '', /cut short/);
  assert.equal(
    results.slice(2).map(({ verdict, faces: none }) => [verdict, none.length]),
    [
      [null, 0],
      [null, 0],
      [null, 0],
    ],
  );

  const svg = readFileSync(join(out, pictures?.timeline ?? ''), 'utf8');
  assert.match(svg, /^<svg .*track 3: /s);
  // 5 frames a second are shown at 12: as long as the clip, but for the last frame.
  const shown = await countFrames(join(out, pictures?.video ?? ''));
  assert.is(shown, Math.round((65 / 25) * 12) + 1);
  const [head, ...rows] = parseCsv(readFileSync(join(out, 'frames.csv'), 'utf8'));
  const without = [...frames, ...short.frames].filter((frame) => frame.faces === 0).length;
  assert.is(rows.length, faces.length + without);
  const column = (name: string) => rows.map((row) => row[head.indexOf(name)]);
  assert.equal(
    column('probability').filter((text) => text !== ''),
    faces.map(({ probability }) => String(probability)),
  );
  assert.not(readdirSync(out).some((name) => name.includes('.part-')));
  const lines = stdout.split('\n').filter((line) => line.startsWith(clip));
  assert.is(lines.length, 4);
  assert.match(lines[0], /14 frames up to 2\.6 s {3}2 shots {3}3 tracks/);
});

test('--json and --max-frames: no files, the rule named; a name that says nothing of a video', () => {
  needFfmpeg();
  writeVideo(
    file('plain.mp4'),
    Array.from({ length: 9 }, () => backdrop(96, 72, 2)),
  );
  writeFileSync(file('unnamed'), readFileSync(file('plain.mp4')));
  const args = ['--every', '2', '--max-frames', '2', '--video-score', 'logit', '--json'];
  const faces = ['--faces', 'whole', '--views', 'one', '--weights', weights];
  const { status, stdout, stderr } = llsm(['detect', file('unnamed'), ...args, ...faces]);
  assert.is(status, 0, stderr);
  const [finding] = JSON.parse(stdout).results as VideoFinding[];
  assert.equal(
    finding.frames.map(({ frame }) => frame),
    [0, 2],
  );
  assert.equal([finding.videoScore, finding.tracks.length], ['logit', 1]);
  assert.is(finding.pictures, undefined);
  assert.not(existsSync(file('unnamed.timeline.svg')));
});

test('called wrongly it exits with 2', () => {
  for (const wrong of [
    ['--every', '0'],
    ['--max-frames', '0'],
    ['--video-score', 'best'],
  ]) {
    const { status, stderr } = llsm(['detect', 'x.mp4', ...wrong]);
    assert.is(status, 2, stderr);
  }
});
