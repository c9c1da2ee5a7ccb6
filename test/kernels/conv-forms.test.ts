/** Every form of the menu, which its choice need not reach by itself, and how one is chosen. */
import * as assert from 'uvu/assert';
import { Graph, type Traits } from '../../src/graph/record.ts';
import { Plan } from '../../src/graph/replay.ts';
import { Tensor } from '../../src/graph/tensor.ts';
import { conv } from '../../src/kernels/conv/conv.ts';
import { formsOf } from '../../src/kernels/conv/menu.ts';
import { skip, test } from '../support/run.ts';
import { type Shape, title, windowCase } from './conv-support.ts';
import { check, formsHere, gpu } from './support.ts';

// More columns than a tile of 64 has, fewer than two of 128; rows and pixels that no tile divides.
const shapes: Shape[] = [
  { batch: 3, size: 9, cin: 12, n: 84, kernel: 3, through: 'affine relu', bias: true },
  { batch: 3, size: 9, cin: 36, n: 132, stride: 2, through: 'relu' },
];
/** Few columns and short windows: one lane's columns or several times as many, and a column left over. */
const narrowShapes: Shape[] = [
  { batch: 3, size: 9, cin: 8, n: 8, kernel: 3, through: 'affine relu', pad: 'torch' },
  { batch: 2, size: 11, cin: 8, n: 12, kernel: 3, stride: 2, through: 'relu' },
  { batch: 2, size: 21, cin: 3, n: 8, kernel: 3, stride: 2, image: true },
  { batch: 3, size: 9, cin: 8, n: 16, kernel: 3, bias: true, activation: 'leaky' },
  { batch: 5, size: 13, cin: 12, n: 4, through: 'affine' },
  { batch: 3, size: 12, cin: 28, n: 16, stride: 2, through: 'relu', bias: true },
  { batch: 3, size: 37, cin: 16, n: 16, through: 'affine relu' },
  { batch: 3, size: 37, cin: 8, n: 20, through: 'relu' },
];
for (const kind of formsHere) {
  const traits = { subgroupSize: kind === 'lanes' ? gpu.subgroupSize : 0 };
  // The plain ones are those that the other tests run. Filters have the same names, but for one.
  for (const { name: tuned } of formsOf('product', traits).slice(1)) {
    // A software driver compiles the largest for long, and windows longest.
    const costly = /^staged 128x(64|128)/.test(tuned);
    const them = tuned === 'narrow' ? narrowShapes : costly ? shapes.slice(1) : shapes;
    for (const shape of them) {
      test(`${tuned}: ${title(shape)}`, () =>
        check(tuned, { ...windowCase(shape), forms: [kind], tuned }));
    }
  }
}

/** The choice for a pointwise convolution of eight maps. */
function chosen(traits: Traits, cin: number, n: number, size = 14) {
  const g = new Graph({ batch: 8, training: false, traits });
  const weight = new Tensor('w', [n, cin, 1, 1], { home: 'input' });
  conv(g, 'out', g.input('x', [size, size, cin]), weight);
  const { choice } = g.launches[g.launches.length - 1];
  if (!choice) throw new Error('no choice');
  return choice;
}

test('the measured form is taken where it fits, the shipped one elsewhere', () => {
  const portable = { subgroupSize: 0 };
  const shipped = chosen(portable, 728, 728);
  assert.is(shipped.key, 'product 2048x728x728');
  assert.is(shipped.form, 'staged 64x64 of 64');
  assert.is(chosen(portable, 728, 728, 2).form, 'tile 32x32');
  const tuned = new Map([[shipped.key, 'tile 128x128']]);
  assert.is(chosen({ ...portable, tuned }, 728, 728).form, 'tile 128x128');
  assert.is(chosen({ ...portable, tuned }, 728, 724).form, 'staged 64x64 of 64');
  tuned.set(shipped.key, 'a form of the past');
  assert.is(chosen({ ...portable, tuned }, 728, 728).form, 'staged 64x64 of 64');
  // Few columns take a narrow tile, and a software driver the one that it compiles soonest.
  assert.is(chosen(portable, 64, 32, 109).form, 'staged 128x32 of 128');
  assert.is(chosen({ ...portable, software: true }, 728, 728).form, 'tile 32x32');
  for (const subgroupSize of [4, 8]) {
    const lanes = { subgroupSize };
    assert.is(chosen(lanes, 728, 728).form, 'lanes 2x2');
    // 88 columns would leave a third of two tiles of 64 empty (of 32 where lanes are four).
    assert.is(chosen(lanes, 728, subgroupSize * 11).form, 'lanes 1x1');
    // Three channels cannot be taken in pairs, nor few columns two at a time.
    assert.equal(chosen(lanes, 3, 728).among, ['lanes 1x1', 'lanes 2x1']);
    const narrow = subgroupSize === 8 ? ['narrow'] : [];
    assert.equal(chosen(lanes, 32, 16).among, ['lanes 1x1', 'lanes 1x2', ...narrow]);
    // A tall map of few channels is worth a form of its own.
    assert.is(chosen(lanes, 16, 16, 112).form, narrow[0] ?? 'lanes 1x1');
    assert.is(chosen(lanes, 256, 16, 112).form, 'lanes 1x1');
    const wrong = { get: () => 'lanes 2x2' };
    assert.is(chosen({ ...lanes, tuned: wrong }, 64, 16).form, 'lanes 1x1');
  }
});

test('in inference a software driver compiles one shader a form, whatever is asked of it', async () => {
  if (!formsHere.includes('lanes')) skip('no subgroups of 4 or 8 here');
  const traits = { subgroupSize: gpu.subgroupSize };
  const cases: Shape[] = [
    { size: 9, cin: 8, n: 16 },
    { size: 9, cin: 8, n: 12, bias: true, activation: 'relu6' },
    { size: 9, cin: 8, n: 16, bias: true, activation: 'leaky', through: 'relu' },
    { size: 9, cin: 8, n: 16, activation: 'relu' },
    { size: 9, cin: 8, n: 16, kernel: 3, stride: 2, pad: 'tf', bias: true },
  ];
  const kernels = new Set<unknown>();
  for (const shape of cases) {
    const { maps = {}, weights = {}, build, reference } = windowCase(shape);
    const g = new Graph({ batch: 1, training: false, traits, inference: true });
    const x = g.input('x', maps.x.shape.slice(1));
    const t = Object.fromEntries(
      Object.entries(weights).map(([name, { shape }]) => [
        name,
        new Tensor(name, [...shape], { home: 'input' }),
      ]),
    );
    const { out } = build(g, { x, ...t }).outs;
    out.keep = true;
    kernels.add(g.launches[g.launches.length - 1].kernel);
    const plan = await Plan.build(gpu, g);
    plan.write(x, Float32Array.from(maps.x.data));
    for (const [name, { data }] of Object.entries(weights)) {
      plan.write(t[name], Float32Array.from(data));
    }
    plan.run();
    const found = await plan.read(out);
    plan.destroy();
    const wanted = reference.outs.out.data;
    const off = wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - found[i])), 0);
    assert.is(found.length, wanted.length);
    assert.ok(off < 1e-5, `${title(shape)}: ${off}`);
  }
  assert.is(kernels.size, 1);
});
