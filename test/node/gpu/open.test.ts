import * as assert from 'uvu/assert';
import { dawnFlags, openNodeGpu } from '../../../node/gpu/open.ts';
import { kernel } from '../../../src/gpu/pipeline.ts';
import { Graph } from '../../../src/graph/record.ts';
import { Plan } from '../../../src/graph/replay.ts';
import { skip, test } from '../../support/run.ts';

const gpu = await openNodeGpu();

/** Keeps a device busy for as long as `turns` says. */
const busy = `
struct Params { turns: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  var x = f32(id.x);
  for (var i = 0u; i < p.turns; i++) { x = x * 0.999 + 0.001; }
  out[id.x] = x;
}
`;

async function busyPlan(turns: number): Promise<Plan> {
  const g = new Graph(1, false, gpu);
  g.launch({
    kernel: kernel('busy', busy),
    bind: { out: g.scratch('out', [1 << 14]) },
    params: () => ({ turns }),
    grid: () => [1 << 8],
  });
  return await Plan.build(gpu, g);
}

test('waiting for a software driver leaves the processor to it', async () => {
  if (!gpu.software) skip('this adapter is a GPU: its work takes no core');
  let turns = 4096;
  for (;;) {
    const plan = await busyPlan(turns);
    let asked = 0;
    let waiting = true;
    const count = (): void => {
      asked++;
      if (waiting) setImmediate(count);
    };
    plan.run();
    const start = performance.now();
    count();
    await plan.settle();
    waiting = false;
    const milliseconds = performance.now() - start;
    plan.destroy();
    turns *= 4;
    if (milliseconds < 200) continue;
    // Without naps there are tens of turns of the event loop a millisecond.
    assert.ok(asked < 200 + milliseconds, `${asked} turns in ${milliseconds} ms`);
    assert.ok(asked > milliseconds / 20, `${asked} turns in ${milliseconds} ms`);
    return;
  }
});

test('several waits at once, ended in any order, and what fails fails', async () => {
  const plan = await busyPlan(10_000);
  plan.run();
  const late = plan.settle();
  const soon = gpu.wait(new Promise((resolve) => setTimeout(resolve, 5, 'soon')));
  const failing = gpu.wait(Promise.reject(new Error('refused')));
  assert.is(await failing.catch((error: Error) => error.message), 'refused');
  assert.is(await soon, 'soon');
  await late;
  assert.is(await gpu.wait(Promise.resolve(3)), 3);
  plan.destroy();
});

test("Dawn's toggles are joined, whoever asks for them", () => {
  const f16 = 'vulkan_enable_f16_on_nvidia';
  assert.equal(dawnFlags(), [`enable-dawn-features=${f16}`]);
  assert.equal(
    dawnFlags(' backend=vulkan  enable-dawn-features=a,b disable-dawn-features=c adapter=NVIDIA', [
      'd',
      '-a',
      'c',
    ]),
    [
      'backend=vulkan',
      'adapter=NVIDIA',
      `enable-dawn-features=${f16},b,c,d`,
      'disable-dawn-features=a',
    ],
  );
  assert.equal(dawnFlags(`disable-dawn-features=${f16}`), [`disable-dawn-features=${f16}`]);
});
