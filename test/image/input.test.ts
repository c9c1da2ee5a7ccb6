import * as assert from 'uvu/assert';
import { networkInput, stack, stackPictures } from '../../src/image/input.ts';
import { drawnPicture } from '../support/pictures.ts';
import { test } from '../support/run.ts';

test("network input: a picture's bytes in memory of their own; any size becomes the network's", () => {
  const data = Uint8ClampedArray.of(0, 255, 51, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  const input = networkInput({ width: 2, height: 2, data }, 2);
  assert.equal(input, Uint8Array.from(data));
  assert.is.not(input.buffer, data.buffer);
  const face = drawnPicture(90, 60);
  assert.is(networkInput(face, 64).length, 64 * 64 * 3);
  const mean = (values: ArrayLike<number>) =>
    Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
  assert.ok(Math.abs(mean(networkInput(face, 64)) - mean(face.data)) < 1);
});

test('items lie one behind the other; what is missing is zeros', () => {
  const items = [Float32Array.of(1, 2), null, Float32Array.of(3, 4)];
  assert.equal([...stack(items, 4, 2)], [1, 2, 0, 0, 3, 4, 0, 0]);
  assert.equal(stackPictures([Uint8Array.of(7, 8)], 2, 2), Uint8Array.of(7, 8, 0, 0));
});
