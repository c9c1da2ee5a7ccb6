/** Videos on the page: in Chromium on SwiftShader, made by ffmpeg from the page's own samples. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { everyNth, readTiming } from '../../node/files/timed-frames.ts';
import { nodeHost } from '../../node/host.ts';
import { hasProgram } from '../../scripts/tools.js';
import { Detector } from '../../src/detect/detector.ts';
import type { VideoFinding } from '../../src/detect/finding.ts';
import { provideHost } from '../../src/detect/host.ts';
import { examineVideo } from '../../src/detect/video.ts';
import {
  launch,
  type Serving,
  servePage,
  visit,
  type Watched,
  wrongFor,
} from '../support/browser.ts';
import { temporaryFolder } from '../support/pictures.ts';
import { suite } from '../support/run.ts';
import { needTool } from '../support/tools.ts';
import { ffmpeg } from '../support/videos.ts';

const test = suite('videos on the page');
const patience = 240_000;
const folder = temporaryFolder();
const file = (name: string) => join(folder, name);
let browser: Browser;
let serving: Serving;
let seen: Watched;

/** VP8, a frame in `apart` one that can be begun at. */
const vp8 = (apart: number) => [
  ...['-c:v', 'libvpx', '-b:v', '4M', '-deadline', 'realtime', '-cpu-used', '8'],
  ...['-g', `${apart}`, '-cluster_time_limit', '200'],
];
const drawn = (pattern: string) => ['-f', 'lavfi', '-i', pattern];

/** One second of a drawn person with another's mouth, and one of somebody else after a cut. */
function twoPeople(path: string): void {
  const still = (name: string) => [
    ...['-loop', '1', '-framerate', '25', '-t', '1'],
    ...['-i', join('web/static/samples', name)],
  ];
  const scaled = 'scale=384:384,setsar=1';
  const joined = `[0:v]${scaled}[a];[1:v]${scaled}[b];[a][b]concat=n=2,format=yuv420p`;
  const inputs = [...still('anna-mouth.jpg'), ...still('ben.jpg')];
  ffmpeg(...inputs, '-filter_complex', joined, ...vp8(25), path);
}

test.before(async () => {
  if (!hasProgram('chromium') || !hasProgram('ffmpeg')) return;
  twoPeople(file('two.webm'));
  serving = await servePage(0);
  browser = await launch();
  seen = await visit(browser, serving, { viewport: { width: 1200, height: 900 } });
  seen.page.setDefaultTimeout(patience);
});
test.after(async () => {
  await browser?.close();
  serving?.server.close();
});

/** A test that needs the browser and ffmpeg. */
function inBrowser(name: string, body: (page: Page) => Promise<void>): void {
  test(name, async () => {
    needTool('chromium');
    needTool('ffmpeg');
    await body(seen.page);
  });
}

const give = (page: Page, name: string) => page.setInputFiles('#file', file(name));

async function findingOf(page: Page): Promise<VideoFinding> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.click('#video-download'),
  ]);
  const { results } = JSON.parse(readFileSync(await download.path(), 'utf8'));
  assert.is(results.length, 1);
  return results[0];
}

const judged = (page: Page) => page.waitForSelector('#video-judged:not([hidden])');

async function problemWith(page: Page, name: string): Promise<string> {
  await give(page, name);
  await page.waitForFunction(
    (said) => document.querySelector('#problem-text')?.textContent?.includes(said),
    name,
  );
  assert.ok(await page.isHidden('#video'));
  assert.ok(await page.isHidden('#video-stop'));
  return (await page.textContent('#problem-text')) ?? '';
}

inBrowser('says of a video what Node says, and shows it', async (page) => {
  await give(page, 'two.webm');
  await judged(page);
  const found = await findingOf(page);

  provideHost(nodeHost);
  const detector = await Detector.load();
  const path = file('two.webm');
  const frames = everyNth(path, await readTiming(path), { every: 10, most: 120 });
  const wanted = await detector.inTurn((examiner) =>
    examineVideo(examiner, frames, { file: 'two.webm' }),
  );
  detector.dispose();
  const places = ({ frames: all }: VideoFinding) =>
    all.map(({ frame, time, cut, faces }) => [frame, Math.round(1000 * time), cut, faces]);
  assert.equal(places(found), places(wanted));
  assert.equal(
    found.frames.map(({ frame }) => frame),
    [0, 10, 20, 30, 40],
  );
  assert.equal(
    found.tracks.map(({ faces }) => faces),
    wanted.tracks.map(({ faces }) => faces),
  );
  assert.is(found.tracks.length, 2);
  for (const [k, { box, probability }] of wanted.faces.entries()) {
    const own = found.faces[k];
    const apart = (box ?? []).map((value, at) => Math.abs(value - (own.box?.[at] ?? 0)));
    assert.ok(apart.length === 4 && Math.max(...apart) < 1, `face ${k}: ${apart}`);
    // Up to 0.023 was seen where ffmpeg smoothed the chroma, which Chromium does not.
    const off = Math.abs((own.probability ?? 9) - (probability ?? 0));
    assert.ok(off < 0.05, `face ${k}: ${own.probability}, in Node ${probability}`);
  }
  assert.is(found.error, null);
  assert.match(found.sha256 ?? '', /^[0-9a-f]{64}$/);

  assert.is(await page.textContent('#video-verdict .word'), found.verdict);
  assert.is(await page.locator('#video-tracks tbody tr').count(), 2);
  const highest = Math.max(...found.faces.map(({ probability }) => probability ?? 0));
  assert.match((await page.textContent('#video-frame-note')) ?? '', highest.toFixed(3));
  assert.match((await page.textContent('#video-verdict')) ?? '', '5 frames were looked at');
  const width = await page.evaluate(async () => {
    const image = document.querySelector<HTMLImageElement>('#video-timeline');
    await image?.decode();
    return image?.naturalWidth;
  });
  assert.is(width, 760);
  assert.equal(await wrongFor(page), []);
});

