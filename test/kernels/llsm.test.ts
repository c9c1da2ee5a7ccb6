import * as assert from 'uvu/assert';
import { LlsmError } from '../../src/base/errors.ts';
import { Random } from '../../src/base/random.ts';
import { backward } from '../../src/graph/backward.ts';
import { planMemory } from '../../src/graph/plan.ts';
import { Graph } from '../../src/graph/record.ts';
import { Plan } from '../../src/graph/replay.ts';
import { read, Tensor } from '../../src/graph/tensor.ts';
import { fill } from '../../src/kernels/fill/fill.ts';
import type { Features } from '../../src/kernels/llsm/features.ts';
import { llsmFeatures, llsmLoss, llsmMap } from '../../src/kernels/llsm/llsm.ts';
import { conv } from '../reference/conv.ts';
import { checkDifferences } from '../reference/differences.ts';
import { type Head, pairLogits, pairLoss } from '../reference/llsm.ts';
import { add, normal, sizeOf, type Values, valuesOf, zeros } from '../reference/values.ts';
import { test } from '../support/run.ts';
import { check, heads, masks, random, sidesOf, subgroupSizes } from './llsm-support.ts';
import { compare, gpu } from './support.ts';

test('the references, by finite differences', () => {
  for (const head of heads) {
    const it = sidesOf(head, 2, 2, 3, 3);
    const { left, right, weight, bias } = it;
    const f = (x: Record<'left' | 'right' | 'weight' | 'bias', Values>) =>
      pairLogits(head, x.left, x.right, x.weight, x.bias);
    if (head === 'absdiff') {
      checkDifferences(random, { x: left, weight, bias }, (x) => {
        const both = f({ left: x.x, right: x.x, weight: x.weight, bias: x.bias });
        return {
          out: both.out,
          backward: (dOut) => {
            const d = both.backward(dOut);
            return { x: add(d.left, d.right), weight: d.weight, bias: d.bias };
          },
        };
      });
    } else checkDifferences(random, { left, right, weight, bias }, f);
  }
  const z = normal(random, [2, 6, 6], 3);
  const mask = masks(2, 2, 3);
  checkDifferences(random, { z }, (x) => pairLoss(x.z, mask, valuesOf([2], [0.25, 0.75])));
  const counts = valuesOf(
    [2, 6, 6],
    Array.from({ length: 72 }, (_, i) => (i * 7) % 3),
  );
  checkDifferences(random, { z }, (x) => pairLoss(x.z, mask, valuesOf([2], [0.25, 0.75]), counts));
});

test('the reference by hand', () => {
  // Two positions, one channel: rows are i, columns j.
  const left = valuesOf([1, 1, 2, 1], [1, -2]);
  const right = valuesOf([1, 1, 2, 1], [3, 0]);
  const logits = (head: Head): number[] => [
    ...pairLogits(head, left, right, valuesOf([1], [10]), valuesOf([1], [0.5])).out.data,
  ];
  assert.equal(logits('linear'), [4.5, 1.5, 1.5, -1.5]);
  assert.equal(logits('mlp'), [40.5, 10.5, 10.5, 0.5]);
  assert.equal(logits('absdiff'), [20.5, 10.5, 50.5, 20.5]);
  assert.equal(logits('bilinear'), [3.5, 0.5, -5.5, 0.5]);
  const half = pairLoss(zeros([1, 2, 2]), valuesOf([1, 1, 2, 1], [0, 1]), valuesOf([1], [1]));
  assert.ok(Math.abs(half.out.data[0] - Math.LN2) < 1e-12);
  assert.equal([...half.backward(valuesOf([1], [8])).z.data], [1, -1, -1, 1]);
});

