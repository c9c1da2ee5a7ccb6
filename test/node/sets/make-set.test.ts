import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { encodePng } from '../../../node/files/image.ts';
import type { Clip, Listing } from '../../../node/sets/clip.ts';
import { makeSet, type SetOptions } from '../../../node/sets/make-set.ts';
import { LlsmError } from '../../../src/base/errors.ts';
import type { Split } from '../../../src/faces/manifest.ts';
import { llsm } from '../../support/command.ts';
import { drawnPicture, failure, temporaryFolder } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';
import { signalledAt } from '../../support/signals.ts';

const options: SetOptions = {
  faces: 'whole',
  size: 48,
  frames: 3,
  maskThreshold: null,
  needMasks: false,
  workers: 0,
};

/** Clips of three pictures; of each third clip the second picture is broken, of clip 5 all are. */
function clips(count: number, split: Split = 'train'): Listing {
  const folder = temporaryFolder();
  const found = Array.from({ length: count }, (_, k): Clip => {
    const pictures = [0, 1, 2].map((frame) => {
      const path = join(folder, `${k}-${frame}.png`);
      const broken = (k % 3 === 0 && frame === 1) || k === 5;
      writeFileSync(path, broken ? 'broken' : encodePng(drawnPicture(60, 60, k * 3 + frame)));
      return { path, name: `${k}__${frame}`, frame, mask: null, landmarks: null };
    });
    const face = {
      label: 0,
      video: `v${k}`,
      people: [`p${k}`],
      dataset: 'd',
      method: null,
    } as const;
    return { name: `clip ${k}`, source: { pictures }, face: { ...face, people: [`p${k}`], split } };
  });
  return { folder, clips: found, dropped: [], notes: [] };
}

/** All that a data set's folder holds, but for its lock. */
function contentOf(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile() && entry.name !== 'lock');
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
  return Object.fromEntries(
    paths.map((path) => [path.slice(folder.length), readFileSync(path, 'latin1')]),
  );
}

const newOut = () => join(temporaryFolder(), 'out');

test('any number of threads gives the same bytes; each drop is told once', async () => {
  const listing = clips(8);
  const [alone, together] = [newOut(), newOut()];
  const seen: string[] = [];
  const progress = (done: number, total: number) => seen.push(`${done}/${total}`);
  const result = await makeSet(alone, {}, listing, { ...options, progress });
  assert.equal(seen, ['1/8', '2/8', '3/8', '4/8', '5/8', '6/8', '7/8', '8/8']);
  assert.equal([result.written, result.kept, result.people], [18, 0, 7]);
  assert.equal(
    result.dropped.map(({ file, frame }) => `${file} ${frame}`),
    ['clip 0 1', 'clip 3 1', 'clip 5 0', 'clip 5 1', 'clip 5 2', 'clip 6 1'],
  );
  await makeSet(together, {}, listing, { ...options, workers: 3 });
  assert.equal(contentOf(together), contentOf(alone));
});

test('whatever a kill left of manifest and log: nothing lost, nothing doubled', async () => {
  const listing = clips(6);
  const whole = newOut();
  const { written, dropped } = await makeSet(whole, {}, listing, options);
  const expected = contentOf(whole);
  const [manifest, log] = ['manifest.jsonl', 'clips.jsonl'].map((name) =>
    readFileSync(join(whole, name), 'utf8'),
  );
  const lines = (text: string, count: number) => text.split('\n').slice(0, count).join('\n');
  const cases: Record<string, [string, string]> = {
    'nothing yet': ['', ''],
    'lines of the next clip': [`${lines(manifest, 7)}\n`, `${lines(log, 2)}\n`],
    'a torn line': [`${lines(manifest, 6)}\n${'{"image":"ima'}`, `${lines(log, 2)}\n`],
    'a clip that is not in the log': [manifest, `${lines(log, 3)}\n`],
    'a torn log': [manifest, `${lines(log, 3)}\n{"clip":"cli`],
    'a log ahead of the manifest': [`${lines(manifest, 4)}\n`, log],
    'no log': [manifest, ''],
  };
  for (const [name, [left, leftLog]] of Object.entries(cases)) {
    writeFileSync(join(whole, 'manifest.jsonl'), left);
    writeFileSync(join(whole, 'clips.jsonl'), leftLog);
    writeFileSync(join(whole, 'images', '4__1.png'), 'half a file of a clip that was being made');
    const again = await makeSet(whole, {}, listing, options);
    assert.is(again.kept + again.written, written, name);
    assert.equal(again.dropped, dropped, name);
    const content = contentOf(whole);
    if (content['/images/4__1.png'] !== expected['/images/4__1.png']) {
      // Its clip was done already, so the file was made whole long before; this test has spoilt it.
      writeFileSync(join(whole, 'images', '4__1.png'), expected['/images/4__1.png'], 'latin1');
    }
    assert.equal(contentOf(whole), expected, name);
  }
  writeFileSync(join(whole, 'clips.jsonl'), `{"clip":1}\n${log}`);
  const { message } = await failure(makeSet(whole, {}, listing, options));
  assert.match(message, /clips\.jsonl line 1 is damaged/);
});

