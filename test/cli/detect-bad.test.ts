/** `llsm detect` on pictures of odd shapes and on weights of other networks. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { defaultFinder } from '../../node/files/finder.ts';
import { encodePng } from '../../node/files/image.ts';
import type { Finding } from '../../src/detect/finding.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import { llsm } from '../support/command.ts';
import { drawnPicture, temporaryFolder } from '../support/pictures.ts';
import { test } from '../support/run.ts';
import { backdrop, scene, threeHeads } from '../support/scenes.ts';

const folder = temporaryFolder();
const weights = fileURLToPath(
  new URL('../../../test/golden/mlp/weights.safetensors', import.meta.url),
);
const save = (name: string, image: RgbImage): string => {
  const path = join(folder, name);
  writeFileSync(path, encodePng(image));
  return path;
};
const tall = save('tall.png', drawnPicture(1, 20000));
const wide = save('wide.png', drawnPicture(20000, 1));

function look(...args: string[]): Finding[] {
  const { status, stdout, stderr } = llsm(['detect', ...args, '--weights', weights, '--json']);
  assert.is(status, 0, stderr);
  return JSON.parse(stdout).results;
}

test('a picture of 1 x 20,000 and one of 20,000 x 1: no face; as a whole, too small a one', () => {
  const out = join(folder, 'out');
  assert.equal(
    look(tall, wide, '--out', out).map(({ verdict, faces }) => [verdict, faces.length]),
    [
      ['no face found', 0],
      ['no face found', 0],
    ],
  );
  for (const { verdict, faces } of look(tall, wide, '--faces', 'whole', '--out', out)) {
    assert.equal([verdict, faces[0].probability], ['face too small', null]);
    assert.match(faces[0].note ?? '', /1 pixels a side \(32 is the least\)/);
  }
});

test('a face of some 20 pixels is told, and not judged', async () => {
  const [, , head] = await threeHeads(48);
  const path = save('tiny.png', scene(backdrop(200, 160, 1), [[head, 100, 80]]));
  const [{ verdict, faces }] = look(path);
  assert.equal([verdict, faces.length], ['face too small', 1]);
  const [, , w, h] = faces[0].box as [number, number, number, number];
  assert.ok(Math.max(w, h) < 25, `${w} x ${h}`);
  assert.is(faces[0].probability, null);
});

test('weights of one network given for another are refused by name', () => {
  const wrong: [string[], RegExp][] = [
    [['--finder', weights, '--weights', weights], /weights\.safetensors is no face finder/],
    [['--weights', defaultFinder()], /facefinder\.safetensors/],
  ];
  for (const [args, told] of wrong) {
    const { status, stdout, stderr } = llsm(['detect', tall, ...args]);
    assert.equal([status, stdout], [1, ''], stderr);
    assert.match(stderr, told);
    assert.not.match(stderr, /This is a bug/);
  }
});