for (const head of heads) {
  test(`${head}: one image, sizes that divide by four and that do not`, async () => {
    await check({ head, h: 3, w: 5 });
    await check({ head, h: 7, w: 7, d: head === 'absdiff' ? 40 : 64 });
    await check({ head, h: 14, w: 14, d: 8, scale: 0.5 });
    await check({ head, h: 1, w: 1 });
  });

  test(`${head}: three images, one without a mask`, () =>
    check({ head, batch: 3, h: 10, w: 10, share: [0.5, 0, 0.5] }));
}

test('mlp: depths that are not multiples of four', async () => {
  await check({ head: 'mlp', h: 5, w: 4, d: 5 });
  await check({ head: 'mlp', batch: 2, h: 4, w: 4, d: 3 });
});

test('mlp with 64 kernels on 14 x 14', () => check({ head: 'mlp', h: 14, w: 14, d: 64 }));

test('more values a position than one form has registers for', async () => {
  await check({ head: 'absdiff', batch: 2, h: 5, w: 5, d: 728 });
  for (const head of ['mlp', 'bilinear'] as const) await check({ head, h: 5, w: 4, d: 65 });
});

test('absdiff of what is read through a batch norm and a ReLU, or a ReLU alone', async () => {
  for (const d of [12, 68]) {
    await check({ head: 'absdiff', batch: 2, h: 3, w: 5, d, through: 'affine relu', map: false });
    await check({ head: 'absdiff', h: 4, w: 4, d, through: 'relu', map: false });
  }
});

/** A loss on K = 64 of `mlp` whose inputs are made by the test. */
function large(size: number, subgroupSize: number) {
  const g = new Graph({ batch: 1, training: true, traits: { subgroupSize } });
  const tensor = g.input('x', [size, size, 128]);
  const weight = new Tensor('v', [64], { home: 'input' });
  const bias = new Tensor('b', [1], { home: 'input' });
  const sides = { left: { ...read(tensor), at: 0 }, right: { ...read(tensor), at: 64 } };
  const features: Features = {
    head: 'mlp',
    height: size,
    width: size,
    depth: 64,
    ...sides,
    weight,
    bias,
  };
  const [target, share] = [g.input('target', [size, size, 1]), g.input('share', [])];
  const loss = llsmLoss(g, features, target, share, { scale: 0.5, grad: true });
  return { g, loss, inputs: [tensor, weight, bias, target, share] };
}

test('both forms agree on 28 x 28', async () => {
  const made = new Map<string, Float32Array>();
  for (const subgroupSize of subgroupSizes) {
    const { g, loss, inputs } = large(28, subgroupSize);
    const kept = [...loss.seeds.values()];
    for (const tensor of kept) tensor.keep = true;
    const plan = await Plan.build(gpu, g);
    for (const tensor of inputs) {
      const values = normal(new Random(2, tensor.name), tensor.shape, 0.3);
      plan.write(tensor, Float32Array.from(values.data));
    }
    plan.run();
    for (const tensor of kept) {
      const values = await plan.read(tensor);
      const other = made.get(tensor.name);
      if (!other) made.set(tensor.name, values);
      else compare(tensor.name, values, valuesOf(tensor.shape, other), 1e-5);
    }
    plan.destroy();
  }
});

// A map of 112 x 112; beyond it: what is neither an input nor a gradient.
test('memory beyond inputs and gradients on 12,544 positions: under 16 MiB', () => {
  for (const subgroupSize of [0, 8]) {
    const { g, loss, inputs } = large(112, subgroupSize);
    const { bytes } = planMemory(g, gpu.device.limits);
    const known = [...inputs, ...loss.seeds.values()].reduce((sum, it) => sum + it.bytes, 0);
    const beyond = (bytes - known) / 2 ** 20;
    assert.ok(beyond > 0 && beyond < (subgroupSize ? 1 : 16), `${beyond} MiB`);
  }
});

// The share of an item is 4 bytes: slices begin at every 64th.
test('in slices', () =>
  check({
    head: 'mlp',
    batch: 70,
    h: 4,
    w: 4,
    d: 4,
    share: Array.from({ length: 70 }, (_, i) => (i % 3) / 70),
    limit: 65 * 512,
    map: false,
  }));

