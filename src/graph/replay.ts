import { LlsmError } from '../errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { packUniform, pipelineOf } from '../gpu/pipeline.ts';
import { type ParamStore, readBuffer } from './params.ts';
import { type Dispatch, type MemoryPlan, type PlanLimits, planMemory } from './plan.ts';
import type { Graph } from './record.ts';
import type { Tensor } from './tensor.ts';

interface Prepared {
  pipeline: GPUComputePipeline;
  group: GPUBindGroup;
  grid: [number, number, number];
  name: string;
  /** The first tensor that it writes. */
  makes: string;
  flops: number;
}

const uniformStride = 256;
const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to;

/** Time of one dispatch of a profiled run. */
export interface DispatchTime {
  kernel: string;
  /** The first tensor that it writes. */
  makes: string;
  milliseconds: number;
  /** Arithmetic, where its operation states it. */
  flops: number;
}

/**
 * A graph made ready: memory, pipelines, bind groups and uniforms are settled once, and a run
 * only replays dispatches.
 */
export class Plan {
  readonly #gpu: Gpu;
  readonly #buffers: (tensor: Tensor) => GPUBuffer;
  readonly #prepared: Prepared[];
  readonly #owned: GPUBuffer[];
  readonly memory: MemoryPlan;

  private constructor(
    gpu: Gpu,
    memory: MemoryPlan,
    buffers: (tensor: Tensor) => GPUBuffer,
    prepared: Prepared[],
    owned: GPUBuffer[],
  ) {
    this.#gpu = gpu;
    this.memory = memory;
    this.#buffers = buffers;
    this.#prepared = prepared;
    this.#owned = owned;
  }

