/**
 * Every shader in every form that the operations ask for: Dawn must accept it, with exactly the
 * bindings and uniform fields that its operation gives. Nothing is computed here.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Kernel } from '../../src/gpu/pipeline.ts';
import { backward } from '../../src/graph/backward.ts';
import { Graph } from '../../src/graph/record.ts';
import { Plan } from '../../src/graph/replay.ts';
import { ParamStore } from '../../src/graph/store.ts';
import { type Read, relu, Tensor } from '../../src/graph/tensor.ts';
import { adam } from '../../src/kernels/adam/adam.ts';
import { adaptivePool } from '../../src/kernels/adaptive_pool/adaptive_pool.ts';
import { batchNorm } from '../../src/kernels/batch_norm/batch_norm.ts';
import { bce } from '../../src/kernels/bce/bce.ts';
import { cam } from '../../src/kernels/cam/cam.ts';
import { charbonnier } from '../../src/kernels/charbonnier/charbonnier.ts';
import { conv } from '../../src/kernels/conv/conv.ts';
import { depthwise } from '../../src/kernels/depthwise/depthwise.ts';
import { dot } from '../../src/kernels/dot/dot.ts';
import { ema } from '../../src/kernels/ema/ema.ts';
import { gate } from '../../src/kernels/gate/gate.ts';
import {
  lossScaleOf,
  scaled,
  unscaled,
  updateLossScale,
} from '../../src/kernels/loss_scale/loss_scale.ts';
import { maxPool } from '../../src/kernels/max_pool/max_pool.ts';
import { offset } from '../../src/kernels/offset/offset.ts';
import { poolAdd } from '../../src/kernels/pool_add/pool_add.ts';
import { residualAdd } from '../../src/kernels/residual_add/residual_add.ts';
import { residualChannels } from '../../src/kernels/residual_channels/residual_channels.ts';
import { resize } from '../../src/kernels/resize/resize.ts';
import { upsampleAdd } from '../../src/kernels/upsample_add/upsample_add.ts';
import { WgslReflect } from '../../web/reflect.ts';
import { test } from '../support/run.ts';
import { gpu } from './support.ts';

const seen = new Set<Kernel>();

/** Records every operation in every way it can read its input, and differentiates all of it. */
function record(subgroupSize: number, training: boolean): [Graph, ParamStore] {
  const g = new Graph({ batch: 2, training, traits: { subgroupSize } });
  const params = new ParamStore(gpu, [{ name: 'p', shape: [8], kind: 'weight' }]);
  const wrt: Tensor[] = [];
  const outs: Tensor[] = [];
  let made = 0;
  const fixed = (...shape: number[]): Tensor => new Tensor(`w${made++}`, shape, { home: 'input' });
  const weight = (...shape: number[]): Tensor => {
    const tensor = fixed(...shape);
    wrt.push(tensor);
    return tensor;
  };
  const image = g.input('image', [9, 9, 3]);
  const map = (size: number, c = 8): Tensor => {
    const from = g.input(`x${made++}`, [size, size, c]);
    wrt.push(from);
    return from;
  };
  const norm = (x: Tensor, stats: Tensor | undefined, withRelu: boolean): Read => {
    const c = x.shape[3];
    const running = { runningMean: fixed(c), runningVar: fixed(c) };
    const it = { weight: weight(c), bias: weight(c), ...running };
    return batchNorm(g, x, stats, it, { eps: 1e-5, relu: withRelu });
  };
  /** A map read in this way. */
  const through = (how: string, size = 8): Read | Tensor => {
    const x = map(size);
    if (how === 'plain') return x;
    if (how === 'relu') return relu(x);
    const { out, stats } = conv(g, 'normed', x, weight(8, 8, 1, 1), { stats: true });
    return norm(out, stats, how === 'norm relu');
  };
  const reads = ['plain', 'relu', 'norm', 'norm relu'];
  const keep = (tensor: Tensor): Tensor => {
    outs.push(tensor);
    return tensor;
  };

  for (const how of reads) {
    for (const stats of [false, true]) {
      for (const biased of [false, true]) {
        const bias = biased ? weight(8) : undefined;
        keep(conv(g, 'pointwise', through(how), weight(8, 8, 1, 1), { bias, stats }).out);
      }
    }
    keep(conv(g, 'strided', through(how), weight(8, 8, 1, 1), { stride: 2 }).out);
    keep(conv(g, 'window', through(how), weight(8, 8, 3, 3)).out);
    keep(depthwise(g, 'depthwise', [through(how), through(how)], weight(16, 1, 3, 3)));
    for (const activation of ['relu', 'relu6', 'leaky'] as const) {
      const options = { stride: 2, pad: 'tf', bias: weight(8), activation } as const;
      keep(conv(g, 'padded', through(how), weight(8, 8, 3, 3), options).out);
      const each = { ...options, bias: weight(8) };
      keep(depthwise(g, 'strided', [through(how)], weight(8, 1, 3, 3), each));
    }
    keep(maxPool(g, 'max', through(how), 2));
    keep(adaptivePool(g, 'pool', through(how), 4));
    if (how !== 'relu') keep(resize(g, 'resize', through(how), 11, 11));
  }
  keep(upsampleAdd(g, 'up', map(4), map(8)));
  // So many rows of so few columns that lanes take one each.
  keep(conv(g, 'tall', map(91), weight(8, 8, 1, 1)).out);
  keep(conv(g, 'tall window', map(93, 3), weight(8, 3, 3, 3)).out);
  // So many pixels that their statistics are merged twice.
  const large = conv(g, 'large', map(33), weight(8, 8, 1, 1), { stats: true });
  keep(resize(g, 'normed', norm(large.out, large.stats, false), 8, 8));
  keep(conv(g, 'first', image, weight(8, 3, 3, 3), { stride: 2, stats: true }).out);
  keep(conv(g, 'pair', map(8), weight(6, 8, 2, 1), { layout: 'pair', bias: weight(6) }).out);
  keep(resize(g, 'mask', dot(g, 'dot', [map(4)], weight(1, 8, 1, 1), weight(1)), 9, 9));
  keep(poolAdd(g, 'down', through('norm') as Read, through('norm', 4) as Read, 'torch'));
  // Reads its skip twice, so that a gradient is added to.
  const skip = map(8);
  const main = conv(g, 'main', relu(skip), weight(8, 8, 1, 1), { stats: true });
  keep(residualAdd(g, 'sum', norm(main.out, main.stats, false), skip));
  keep(residualAdd(g, 'again', through('norm') as Read, skip));
  const gated = conv(g, 'gate', map(1), weight(8, 8, 1, 1), { bias: weight(8) });
  keep(gate(g, 'gate', through('norm relu') as Read, gated.out));

  const seeds = new Map(outs.map((out) => [out, g.input(`d ${out.name}`, out.shape.slice(1))]));
  const logit = dot(g, 'logit', [map(1), map(1, 4)], weight(1, 12), weight(1));
  const truth = g.input('truth', [1, 1, 1]);
  for (const grad of [true, false]) {
    const loss = bce(g, logit, truth, g.input('weight', []), { scale: 1, grad, dice: grad });
    for (const [tensor, seed] of loss.seeds) seeds.set(tensor, seed);
  }
  residualChannels(g, 'residuals', image);
  charbonnier(g, g.input('made', [5, 7, 4]), g.input('wanted', [5, 7, 4]), g.input('share', []));
  const plain = g.input('plain', [5, 7, 1]);
  offset(g, 'offset', plain, fixed(1, 1, 4, 4));
  backward(g, seeds, wrt);
  for (const how of reads) cam(g, 'cam', through(how), fixed(8));
  ema(g, params.flat('weights'), params.flat('meanWeights'), g.input('ema rate', []));
  adam(g, params, new Tensor('step', [2], { home: 'input' }));
  adam(g, params, new Tensor('scaled step', [2], { home: 'input' }), { scaled: true });
  scaled(g, g.input('item weight', []), lossScaleOf(params));
  unscaled(g, fixed(4), lossScaleOf(params));
  updateLossScale(g, lossScaleOf(params));
  return [g, params];
}