test('what gave nothing is tried again', async () => {
  const listing = clips(6);
  const out = newOut();
  assert.is((await makeSet(out, {}, listing, options)).dropped.length, 5);
  for (let frame = 0; frame < 3; frame++) {
    writeFileSync(join(listing.folder, `5-${frame}.png`), encodePng(drawnPicture(60, 60, frame)));
  }
  const again = await makeSet(out, {}, listing, options);
  assert.equal([again.written, again.kept, again.dropped.length], [3, 13, 2]);
  assert.is((await makeSet(out, {}, listing, options)).written, 0);
});

test('people over two splits: test stays, then val', async () => {
  const { folder, clips: found } = clips(5);
  const people = [['a'], ['a', 'b'], ['b', 'c'], ['c'], ['d']];
  const splits: Split[] = ['test', 'val', 'val', 'train', 'train'];
  for (const [k, { face }] of found.entries()) {
    Object.assign(face, { people: people[k], split: splits[k] });
  }
  const listing = { folder, clips: found, dropped: [], notes: [] };
  const result = await makeSet(newOut(), {}, listing, options);
  assert.equal(
    result.dropped
      .filter(({ frame }) => frame === undefined)
      .map(({ file, reason }) => [file, reason]),
    [
      ['clip 1', 'of split val: its person a is in split test too, and nobody may be in two'],
      ['clip 3', 'of split train: its person c is in split val too, and nobody may be in two'],
    ],
  );
});

test('other options, a folder that is no data set, a disk that cannot be written', async () => {
  const listing = clips(2);
  const out = newOut();
  await makeSet(out, { command: 'x' }, listing, options);
  const message = async (folder: string, more: Partial<SetOptions> = {}) =>
    (await failure(makeSet(folder, { command: 'x' }, listing, { ...options, ...more }))).message;
  assert.match(await message(out, { frames: 4 }), /made with frames 3, not 4/);
  assert.match(await message(out, { faces: { masks: 2 } }), /made with faces "whole", not/);
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  assert.match(await message(file), /cannot be made/);
  const blocked = newOut();
  mkdirSync(join(blocked, 'images', '1__0.png'), { recursive: true });
  const error = await failure(makeSet(blocked, {}, listing, { ...options, workers: 2 }));
  assert.instance(error, LlsmError);
  assert.match(error.message, /1__0\.png cannot be written/);
});

test('killed over and over, the command ends with the bytes of an uninterrupted run', () => {
  const pictures = temporaryFolder();
  for (let k = 0; k < 24; k++) {
    writeFileSync(join(pictures, `p${k}.png`), encodePng(drawnPicture(64, 64, k)));
  }
  writeFileSync(join(pictures, 'p7.png'), 'broken');
  const make = (out: string, options: string[] = []) => {
    const args = ['data', 'folder', pictures, '--out', out, '--faces', 'whole', '--json'];
    return llsm(args, {}, options);
  };
  const [whole, killed] = [newOut(), newOut()];
  assert.is(make(whole).status, 0);
  const lines = () => readFileSync(join(killed, 'manifest.jsonl'), 'utf8').split('\n').length - 1;
  for (const [nth, least] of [
    [3, 3],
    [8, 10],
  ]) {
    const { status, stderr } = make(killed, signalledAt('SIGKILL', /clips\.jsonl$/, nth));
    assert.is(status, null, stderr);
    assert.is(lines(), least, 'the clip whose line in the log did not come has its face');
  }
  appendFileSync(join(killed, 'manifest.jsonl'), '{"image":"images/p9.png","la');
  const { status, stdout } = make(killed);
  assert.is(status, 0);
  const result = JSON.parse(stdout);
  // The last line was of a clip that was not in the log yet.
  assert.is(result.kept, 9);
  assert.is(result.kept + result.written, 23);
  assert.equal(contentOf(killed), contentOf(whole));
});
