import * as assert from 'uvu/assert';
import { parseNpy } from '../../../node/sets/npy.ts';
import { npy } from '../../support/npy.ts';
import { failure } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';

test('numbers of each type, versions 1 and 2', () => {
  const values = [3, -2, 250, 1000, -7, 0];
  for (const type of ['<i2', '<i4', '<i8', '<f4', '<f8'] as const) {
    assert.equal(parseNpy(npy(values, [3, 2], type), 'a.npy'), { shape: [3, 2], data: values });
  }
  assert.equal(parseNpy(npy([0.5], [1], '<f8', 2), 'a.npy'), { shape: [1], data: [0.5] });
  assert.equal(parseNpy(npy([1.5], [], '<f4'), 'a.npy'), { shape: [], data: [1.5] });
});

test('what NumPy itself wrote', () => {
  // np.save of np.array([[1, 2], [3, 4]], dtype=np.int64), NumPy 2.4
  const dict = "{'descr': '<i8', 'fortran_order': False, 'shape': (2, 2), }";
  const numbers = new BigInt64Array([1n, 2n, 3n, 4n]);
  const bytes = Buffer.concat([
    Buffer.from('\x93NUMPY\x01\x00v\x00', 'latin1'),
    Buffer.from(`${dict.padEnd(117)}\n`),
    Buffer.from(numbers.buffer),
  ]);
  assert.equal(parseNpy(bytes, 'a.npy'), { shape: [2, 2], data: [1, 2, 3, 4] });
});

test('objects, other orders, cut short, no array: an error that names the file', async () => {
  const whole = npy([1, 2, 3, 4], [2, 2], '<f4');
  const changed = (from: string, to: string) =>
    Buffer.from(Buffer.from(whole).toString('latin1').replace(from, to), 'latin1');
  const message = async (bytes: Uint8Array) =>
    (await failure(() => parseNpy(bytes, 'x.npy'))).message;
  assert.match(
    await message(changed("'<f4'", "'|O' ")),
    /x\.npy holds a NumPy array of type "\|O"/,
  );
  assert.match(await message(changed('False', 'True ')), /in Fortran order/);
  assert.match(
    await message(whole.subarray(0, whole.length - 1)),
    /2 x 2 <f4 takes 16 bytes, but 15/,
  );
  assert.match(await message(whole.subarray(0, 8)), /is not a NumPy array/);
  assert.match(await message(Buffer.from('not an array at all')), /is not a NumPy array/);
  assert.match(await message(changed("'shape'", "'shade'")), /header cannot be read/);
});