/** Runs a loss on given features, and gives its value and the gradients of features and bias. */
async function lossOf(head: Head, x: Values, share: number[], truth: Values, bias = 0) {
  const [batch, h, w, c] = x.shape;
  const results = [];
  for (const subgroupSize of subgroupSizes) {
    const g = new Graph({ batch, training: true, traits: { subgroupSize } });
    const tensor = g.input('x', [h, w, c]);
    const b = new Tensor('b', [1], { home: 'input' });
    const v = head === 'mlp' ? new Tensor('v', [1], { home: 'input' }) : undefined;
    const [target, shares] = [g.input('target', [h, w, 1]), g.input('share', [])];
    const features: Features = {
      head,
      height: h,
      width: w,
      depth: 1,
      left: { ...read(tensor), at: 0 },
      right: { ...read(tensor), at: 1 },
      weight: v,
      bias: b,
    };
    const { partial, seeds } = llsmLoss(g, features, target, shares, { scale: 1, grad: true });
    const [dX, dB] = [seeds.get(tensor), seeds.get(b)] as [Tensor, Tensor];
    const dV = v && (seeds.get(v) as Tensor);
    for (const kept of [partial, dX, dB, ...(dV ? [dV] : [])]) kept.keep = true;
    const plan = await Plan.build(gpu, g);
    plan.write(tensor, Float32Array.from(x.data));
    plan.write(b, Float32Array.of(bias));
    if (v) plan.write(v, Float32Array.of(2));
    plan.write(target, Float32Array.from(truth.data));
    plan.write(shares, Float32Array.from(share));
    plan.run();
    const rows = await plan.read(partial);
    const loss = rows.reduce((sum, v, i) => sum + (i % partial.shape[1] ? 0 : v), 0);
    const scalar = async (of: Tensor) => (await plan.read(of))[0];
    results.push({
      loss,
      dX: await plan.read(dX),
      dB: await scalar(dB),
      dV: dV ? await scalar(dV) : 0,
    });
    plan.destroy();
  }
  return results;
}

test('logits so large that an exponential would overflow', async () => {
  const x = valuesOf([1, 1, 2, 4], [200, 200, 0, 0, -200, -200, 0, 0]);
  // z = 400, 0, 0, -400; t = 0, 1, 1, 0.
  for (const { loss, dX, dB } of await lossOf('linear', x, [1], valuesOf([1, 1, 2, 1], [0, 1]))) {
    assert.ok(Math.abs(loss - (400 + 2 * Math.LN2) / 4) < 1e-4, `loss ${loss}`);
    assert.equal([...dX], [0.125, 0.125, 0, 0, -0.125, -0.125, 0, 0]);
    assert.is(dB, 0);
  }
});

test('channels that pad the features get a gradient of zero, whatever was in memory', async () => {
  for (const subgroupSize of subgroupSizes) {
    const g = new Graph({ batch: 1, training: true, traits: { subgroupSize } });
    const tensor = g.input('x', [3, 3, 12]);
    const given = (name: string, shape: number[]) => new Tensor(name, shape, { home: 'input' });
    const [target, share] = [g.input('target', [3, 3, 1]), g.input('share', [])];
    const before = g.activation('before', [3, 3, 12]);
    fill(g, before, 3);
    const features: Features = {
      head: 'mlp',
      height: 3,
      width: 3,
      depth: 5,
      left: { ...read(tensor), at: 0 },
      right: { ...read(tensor), at: 5 },
      weight: given('v', [5]),
      bias: given('b', [1]),
    };
    const { seeds } = llsmLoss(g, features, target, share, { scale: 1, grad: true });
    const dX = seeds.get(tensor) as Tensor;
    dX.keep = true;
    const plan = await Plan.build(gpu, g);
    const { slotOf } = plan.memory;
    assert.is(slotOf.get(dX), slotOf.get(before), 'not the memory that was filled');
    plan.run();
    const values = await plan.read(dX);
    assert.ok(values.every((value, i) => i % 12 < 10 || value === 0));
    plan.destroy();
  }
});

