import type { Gpu } from './device.ts';

/** Staging buffers that wait for the next read, smallest first, for each device. */
const idle = new WeakMap<GPUDevice, GPUBuffer[]>();

/** Staging buffers that are kept: enough for a training step's few reads, not for a checkpoint's 80 MiB. */
const mostIdle = 4;
const largestIdle = 16 * 2 ** 20;

/**
 * A GPU buffer's values as f32, on the CPU, as they are when everything queued so far is done. Staging
 * buffers are used again: reading what was read before allocates nothing on the GPU.
 * @param bytes a multiple of 4, from the buffer's start
 * @throws LlsmError when the GPU has reported an error or is lost
 */
export async function readBuffer(
  gpu: Gpu,
  source: GPUBuffer,
  bytes = source.size,
): Promise<Float32Array<ArrayBuffer>> {
  const { device } = gpu;
  const free = idle.get(device) ?? [];
  idle.set(device, free);
  const fitting = free.findIndex(({ size }) => size >= bytes);
  const staging =
    fitting >= 0
      ? free.splice(fitting, 1)[0]
      : device.createBuffer({
          label: 'staging',
          size: bytes,
          usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
        });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(source, 0, staging, 0, bytes);
  device.queue.submit([encoder.finish()]);
  try {
    await gpu.wait(staging.mapAsync(GPUMapMode.READ, 0, bytes));
  } catch (error) {
    gpu.check(); // says more of what happened
    throw error;
  }
  const values = new Float32Array(staging.getMappedRange(0, bytes).slice(0));
  staging.unmap();
  free.push(staging);
  free.sort((a, b) => a.size - b.size);
  while (free.length > mostIdle || (free.at(-1)?.size ?? 0) > largestIdle) free.pop()?.destroy();
  gpu.check();
  return values;
}
