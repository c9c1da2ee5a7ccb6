/**
 * The products by matrix units. No software driver has those, so nothing here says that they compute
 * rightly: Dawn's null adapter, which has every feature and computes nothing, says that it takes the shader.
 */
import * as assert from 'uvu/assert';
import { startDawn } from '../../node/gpu/open.ts';
import { openGpu } from '../../src/gpu/device.ts';
import { pipelineOf } from '../../src/gpu/pipeline.ts';
import { backward } from '../../src/graph/backward.ts';
import { Graph, type Traits } from '../../src/graph/record.ts';
import { Tensor } from '../../src/graph/tensor.ts';
import { conv } from '../../src/kernels/conv/conv.ts';
import { test } from '../support/run.ts';

process.env.LLSM_DAWN = 'backend=null';
const gpu = await openGpu(startDawn(['allow_unsafe_apis']), { matrices: true });

/** Records a window convolution with its gradients, and returns the kernels of its products. */
function products(traits: Traits, { kernel, stride, bias, storage }: Shape) {
  const g = new Graph({ batch: 2, training: true, traits, storage });
  const x = g.activation('x', [15, 15, 36]);
  const through = { tensor: x, relu: true, value: x };
  const w = new Tensor('w', [84, 36, kernel, kernel], { home: 'input' });
  const b = bias ? new Tensor('b', [84], { home: 'input' }) : undefined;
  const { out } = conv(g, 'out', through, w, { stride, bias: b, stats: !bias });
  const seed = g.activation('d out', out.shape.slice(1));
  backward(g, new Map([[out, seed]]), [x, w]);
  return g.launches.filter(({ choice }) => choice?.key.startsWith('product'));
}

interface Shape {
  kernel: number;
  stride: 1 | 2;
  bias?: boolean;
  storage?: 'f32' | 'f16';
}

const shapes: Shape[] = [
  { kernel: 1, stride: 1 },
  { kernel: 1, stride: 2, bias: true },
  { kernel: 3, stride: 2 },
  { kernel: 3, stride: 1, bias: true, storage: 'f16' },
];

for (const matrix of [8, 16]) {
  for (const shape of shapes) {
    const { kernel, stride, storage = 'f32' } = shape;
    test(`matrices of ${matrix}: ${kernel}x${kernel} stride ${stride}, ${storage}`, async () => {
      const made = products({ subgroupSize: 0, software: false, matrix }, shape);
      assert.is(made.length, 2);
      for (const { choice, kernel } of made) {
        assert.is(choice?.form, `matrix 64x64 of ${matrix}`);
        await pipelineOf(gpu, kernel);
      }
      gpu.check();
    });
  }
}

test('they are taken where they were asked for, and where they fit alone', () => {
  const plain = products({ subgroupSize: 0, software: false }, shapes[0]);
  assert.ok(plain.every(({ choice }) => !choice?.among.some((name) => name.startsWith('matrix'))));
  // The null adapter names no matrices: nothing may be assumed of their sizes.
  assert.is(gpu.matrix, undefined);
});