inBrowser('stops when asked to, and goes on with the next', async (page) => {
  await give(page, 'two.webm');
  await page.click('#video-stop');
  assert.ok(await page.isHidden('#video'));
  assert.ok(await page.isHidden('#status'));
  assert.ok(await page.isHidden('#problem'));
  await page.click('#samples img[src$="/anna.jpg"]');
  await page.waitForSelector('#verdict .word');
  assert.ok(await page.isHidden('#video'));
});

inBrowser('a video that is cut short: what was found stays', async (page) => {
  ffmpeg(...drawn('testsrc2=size=96x72:rate=25:duration=1.6'), ...vp8(5), file('wall.webm'));
  const bytes = readFileSync(file('wall.webm'));
  writeFileSync(file('short.webm'), bytes.subarray(0, bytes.length * 0.6));
  await give(page, 'short.webm');
  await judged(page);
  const { frames, error, verdict } = await findingOf(page);
  assert.ok(frames.length > 0 && frames.length < 4, `${frames.length} frames`);
  assert.is(verdict, 'no face found');
  assert.match(error?.message ?? '', /short\.webm is cut short: it should last 1\.6 s/);
  assert.match((await page.textContent('#video-error')) ?? '', 'is cut short');
});

/** Makes the page ask for so many frames at most, from now on. */
const bound = (page: Page, most: number) =>
  page.evaluate((frames) => {
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (message, ...more: unknown[]) {
      if (message.call === 'watch') message.given.most = frames;
      return Reflect.apply(post, this, [message, ...more]);
    };
  }, most);

inBrowser(
  'takes MP4 too, turned and with longer sound, and no more frames than it says',
  async (page) => {
    // VP9, which every Chromium decodes; the turn is told in the file alone.
    const [wall, sound] = ['testsrc2=size=96x72:rate=25:duration=1', 'anullsrc'].map(drawn);
    ffmpeg(...wall, ...['-c:v', 'libvpx-vp9', '-deadline', 'realtime'], file('lying.mp4'));
    try {
      ffmpeg('-display_rotation', '90', '-i', file('lying.mp4'), '-c', 'copy', file('turned.mp4'));
    } catch {
      // An ffmpeg before 6 says it so.
      const turned = ['-metadata:s:v', 'rotate=90', file('turned.mp4')];
      ffmpeg('-i', file('lying.mp4'), '-c', 'copy', ...turned);
    }
    const said = ['-map', '0:v', '-map', '1:a', '-c:a', 'libopus'];
    ffmpeg(...wall, ...sound, '-t', '4', ...said, ...vp8(5), file('sounding.webm'));
    await give(page, 'sounding.webm');
    await judged(page);
    const sounding = await findingOf(page);
    assert.is(sounding.frames.length, 3);
    assert.is(sounding.error, null);
    assert.not.match((await page.textContent('#video-verdict')) ?? '', 'The video goes on');
    await bound(page, 2);
    await give(page, 'turned.mp4');
    await judged(page);
    const turned = await findingOf(page);
    assert.equal(
      turned.frames.map(({ frame }) => frame),
      [0, 10],
    );
    assert.is(turned.error, null);
    assert.match((await page.textContent('#video-verdict')) ?? '', 'The video goes on');
    const size = await page.evaluate(() => {
      const frame = document.querySelector<HTMLCanvasElement>('#video-frame');
      return [frame?.width, frame?.height];
    });
    assert.equal(size, [72, 96]);
  },
);

inBrowser('says what is wrong with a file in plain words', async (page) => {
  ffmpeg(...drawn('anullsrc'), '-t', '0.1', '-c:a', 'libopus', file('sound.webm'));
  const wall = drawn('testsrc2=size=96x72:rate=25:duration=0.4');
  ffmpeg(...wall, '-c:v', 'mpeg4', file('old.mp4'));
  writeFileSync(file('notes.mp4'), 'this is no video');
  assert.match(await problemWith(page, 'sound.webm'), 'has no video stream');
  assert.match(await problemWith(page, 'old.mp4'), /this browser cannot decode/);
  assert.match(await problemWith(page, 'notes.mp4'), /not a video that this page knows/);
});

inBrowser('nothing was complained of, and nobody else was asked', async () => {
  assert.equal(seen.complaints, []);
  assert.equal(seen.outside, []);
});
