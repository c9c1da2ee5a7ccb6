import * as assert from 'uvu/assert';
import { openNodeGpu } from '../../node/gpu/open.ts';
import { LlsmError } from '../../src/base/errors.ts';
import { packUniform, pipelineCount, pipelineOf, shader } from '../../src/gpu/pipeline.ts';
import { Graph } from '../../src/graph/record.ts';
import { Plan } from '../../src/graph/replay.ts';
import { test } from '../support/run.ts';

const gpu = await openNodeGpu();

const source = `
struct Params { count: u32, shift: i32, scale: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
//! if TWO
@group(0) @binding(3) var<storage, read> y: array<f32>;
//! end
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= p.count) { return; }
  out[id.x] = x[id.x / 4u][id.x % 4u] * p.scale + f32(p.shift);
  //! if TWO
  out[id.x] += y[id.x];
  //! end
}
`;

test('a kernel says what its shader declares', () => {
  const made = shader('scale', source)({ TWO: true });
  assert.equal(
    made.bindings.map(({ name, binding, access }) => [name, binding, access]),
    [
      ['x', 1, 'read'],
      ['y', 3, 'read'],
      ['out', 2, 'write'],
    ],
  );
  assert.equal(made.fields, [
    { name: 'count', offset: 0, type: 'u32' },
    { name: 'shift', offset: 4, type: 'i32' },
    { name: 'scale', offset: 8, type: 'f32' },
  ]);
  assert.is(shader('scale', source)({ TWO: true }), made, 'made once');
  assert.is.not(shader('scale', source)({ TWO: false }), made);
  assert.is(shader('scale', source)({ TWO: false }).bindings.length, 2);
});

test('shaders without the expected form are refused', () => {
  const bare = '@compute @workgroup_size(1) fn main() {}';
  assert.throws(() => shader('bare', bare)(), /bare\.wgsl has no Params uniform at binding 0/);
  const moved = source.replace('@binding(0)', '@binding(7)');
  assert.throws(() => shader('moved', moved)({ TWO: false }), /has no Params uniform at binding 0/);
  assert.throws(
    () => shader('broken', source.replace('shift: i32', 'shift: :'))({ TWO: false }),
    /broken\.wgsl: its declarations do not parse/,
  );
});

test('a uniform takes every field, by type, and none besides', () => {
  const made = shader('scale', source)({ TWO: false });
  const view = new DataView(new ArrayBuffer(512));
  packUniform(made, { count: 4_000_000_000, shift: -3, scale: 0.5 }, view, 256);
  assert.is(view.getUint32(256, true), 4_000_000_000);
  assert.is(view.getInt32(260, true), -3);
  assert.is(view.getFloat32(264, true), 0.5);
  assert.is(view.getUint32(0, true), 0, 'nothing before its place');
  const pack = (values: Record<string, number>) => () => packUniform(made, values, view, 0);
  assert.throws(pack({ count: 1, shift: 1 }), /scale\.wgsl: no value for the uniform field scale/);
  assert.throws(pack({ count: 1, shift: Number.NaN, scale: 1 }), /uniform field shift/);
  assert.throws(
    pack({ count: 1, shift: 1, scale: 1, size: 2, more: 3 }),
    /scale\.wgsl has no uniform field size, more/,
  );
});

test('a launch binds every variable of the shader, and none besides', () => {
  const g = new Graph({ batch: 1, training: false, traits: { subgroupSize: 0 } });
  const x = g.input('x', [8]);
  const out = g.activation('out', [8]);
  const launch = (bind: Record<string, typeof x>) => () =>
    g.launch({
      kernel: shader('scale', source)({ TWO: false }),
      bind,
      params: () => ({ count: 8, shift: 0, scale: 1 }),
      grid: () => [1],
    });
  assert.throws(launch({ x }), /scale\.wgsl: nothing bound to out/);
  assert.throws(launch({ x, out, y: x }), /scale\.wgsl has no binding y/);
  launch({ x, out })();
  assert.is(g.launches.length, 1);
});

test('a missing uniform field stops the plan before anything runs', async () => {
  const g = new Graph({ batch: 1, training: false, traits: { subgroupSize: 0 } });
  g.launch({
    kernel: shader('scale', source)({ TWO: false }),
    bind: { x: g.input('x', [8]), out: g.activation('out', [8]) },
    params: (): Record<string, number> => ({ count: 8, shift: 0 }),
    grid: () => [1],
  });
  let message = '';
  await Plan.build(gpu, g).catch((error: unknown) => {
    assert.instance(error, LlsmError);
    message = (error as Error).message;
  });
  assert.match(message, 'no value for the uniform field scale');
});

test('what the driver refuses is told with its line, and the device goes on', async () => {
  const wrong = shader('wrong', source.replace('* p.scale', '* p.count'))({ TWO: false });
  let message = '';
  await pipelineOf(gpu, wrong).catch((error: unknown) => {
    assert.instance(error, LlsmError);
    message = (error as Error).message;
  });
  assert.match(message, 'wrong.wgsl was refused');
  const line = wrong.source.split('\n').findIndex((text) => text.includes('* p.count')) + 1;
  assert.match(message, new RegExp(`^ *${line}   out\\[id\\.x\\] = .* \\* p\\.count`, 'm'));
  gpu.check();
});

test('a pipeline is compiled once a device, and computes', async () => {
  const made = shader('scale', source)({ TWO: true });
  const before = pipelineCount(gpu);
  const [first, second] = await Promise.all([pipelineOf(gpu, made), pipelineOf(gpu, made)]);
  assert.is(first, second);
  assert.is(pipelineCount(gpu), before + 1);
  const g = new Graph({ batch: 1, training: false, traits: { subgroupSize: 0 } });
  const [x, y, out] = [g.input('x', [5]), g.input('y', [5]), g.activation('out', [5])];
  out.keep = true;
  g.launch({
    kernel: made,
    bind: { x, y, out },
    params: () => ({ count: 5, shift: -2, scale: 0.5 }),
    grid: () => [1],
  });
  const plan = await Plan.build(gpu, g);
  plan.write(x, Float32Array.of(2, 4, 6, 8, 10));
  plan.write(y, Float32Array.of(10, 20, 30, 40, 50));
  plan.run();
  assert.equal([...(await plan.read(out))], [9, 20, 31, 42, 53]);
  plan.destroy();
});

// The last test: the device is no good afterwards.
test('what the GPU finds wrong later stops the next use', async () => {
  gpu.check();
  const { MAP_READ, MAP_WRITE } = GPUBufferUsage;
  gpu.device.createBuffer({ size: 4, usage: MAP_READ | MAP_WRITE });
  await gpu.device.queue.onSubmittedWorkDone();
  assert.throws(() => gpu.check(), /The GPU reported an error/);
});
