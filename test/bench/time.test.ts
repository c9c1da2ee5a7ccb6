import * as assert from 'uvu/assert';
import { byKernel } from '../../bench/by-kernel.ts';
import { enough, inOneSubmit, sample } from '../../bench/time.ts';
import { openNodeGpu } from '../../node/gpu/open.ts';
import { shader } from '../../src/gpu/pipeline.ts';
import { Graph } from '../../src/graph/record.ts';
import { Plan } from '../../src/graph/replay.ts';
import { test } from '../support/run.ts';

test('runs are repeated until a sample is long enough, ten times as many at most each time', async () => {
  const asked: number[] = [];
  const costing = (each: number, besides: number) => async (repeats: number) => {
    asked.push(repeats);
    return besides + repeats * each;
  };
  // Of a run that takes 2 us in a submit of 60, the first sample says nothing.
  assert.equal(await enough(costing(0.002, 0.06), 5), { repeats: 3000, taken: 6.06 });
  assert.equal(asked.splice(0), [1, 10, 100, 1000, 3000]);
  assert.equal(await enough(costing(80, 0), 50), { repeats: 1, taken: 80 });
  assert.equal(asked.splice(0), [1]);
  assert.is((await enough(costing(0, 0), 50)).repeats, 10_000, 'nothing takes no time');
});

const counting = `
struct Params { by: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@compute @workgroup_size(1)
fn main() { out[0] += f32(p.by); }
`;

test('replays in one submit are as many as asked for, queued when it is said', async () => {
  const gpu = await openNodeGpu();
  const g = new Graph({ batch: 1, training: false, traits: gpu });
  const out = g.input('sum', []);
  g.launch({
    kernel: shader('counting', counting)(),
    bind: { out },
    params: () => ({ by: 3 }),
    grid: () => [1],
  });
  const plan = await Plan.build(gpu, g);
  const queue = plan.repeat(7);
  assert.equal([...(await plan.read(out))], [0]);
  queue();
  assert.equal([...(await plan.read(out))], [21]);
  await sample(gpu, inOneSubmit(plan), 4);
  await sample(gpu, inOneSubmit(plan), 1);
  assert.equal([...(await plan.read(out))], [36]);
  plan.destroy();
});

test('a profile by kernel has all of them, dearest first, with their rates', () => {
  const each = (kernel: string, milliseconds: number, flops: number, bytes: number) => ({
    ...{ kernel, milliseconds, flops, bytes, makes: '', workgroups: 1 },
  });
  const kernels = byKernel([each('a', 1, 0, 1e6), each('b', 2, 4e6, 1e6), each('b', 1, 2e6, 2e6)]);
  assert.equal(kernels, [
    { kernel: 'b', dispatches: 2, milliseconds: 3, share: 0.75, gflops: 2, gbs: 1 },
    { kernel: 'a', dispatches: 1, milliseconds: 1, share: 0.25, gbs: 1 },
  ]);
});
