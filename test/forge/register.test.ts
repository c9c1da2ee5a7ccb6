import * as assert from 'uvu/assert';
import { register } from '../../src/forge/register.ts';
import { resize } from '../../src/image/resample.ts';
import { drawnPicture } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const face = { image: drawnPicture(128, 128, 4), landmarks: null };
const still = { a: 1, b: 0, x0: 0, y0: 0 };

test('a shifted copy is found where it lies', () => {
  for (const [dx, dy] of [
    [4, -6],
    [-2, 2],
    [0, 0],
  ]) {
    const donor = { image: resize(face.image, 128, 128, [dx, dy, 128, 128]), landmarks: null };
    const found = register(face, donor, still, [64, 64], [32, 32]);
    assert.equal([found.x0, found.y0], [-dx, -dy]);
  }
});

test('the shift is counted in pixels of the donor, also of a larger one', () => {
  const donor = { image: resize(face.image, 256, 256, [4, 2, 128, 128]), landmarks: null };
  const found = register(face, donor, { ...still, a: 2 }, [64, 64], [32, 32]);
  assert.equal([found.x0, found.y0], [-8, -4]);
});
