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

/** Commands of one pass: the dispatches in order, so many times over. */
export function commandsOf(
  device: GPUDevice,
  dispatches: readonly PreparedDispatch[],
  times = 1,
): GPUCommandBuffer {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  for (let i = 0; i < times; i++) {
    for (const dispatch of dispatches) encode(pass, dispatch);
  }
  pass.end();
  return encoder.finish();
}

/** Queues dispatches as one submit of one pass. */
export function submit(device: GPUDevice, dispatches: readonly PreparedDispatch[]): void {
  device.queue.submit([commandsOf(device, dispatches)]);
}

/**
 * Milliseconds of passes that follow one another, from their stamps in nanoseconds: begin and end of
 * each. Drivers take the begin before the barrier that the pass waits at, while the one before it still
 * runs: a pass lasts from that one's end.
 */
export function durations(stamps: BigUint64Array): number[] {
  const times: number[] = [];
  let before = 0n;
  for (let at = 0; at + 1 < stamps.length; at += 2) {
    const [begin, end] = [stamps[at], stamps[at + 1]];
    const from = before > begin ? before : begin;
    // A driver's clock may step back between two queries.
    times.push(end > from ? Number(end - from) / 1e6 : 0);
    before = end > before ? end : before;
  }
  return times;
}

/**
 * Runs dispatches in order, each in a timestamped pass of its own.
 * @returns milliseconds of each (see `durations`); Dawn rounds them to 0.07 ms unless `timestamp_quantization` is off
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
    times.push(...durations(stamps));
    querySet.destroy();
    resolve.destroy();
  }
  return times;
}