test('a share of 0 hides an item that is not finite', async () => {
  const x = normal(random, [2, 2, 2, 4]);
  x.data.fill(Number.NaN, 16);
  const mask = masks(2, 2, 2);
  const first = { shape: [1, 2, 2, 4], data: x.data.slice(0, 16) };
  const truth = { shape: [1, 2, 2, 1], data: mask.data.slice(0, 4) };
  for (const head of ['linear', 'mlp'] as const) {
    const alone = await lossOf(head, first, [1], truth);
    (await lossOf(head, x, [1, 0], mask)).forEach(({ dX, ...scalars }, i) => {
      for (const key of ['loss', 'dB', 'dV'] as const) {
        assert.ok(Math.abs(scalars[key] - alone[i][key]) < 1e-6, `${head}: ${key}`);
      }
      assert.equal([...dX], [...alone[i].dX, ...new Array(16).fill(0)]);
    });
  }
});

test('from the tap: features, loss, and back through the convolutions', async () => {
  const [batch, h, w, c, k] = [2, 3, 5, 12, 6];
  const x = normal(random, [batch, h, w, c]);
  const mask = masks(batch, h, w);
  const share = valuesOf([batch], [0.25, 0.75]);
  const scale = 0.5;
  const shapes: Record<Head, Record<string, number[]>> = {
    linear: { 'llsm.pair.weight': [1, c, 2, 1], 'llsm.pair.bias': [1] },
    mlp: {
      'llsm.pair.weight': [k, c, 2, 1],
      'llsm.pair.bias': [k],
      'llsm.out.weight': [1, k, 1, 1],
      'llsm.out.bias': [1],
    },
    absdiff: { 'llsm.diff.weight': [1, c, 1, 1], 'llsm.diff.bias': [1] },
    bilinear: {
      'llsm.theta.weight': [k, c, 1, 1],
      'llsm.phi.weight': [k, c, 1, 1],
      'llsm.bias': [1],
    },
  };
  for (const head of heads) {
    const params = new Map(
      Object.entries(shapes[head]).map(([name, shape]) => [name, normal(random, shape, 0.5)]),
    );
    const exact = chain(head, x, params, (z) => {
      const loss = pairLoss(z, mask, share);
      return { loss: loss.out, dZ: loss.backward(valuesOf([1], [scale])).z };
    });
    for (const subgroupSize of subgroupSizes) {
      const g = new Graph({ batch, training: true, traits: { subgroupSize } });
      const input = g.input('x', [h, w, c]);
      const tensors = new Map(
        [...params].map(([name, { shape }]) => [
          name,
          new Tensor(name, [...shape], { home: 'input' }),
        ]),
      );
      const target = g.input('target', [h, w, 1]);
      const shares = g.input('share', []);
      const param = (name: string): Tensor => {
        const tensor = tensors.get(name);
        if (!tensor) throw new Error(`${head} asks for ${name}`);
        return tensor;
      };
      const features = llsmFeatures(g, read(input), { head, hidden: k }, param);
      const z = llsmMap(g, features);
      const loss = llsmLoss(g, features, target, shares, { scale, grad: true });
      const made = backward(g, loss.seeds, [input, ...tensors.values()]);
      const wrt = new Map([['x', input], ...tensors]);
      const gradients = [...wrt].map(
        ([name, tensor]) => [name, made.of(tensor) as Tensor] as const,
      );
      for (const [, tensor] of gradients) tensor.keep = true;
      loss.partial.keep = z.keep = true;
      const plan = await Plan.build(gpu, g);
      plan.write(input, Float32Array.from(x.data));
      for (const [name, tensor] of tensors) {
        plan.write(tensor, Float32Array.from((params.get(name) as Values).data));
      }
      plan.write(target, Float32Array.from(mask.data));
      plan.write(shares, Float32Array.from(share.data));
      plan.run();
      compare(`${head}: map`, await plan.read(z), exact.z, 1e-5);
      for (const [name, tensor] of gradients) {
        const values = exact.gradients.get(name) as Values;
        compare(`${head}: d ${name}`, await plan.read(tensor), values, 1e-4);
      }
      plan.destroy();
    }
  }
});

