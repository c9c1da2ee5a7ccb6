import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { OwnRedis } from '../../bench/scan/redis.ts';
import { parseLine } from '../../node/scan/line.ts';
import { Connection } from '../../node/scan/queue/connect.ts';
import type { VideoPart } from '../../node/scan/video.ts';
import type { VideoFinding } from '../../src/detect/finding.ts';
import { llsm } from '../support/command.ts';
import { drawnPicture, temporaryFolder } from '../support/pictures.ts';
import { test } from '../support/run.ts';
import { needTool } from '../support/tools.ts';
import { needFfmpeg, writeVideo } from '../support/videos.ts';

const folder = temporaryFolder();
const weights = fileURLToPath(
  new URL('../../../test/golden/mlp/weights.safetensors', import.meta.url),
);
const video = join(folder, 'v.mp4');
const list = join(folder, 'list.txt');
const look = ['--weights', weights, '--faces', 'whole', '--every', '2'];
/** Ten minutes at a frame in ten seconds: of every second frame, ten parts of three. */
const [parts, frames] = [10, 30];

/** Options for Node with which it is sent SIGTERM when it is told of the second part of a video. */
const stoppedInMid = (() => {
  const source = `
    import { ChildProcess } from 'node:child_process';
    const { emit } = ChildProcess.prototype;
    let left = 2;
    ChildProcess.prototype.emit = function (name, message, ...rest) {
      const part = name === 'message' && typeof message === 'object' && 'part' in message;
      if (part && --left === 0) process.kill(process.pid, 'SIGTERM');
      return emit.call(this, name, message, ...rest);
    };`;
  return ['--import', `data:text/javascript,${encodeURIComponent(source)}`];
})();

const linesOf = (out: string) =>
  readFileSync(out, 'utf8')
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => parseLine(text, out) as unknown as VideoFinding & { tries: number });

function make(): void {
  needFfmpeg();
  if (existsSync(video)) return;
  const pictures = Array.from({ length: 60 }, (_, k) => drawnPicture(96, 80, 1 + k));
  writeVideo(video, pictures, ['-vf', 'setpts=250*PTS', '-r', '0.1']);
  writeFileSync(list, `${video}\n`);
}

/** Gives a kept part a score that no network would, so that it is known again in the line. */
const marked = (part: VideoPart): VideoPart => ({
  ...part,
  finding: {
    ...part.finding,
    faces: part.finding.faces.map((face) => ({ ...face, probability: 0.123456789 })),
  },
});

/** The line has all frames; those of the kept part as it was kept, and the others looked at. */
function check(finding: VideoFinding, whole: VideoFinding): void {
  assert.equal([finding.error, finding.frames.length], [null, frames]);
  assert.equal(finding.frames, whole.frames);
  const scores = ({ faces }: VideoFinding) => faces.map(({ probability }) => probability as number);
  assert.equal(scores(finding).slice(0, 3), [0.123456789, 0.123456789, 0.123456789]);
  for (const [k, score] of scores(finding).slice(3).entries()) {
    assert.ok(Math.abs(score - scores(whole)[k + 3]) < 1e-5, String(k));
  }
}

let whole: VideoFinding;

test('SIGTERM in mid-video: its parts are kept, and the next run goes on with the next', () => {
  make();
  const first = join(folder, 'whole.ndjson');
  const all = llsm(['scan', list, '--out', first, ...look]);
  assert.is(all.status, 0, all.stderr);
  whole = linesOf(first)[0];
  assert.equal([whole.error, whole.frames.length], [null, frames]);
  assert.not.ok(existsSync(`${first}.parts`));

  const out = join(folder, 'stopped.ndjson');
  const stopped = llsm(['scan', list, '--out', out, ...look], {}, stoppedInMid);
  assert.is(stopped.status, 75, stopped.stderr);
  assert.match(stopped.stdout, /^Stopped\. Run it again to go on/m);
  assert.equal(linesOf(out), []);
  const path = `${out}.parts`;
  const kept = readFileSync(path, 'utf8')
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => JSON.parse(text));
  const indices = kept.map(({ part }) => part.index);
  assert.ok(indices.length >= 2 && indices.length < parts, String(indices));
  assert.equal(
    indices,
    indices.map((_, i) => i),
  );
  kept[0].part = marked(kept[0].part);
  writeFileSync(path, kept.map((part) => `${JSON.stringify(part)}\n`).join(''));
  const last = llsm(['scan', list, '--out', out, ...look]);
  assert.is(last.status, 0, last.stderr);
  const [line, ...more] = linesOf(out);
  assert.equal(more, []);
  check(line, whole);
  assert.not.ok(existsSync(path));
});

test('a worker stopped in mid-video: another one goes on with the next part', async () => {
  make();
  needTool('redis-server');
  const home = join(folder, 'redis');
  mkdirSync(home);
  const redis = await OwnRedis.start(home);
  const queue = ['--queue', redis.url, ...look];
  assert.is(llsm(['scan', 'enqueue', list, ...queue]).status, 0);
  const stopped = llsm(['scan', 'work', '--until-empty', ...queue], {}, stoppedInMid);
  assert.is(stopped.status, 75, stopped.stderr);

  const told = JSON.parse(llsm(['scan', 'status', '--json', ...queue]).stdout);
  assert.equal([told.jobs.waiting, told.jobs.active, told.uncollected], [1, 0, 0]);
  const { sha256 } = linesOf(join(folder, 'whole.ndjson'))[0];
  const connection = await Connection.open(redis.url, told);
  const key = connection.partsOf(sha256 as string);
  const kept = await connection.redis.hgetall(key);
  const count = Object.keys(kept).length;
  assert.ok(count >= 2 && count < parts, String(count));
  await connection.redis.hset(key, 0, JSON.stringify(marked(JSON.parse(kept[0]))));

  const other = llsm(['scan', 'work', '--until-empty', ...queue]);
  assert.is(other.status, 0, other.stderr);
  const out = join(folder, 'queue.ndjson');
  const collected = llsm(['scan', 'collect', '--out', out, ...queue]);
  assert.is(collected.status, 0, collected.stderr);
  const [line, ...more] = linesOf(out);
  assert.equal(more, []);
  check(line, whole);
  assert.is(await connection.redis.exists(key), 0);
  await connection.close();
  await redis.kill();
});
