// Opens a WebGPU device, computes on it and reads the result back: run by setup.js in a process
// of its own, because a driver can crash or hang. Prints {"name", "software"} or says what failed.
import { writeSync } from 'node:fs';

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  writeSync(2, `${message}\n`);
  process.exit(1);
}

const shader = `
@group(0) @binding(0) var<storage, read_write> data: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  data[id.x] = id.x * 3u + 7u;
}`;

try {
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const gpu = create([]); // kept referenced: the implementation goes with it
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) fail('Dawn was offered no adapter that it accepts');
  const device = await adapter.requestDevice();
  const size = 64 * 4;
  const data = device.createBuffer({
    size,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC,
  });
  const copy = device.createBuffer({
    size,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  const pipeline = await device.createComputePipelineAsync({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code: shader }) },
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(
    0,
    device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [{ binding: 0, resource: { buffer: data } }],
    }),
  );
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(data, 0, copy, 0, size);
  device.queue.submit([encoder.finish()]);
  await copy.mapAsync(GPUMapMode.READ);
  const wrong = new Uint32Array(copy.getMappedRange()).findIndex((value, i) => value !== i * 3 + 7);
  const { info } = adapter;
  const name =
    info.description || [info.vendor, info.architecture, info.device].join(' ').trim() || 'unnamed';
  if (wrong >= 0) fail(`${name} computes wrongly (element ${wrong} of a test shader)`);
  const software =
    info.isFallbackAdapter || /llvmpipe|lavapipe|swiftshader|basic render/i.test(name);
  writeSync(1, `${JSON.stringify({ name, software })}\n`);
  process.exit(0);
} catch (error) {
  fail(error instanceof Error ? error.message : String(error));
}