/** The whole module in f64: conv references, pair logits, and back. */
function chain(
  head: Head,
  x: Values,
  params: Map<string, Values>,
  lossOf: (z: Values) => { loss: Values; dZ: Values },
) {
  const of = (name: string): Values => params.get(name) as Values;
  const ones = valuesOf([1], [1]);
  const gradients = new Map<string, Values>();
  if (head === 'absdiff') {
    const logits = pairLogits(head, x, x, of('llsm.diff.weight'), of('llsm.diff.bias'));
    const d = logits.backward(lossOf(logits.out).dZ);
    gradients.set('x', add(d.left, d.right));
    gradients.set('llsm.diff.weight', d.weight);
    gradients.set('llsm.diff.bias', d.bias);
    return { z: logits.out, gradients };
  }
  /** One position's kernel [K, C, 1, 1] of a pair kernel [K, C, 2, 1]. */
  const half = (weight: Values, side: number): Values =>
    valuesOf(
      [weight.shape[0], weight.shape[1], 1, 1],
      weight.data.filter((_, i) => i % 2 === side),
    );
  const bilinear = head === 'bilinear';
  const mlp = head === 'mlp';
  const pair = bilinear ? undefined : of('llsm.pair.weight');
  const left = conv(x, pair ? half(pair, 0) : of('llsm.theta.weight'), {
    bias: mlp ? of('llsm.pair.bias') : undefined,
  });
  const right = conv(x, pair ? half(pair, 1) : of('llsm.phi.weight'));
  const biasName = mlp ? 'llsm.out.bias' : bilinear ? 'llsm.bias' : 'llsm.pair.bias';
  const weight = mlp ? of('llsm.out.weight') : ones;
  const logits = pairLogits(head, left.out, right.out, weight, of(biasName));
  const d = logits.backward(lossOf(logits.out).dZ);
  const [dLeft, dRight] = [left.backward(d.left), right.backward(d.right)];
  gradients.set('x', add(dLeft.x, dRight.x));
  gradients.set(biasName, d.bias);
  if (mlp) {
    gradients.set('llsm.out.weight', d.weight);
    gradients.set('llsm.pair.bias', dLeft.bias);
  }
  if (pair) {
    const both = zeros(pair.shape);
    for (let i = 0; i < sizeOf(dLeft.weight.shape); i++) {
      both.data[i * 2] = dLeft.weight.data[i];
      both.data[i * 2 + 1] = dRight.weight.data[i];
    }
    gradients.set('llsm.pair.weight', both);
  } else {
    gradients.set('llsm.theta.weight', dLeft.weight);
    gradients.set('llsm.phi.weight', dRight.weight);
  }
  return { z: logits.out, gradients };
}

test('a map of more than 4,096 positions is refused, and says what to do', () => {
  const g = new Graph({ batch: 1, training: false, traits: { subgroupSize: 0 } });
  const tensor = g.input('x', [65, 64, 4]);
  const side = { ...read(tensor), at: 0 };
  const bias = new Tensor('b', [1], { home: 'input' });
  const features = {
    head: 'bilinear',
    height: 65,
    width: 64,
    depth: 4,
    left: side,
    right: side,
    bias,
  };
  assert.throws(
    () => llsmMap(g, features as Features),
    (error: Error) => error instanceof LlsmError && /65 x 64.*llsm\.tap/.test(error.message),
  );
});