  /**
   * @param limits may be tighter than the adapter's own, which cuts the batch into more slices.
   * @throws LlsmError when the graph does not fit the adapter, or a shader is refused.
   */
  static async build(
    gpu: Gpu,
    graph: Graph,
    params?: ParamStore,
    limits: PlanLimits = gpu.device.limits,
  ): Promise<Plan> {
    const { device } = gpu;
    const memory = planMemory(graph, limits);
    const storage = (label: string, bytes: number): GPUBuffer =>
      device.createBuffer({
        label,
        size: roundUp(bytes, 256),
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
      });

    device.pushErrorScope('out-of-memory');
    const slots = memory.slots.map((slot, i) => storage(`slot ${i}`, slot.bytes));
    const inputs = new Map(memory.inputs.map((t) => [t, storage(t.name, t.bytes)]));
    const uniforms = device.createBuffer({
      label: 'uniforms',
      size: Math.max(1, memory.dispatches.length) * uniformStride,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    const refused = await device.popErrorScope();
    if (refused) {
      throw new LlsmError(
        `The GPU has no room for this plan (${memory.bytes} bytes): use a smaller batch or size`,
      );
    }

    const bufferOf = (tensor: Tensor): GPUBuffer => {
      if (tensor.home === 'temp') {
        const slot = memory.slotOf.get(tensor);
        if (slot === undefined) throw new LlsmError(`${tensor.name} is not part of this plan`);
        return slots[slot];
      }
      if (tensor.home === 'input') {
        const buffer = inputs.get(tensor);
        if (!buffer) throw new LlsmError(`${tensor.name} is not an input of this plan`);
        return buffer;
      }
      if (!params) throw new LlsmError(`${tensor.name}: this plan was built without Params`);
      return params.buffer(tensor.home);
    };

    const bytes = new DataView(new ArrayBuffer(uniforms.size));
    memory.dispatches.forEach(({ launch, slice }, i) => {
      packUniform(launch.kernel, launch.params(slice), bytes, i * uniformStride);
    });
    device.queue.writeBuffer(uniforms, 0, bytes.buffer);

    const pipelines = new Map(
      await Promise.all(
        [...new Set(memory.dispatches.map(({ launch }) => launch.kernel))].map(
          async (kernel) => [kernel, await pipelineOf(gpu, kernel)] as const,
        ),
      ),
    );
    const most = device.limits.maxComputeWorkgroupsPerDimension;
    const prepared = memory.dispatches.map((dispatch, i) => {
      const { kernel } = dispatch.launch;
      const pipeline = pipelines.get(kernel) as GPUComputePipeline;
      const [x, y = 1] = dispatch.launch.grid(dispatch.slice);
      if (y > most) throw new LlsmError(`${kernel.name}: ${y} workgroups in y`);
      const folds = Math.ceil(x / most);
      const group = device.createBindGroup({
        label: kernel.name,
        layout: pipeline.getBindGroupLayout(0),
        entries: [
          {
            binding: 0,
            resource: { buffer: uniforms, offset: i * uniformStride, size: uniformStride },
          },
          ...kernel.bindings.map(({ name, binding }) => ({
            binding,
            resource: range(dispatch, name, bufferOf),
          })),
        ],
      });
      const grid: [number, number, number] = [Math.ceil(x / folds), y, folds];
      const written = kernel.bindings.find(({ access }) => access === 'write');
      return {
        pipeline,
        group,
        grid,
        name: kernel.name,
        makes: written ? dispatch.launch.bind[written.name].name : '',
        flops: ((dispatch.launch.flops ?? 0) * dispatch.slice.count) / graph.batch,
      };
    });
    gpu.check();
    return new Plan(gpu, memory, bufferOf, prepared, [...slots, ...inputs.values(), uniforms]);
  }

  /** Fills an input. Takes effect for the runs that follow. */
  write(tensor: Tensor, data: Float32Array | Uint32Array): void {
    if (data.length !== tensor.size) {
      throw new LlsmError(
        `${tensor.name} takes ${tensor.size} values [${tensor.shape.join(', ')}], got ${data.length}`,
      );
    }
    const bytes = data as Float32Array<ArrayBuffer>;
    this.#gpu.device.queue.writeBuffer(this.#buffers(tensor), 0, bytes);
  }

  /** Queues one replay. Work is cut into submits so that no single one holds the device long. */
  run(perSubmit = 64): void {
    this.#gpu.check();
    const { device } = this.#gpu;
    for (let at = 0; at < this.#prepared.length; at += perSubmit) {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      for (const { pipeline, group, grid } of this.#prepared.slice(at, at + perSubmit)) {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(...grid);
      }
      pass.end();
      device.queue.submit([encoder.finish()]);
    }
  }

  /** Reads a kept tensor (or an input) back: its f32 values. */
  async read(tensor: Tensor): Promise<Float32Array> {
    if (tensor.home === 'temp' && !tensor.keep) {
      throw new LlsmError(`${tensor.name} was not asked to be kept, so its memory may be reused`);
    }
    return await readBuffer(this.#gpu, this.#buffers(tensor), roundUp(tensor.bytes, 4));
  }

  /** Waits until everything queued is done; reports what the GPU found wrong. */
  async settle(): Promise<void> {
    await this.#gpu.wait(this.#gpu.device.queue.onSubmittedWorkDone());
    this.#gpu.check();
  }

  /** One run with a timestamped pass a dispatch: the time of each, in order. */
  async profile(): Promise<DispatchTime[]> {
    const { device } = this.#gpu;
    if (!device.features.has('timestamp-query')) {
      throw new LlsmError('This adapter has no timestamp-query feature to profile with');
    }
    const times: DispatchTime[] = [];
    const group = 1024;
    for (let at = 0; at < this.#prepared.length; at += group) {
      const part = this.#prepared.slice(at, at + group);
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
        pass.setPipeline(dispatch.pipeline);
        pass.setBindGroup(0, dispatch.group);
        pass.dispatchWorkgroups(...dispatch.grid);
        pass.end();
      });
      encoder.resolveQuerySet(querySet, 0, part.length * 2, resolve, 0);
      device.queue.submit([encoder.finish()]);
      const stamps = new BigUint64Array((await readBuffer(this.#gpu, resolve)).buffer);
      part.forEach(({ name, makes, flops }, i) => {
        const milliseconds = Number(stamps[i * 2 + 1] - stamps[i * 2]) / 1e6;
        times.push({ kernel: name, makes, milliseconds, flops });
      });
      querySet.destroy();
      resolve.destroy();
    }
    return times;
  }

  destroy(): void {
    for (const buffer of this.#owned) buffer.destroy();
  }
}

function range(
  { launch, slice }: Dispatch,
  name: string,
  bufferOf: (tensor: Tensor) => GPUBuffer,
): GPUBufferBinding {
  const tensor = launch.bind[name];
  const buffer = bufferOf(tensor);
  if (tensor.options.offset !== undefined) {
    return { buffer, offset: tensor.options.offset * 4, size: roundUp(tensor.bytes, 256) };
  }
  if (!tensor.batched) return { buffer, offset: 0, size: roundUp(tensor.bytes, 16) };
  const item = tensor.bytes / tensor.shape[0];
  return { buffer, offset: slice.first * item, size: roundUp(item * slice.count, 16) };
}