// Lanes of 4 are SwiftShader's, 8 lavapipe's; 0 is the portable form.
for (const subgroupSize of gpu.device.features.has('subgroups') ? [0, 4, 8] : [0]) {
  for (const training of [true, false]) {
    const name = `${subgroupSize ? `subgroups of ${subgroupSize}` : 'portable'}, ${
      training ? 'training' : 'fixed statistics'
    }`;
    test(name, async () => {
      const [g, params] = record(subgroupSize, training);
      const plan = await Plan.build(gpu, g, params);
      await plan.settle();
      plan.destroy();
      params.destroy();
      for (const { kernel } of g.launches) seen.add(kernel);
    });
  }
}

test("the page's own reading of declarations agrees with the package's", () => {
  assert.ok(seen.size > 100);
  for (const { name, source, bindings, fields, uniformSize } of seen) {
    const { uniforms, storage } = new WgslReflect(source);
    assert.is(uniforms.length, 1, name);
    assert.is(uniforms[0].size, uniformSize, name);
    assert.equal(
      uniforms[0].members.map(({ name, offset, type }) => ({ name, offset, type: type.name })),
      fields.map(({ name, offset, type }) => ({ name, offset, type })),
    );
    const declared = storage.map(({ name, binding, access }) => ({
      ...{ name, binding },
      access: access === 'read_write' ? 'write' : 'read',
    }));
    assert.equal(declared, [...bindings], name);
  }
});

test('no shader was left out', () => {
  const files = readdirSync('src/kernels', { recursive: true, encoding: 'utf8' });
  // The pair kernels are tested with their own operation, matrix units where an adapter has them.
  const elsewhere = /^llsm|_matrix\.wgsl$/;
  const shaders = files.filter((file) => file.endsWith('.wgsl') && !elsewhere.test(file));
  assert.ok(shaders.length > 20);
  const lanes = gpu.device.features.has('subgroups');
  for (const file of shaders.filter((it) => lanes || !it.endsWith('_lanes.wgsl'))) {
    const text = readFileSync(join('src/kernels', file), 'utf8');
    const plain = text.split('\n').filter((line) => !line.includes('$') && !line.includes('//!'));
    const mark = plain.reduce((a, b) => (b.length > a.length ? b : a));
    assert.ok(
      [...seen].some(({ source }) => source.includes(mark)),
      `${file} is used by no operation above`,
    );
  }
});
