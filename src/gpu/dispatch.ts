import { LlsmError } from '../base/errors.ts';
import type { Gpu } from './device.ts';
import { readBuffer } from './readback.ts';

/** A dispatch with everything it needs, made once and replayed. */
export interface PreparedDispatch {
  pipeline: GPUComputePipeline;
  group: GPUBindGroup;
  grid: [x: number, y: number, z: number];
}

/** Records a dispatch in a pass. */
export function encode(
  pass: GPUComputePassEncoder,
  { pipeline, group, grid }: PreparedDispatch,
): void {
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(...grid);
}

/** Queues dispatches as one submit of one pass. */
export function submit(device: GPUDevice, dispatches: readonly PreparedDispatch[]): void {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  for (const dispatch of dispatches) encode(pass, dispatch);
  pass.end();
  device.queue.submit([encoder.finish()]);
}

/**
 * Runs dispatches in order, each in a timestamped pass of its own.
 * @returns milliseconds of each; Dawn rounds them to 0.07 ms unless `timestamp_quantization` is off
 * @throws LlsmError where the adapter has no timestamps
 */
export async function timeEach(
  gpu: Gpu,
  dispatches: readonly PreparedDispatch[],
): Promise<number[]> {
  const { device } = gpu;
  if (!device.features.has('timestamp-query')) {
    throw new LlsmError('This adapter has no timestamp-query feature to profile with');
  }
  const times: number[] = [];
  const atOnce = 1024; // A query set holds 4,096 stamps.
  for (let at = 0; at < dispatches.length; at += atOnce) {
    const part = dispatches.slice(at, at + atOnce);
    const querySet = device.createQuerySet({ type: 'timestamp', count: part.length * 2 });
    const resolve = device.createBuffer({
      size: part.length * 16,
      usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    });
    const encoder = device.createCommandEncoder();
    part.forEach((dispatch, i) => {
      const pass = encoder.beginComputePass({
        timestampWrites: {
          querySet,
          beginningOfPassWriteIndex: i * 2,
          endOfPassWriteIndex: i * 2 + 1,
        },
      });
      encode(pass, dispatch);
      pass.end();
    });
    encoder.resolveQuerySet(querySet, 0, part.length * 2, resolve, 0);
    device.queue.submit([encoder.finish()]);
    const stamps = new BigUint64Array((await readBuffer(gpu, resolve)).buffer);
    part.forEach((_, i) => {
      times.push(Number(stamps[i * 2 + 1] - stamps[i * 2]) / 1e6);
    });
    querySet.destroy();
    resolve.destroy();
  }
  return times;
}
