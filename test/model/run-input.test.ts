import * as assert from 'uvu/assert';
import { LlsmError } from '../../src/base/errors.ts';
import { parseConfig } from '../../src/config/config.ts';
import type { HostTensor } from '../../src/model/llsm/checkpoint.ts';
import { runInput } from '../../src/model/llsm/run-input.ts';
import { test } from '../support/run.ts';

const config = parseConfig({ width: 0.05, size: 64 }, 'test');
const baseline = parseConfig({ width: 0.05, size: 64, llsm: false, flm: false }, 'test');

/** Zeros, but for one value. */
function tensor(shape: number[], at = 0, value = 0): HostTensor {
  const data = new Float32Array(shape.reduce((n, d) => n * d, 1));
  if (data.length) data[at] = value;
  return { shape, data };
}
const good = {
  image: tensor([2, 64, 64, 3], 7, -3.5),
  label: tensor([2], 1, 1),
  mask: tensor([2, 64, 64, 1], 9, 0.25),
  weight: tensor([2], 1, 1),
};
const { image, label, mask } = good;
const read = (tensors: Record<string, HostTensor>, network = config) =>
  runInput(new Map(Object.entries(tensors)), 'in.safetensors', network);

test('the tensors come back as a batch', () => {
  assert.equal(read(good), {
    items: 2,
    image: image.data,
    label: label.data,
    mask: mask.data,
    maskWeight: good.weight.data,
    notes: [],
  });
  assert.is(read({ image }).label, undefined);
  assert.is(read({ image, label }, baseline).mask, undefined);
});

test('what does not fit is refused with its file, tensor and place', () => {
  const cases: [RegExp, Record<string, HostTensor>][] = [
    [
      /image is \[2, 32, 32, 3\], this network takes \[B, 64, 64, 3\]$/,
      { image: tensor([2, 32, 32, 3]) },
    ],
    [/image is \[2, 3, 64, 64\].*: channels come last here$/, { image: tensor([2, 3, 64, 64]) }],
    [/image is \[64, 64, 3\], /, { image: tensor([64, 64, 3]) }],
    [/image is \[\], /, { image: tensor([]) }],
    [/image is \[0, 64, 64, 3\].* with B at least 1$/, { image: tensor([0, 64, 64, 3]) }],
    [/the tensor image \[B, 64, 64, 3\] is missing$/, { label }],
    [
      /image holds NaN at \[1, 2, 3, 1\]; it takes finite values$/,
      { image: tensor([2, 64, 64, 3], ((64 + 2) * 64 + 3) * 3 + 1, Number.NaN) },
    ],
    [/image holds Infinity/, { image: tensor([2, 64, 64, 3], 0, Number.POSITIVE_INFINITY) }],
    [/label is \[3\], this network takes \[2\]$/, { ...good, label: tensor([3]) }],
    [/label is \[2, 1\]/, { ...good, label: tensor([2, 1]) }],
    [/label holds 2 at \[1\]; it takes values from 0/, { ...good, label: tensor([2], 1, 2) }],
    [/mask is \[2, 64, 64\], .*\[2, 64, 64, 1\]$/, { ...good, mask: tensor([2, 64, 64]) }],
    [/mask holds 255 at \[0, 0, 5, 0\]/, { ...good, mask: tensor([2, 64, 64, 1], 5, 255) }],
    [/weight holds 0\.5 at \[1\]/, { ...good, weight: tensor([2], 1, 0.5) }],
    [/label holds NaN at \[0\]/, { ...good, label: tensor([2], 0, Number.NaN) }],
    [/holds label and no mask \[B, 64, 64, 1\].* weight \[B\] with 0 /, { image, label }],
    [/holds mask and no label/, { image, mask }],
    [/holds weight and no label/, { image, weight: good.weight }],
  ];
  for (const [pattern, tensors] of cases) {
    assert.throws(
      () => read(tensors),
      (error: Error) =>
        error instanceof LlsmError &&
        error.message.startsWith('in.safetensors: ') &&
        pattern.test(error.message),
      String(pattern),
    );
  }
});

test('a tensor that is not used is named, with the one meant', () => {
  assert.equal(read({ ...good, lable: label, adam: label }).notes, [
    'in.safetensors: the tensor lable is not used; did you mean label?',
    'in.safetensors: the tensor adam is not used; known are image, label, mask, weight',
  ]);
});
