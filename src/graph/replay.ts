import { LlsmError } from '../base/errors.ts';
import { floatToHalf, halvesToFloats } from '../base/float16.ts';
import type { Gpu } from '../gpu/device.ts';
import { commandsOf, timeEach } from '../gpu/dispatch.ts';
import { pipelineOf } from '../gpu/pipeline.ts';
import { readBuffer } from '../gpu/readback.ts';
import { valueOfByte } from '../gpu/storage8.ts';
import { largestHalf } from '../gpu/storage16.ts';
import { Submits, type Work } from '../gpu/submits.ts';
import { Buffers } from './buffers.ts';
import { type Owned, ownWeights } from './own-weights.ts';
import { bytesIn, type Dispatch, type MemoryPlan, type PlanLimits, planMemory } from './plan.ts';
import type { Graph } from './record.ts';
import type { ParamStore } from './store.ts';
import type { Tensor } from './tensor.ts';

/** A dispatch of the plan with its GPU objects, and what a profile says of it. */
interface Prepared extends Work {
  kernel: string;
  makes: string;
}

/** Time of one dispatch of a profiled run. */
export interface DispatchTime {
  kernel: string;
  /** Name of the first tensor that the dispatch writes. */
  makes: string;
  milliseconds: number;
  /** Floating-point operations of the dispatch; 0 where its operation does not state them. */
  flops: number;
  /** Bytes of all that the dispatch binds. */
  bytes: number;
  /** Workgroups of the dispatch. */
  workgroups: number;
}

export interface PlanOptions {
  /**
   * Of a graph in inference: gives the parameters' buffers up once it is prepared, for weights that never
   * change. They take as much as the prepared ones do. What else works on the store fails from then on.
   */
  release?: boolean;
}

/**
 * A graph made ready: memory, pipelines, bind groups and uniforms are settled once, and a run
 * only replays dispatches. Preparations are replayed before a run when what they read has changed:
 * weights and statistics by whatever plan, or inputs.
 */
export class Plan {
  readonly #preparation: Submits;
  readonly #submits: Submits;
  /** Tensors that preparations bind. */
  readonly #preparedFrom: ReadonlySet<Tensor>;
  /** Value of `params.changes` when the preparations ran last. */
  #preparedAt: number | undefined;
  /** Whether a run changes weights or running statistics. */
  readonly #trains: boolean;
  /** Range check of the last run: awaited by whoever reads first. */
  #inRange: Promise<void> | undefined;

  private constructor(
    private readonly gpu: Gpu,
    readonly memory: MemoryPlan,
    private readonly buffers: Buffers,
    private readonly params: ParamStore | undefined,
    /** Tensor `outOfRange` of the graph, where something is stored in 16 bits. */
    private readonly outOfRange: Tensor | undefined,
    private readonly rangeHandled: boolean,
    preparations: readonly Prepared[],
    private readonly prepared: readonly Prepared[],
  ) {
    this.#preparation = new Submits(gpu, preparations);
    this.#submits = new Submits(gpu, prepared);
    this.#trains = memory.dispatches.some(changesParams);
    this.#preparedFrom = new Set(
      memory.preparations.flatMap(({ launch }) => Object.values(launch.bind)),
    );
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
    { release = false }: PlanOptions = {},
  ): Promise<Plan> {
    if (release && !graph.inference) {
      throw new LlsmError('Only a graph in inference can do without its parameters');
    }
    const owned = release ? ownWeights(graph) : [];
    const memory = planMemory(graph, limits);
    const dispatches = [...memory.preparations, ...memory.dispatches];
    // Threads of the driver compile while the buffers are made.
    const [buffers, ...pipelines] = await Promise.all([
      Buffers.make(gpu, memory, params),
      ...dispatches.map(({ launch }) => pipelineOf(gpu, launch.kernel)),
    ]);
    const prepared = dispatches.map((dispatch, i) =>
      prepare(gpu.device, dispatch, {
        pipeline: pipelines[i],
        buffers,
        at: i,
        share: dispatch.slice.count / graph.batch,
      }),
    );
    gpu.check();
    const first = memory.preparations.length;
    const [before, each] = [prepared.slice(0, first), prepared.slice(first)];
    const outOfRange = memory.inputs.find((tensor) => tensor === graph.outOfRange);
    const plan = new Plan(
      gpu,
      memory,
      buffers,
      params,
      outOfRange,
      graph.rangeHandled,
      before,
      each,
    );
    if (release && params) plan.#release(params, owned);
    return plan;
  }

  /** Prepares for good, and gives up the parameters' buffers. */
  #release(params: ParamStore, owned: readonly Owned[]): void {
    for (const { from, to } of owned) params.copyTo(from, this.buffers.of(to));
    this.#prepare();
    params.release();
    // They come on top of the plan's bytes no longer.
    this.memory.homes.clear();
  }

  /** Fills an input, rounded to how it is stored. Takes effect for the runs that follow. */
  write(tensor: Tensor, data: Float32Array | Uint32Array | Uint8Array): void {
    if (data.length !== tensor.size) {
      throw new LlsmError(
        `${tensor.name} takes ${tensor.size} values [${tensor.shape.join(', ')}], got ${data.length}`,
      );
    }
    const isBytes = data instanceof Uint8Array;
    if (isBytes !== (tensor.dtype === 'u8')) {
      const [takes, got] = isBytes ? ['numbers', 'bytes'] : ['bytes', 'numbers'];
      throw new LlsmError(`${tensor.name} takes ${takes}, got ${got}`);
    }
    this.buffers.write(
      tensor,
      isBytes ? words(data) : tensor.dtype === 'f16' ? halvesOf(data) : data,
    );
    if (this.#preparedFrom.has(tensor)) this.#preparedAt = undefined;
  }

  /**
   * Queues one replay, in as few submits as their time allows.
   * @param most milliseconds of a submit
   */
  run(most?: number): void {
    this.#begin(most);
    this.#submits.run(most);
    this.#changed();
  }

  /**
   * Makes so many replays ready as one submit, for what is too short to be timed alone. A screen that
   * the GPU also draws stands still meanwhile.
   * @returns queues them; to be called once, and before anything else of this plan
   */
  repeat(times: number): () => void {
    this.#begin();
    const commands = commandsOf(this.gpu.device, this.prepared, times);
    return () => {
      this.gpu.device.queue.submit([commands]);
      this.#changed();
    };
  }

  #begin(most?: number): void {
    this.gpu.check();
    if (this.outOfRange) this.buffers.write(this.outOfRange, new Float32Array(1));
    this.#inRange = undefined;
    this.#prepare(most);
  }

  #prepare(most?: number): void {
    const changes = this.params?.changes ?? 0;
    if (this.#preparedFrom.size === 0 || this.#preparedAt === changes) return;
    this.#preparation.run(most);
    this.#preparedAt = changes;
  }

  #changed(): void {
    if (this.params && this.#trains) this.params.changes++;
  }

  /**
   * Reads a kept tensor (or an input) back, as f32 values however it is stored.
   * @throws LlsmError where the last run stored a value in 16 bits that is beyond their range
   */
  async read(tensor: Tensor): Promise<Float32Array> {
    if (tensor.home === 'temp' && !tensor.keep) {
      throw new LlsmError(`${tensor.name} was not asked to be kept, so its memory may be reused`);
    }
    // Both are queued here and now: the caller may go on with the next run before they are there.
    this.#inRange ??= this.#checkRange();
    const bytes = Math.ceil(bytesIn(this.memory.rows, tensor) / 4) * 4;
    const [values] = await Promise.all([
      readBuffer(this.gpu, this.buffers.of(tensor), bytes),
      this.#inRange,
    ]);
    if (tensor.dtype === 'f32') return values;
    if (tensor.dtype === 'u8') {
      return Float32Array.from(new Uint8Array(values.buffer, 0, tensor.size), valueOfByte);
    }
    return halvesToFloats(new Uint16Array(values.buffer, 0, tensor.size));
  }

  async #checkRange(): Promise<void> {
    if (!this.outOfRange || this.rangeHandled) return;
    const { buffer } = await readBuffer(this.gpu, this.buffers.of(this.outOfRange), 4);
    if (new Uint32Array(buffer)[0] === 0) return;
    throw new LlsmError(
      `A feature map has values beyond the range of 16-bit floats (+-${largestHalf}): ` +
        'use 32 bits (precision f32)',
    );
  }

  /** Waits until everything queued is done; reports what the GPU found wrong. */
  async settle(): Promise<void> {
    await this.gpu.wait(this.gpu.device.queue.onSubmittedWorkDone());
    this.gpu.check();
  }

  /** Runs once with a timestamped pass a dispatch, and returns the time of each, in order. */
  async profile(): Promise<DispatchTime[]> {
    this.#prepare();
    const times = await timeEach(this.gpu, this.prepared);
    this.#changed();
    return this.prepared.map(({ kernel, makes, flops, bytes, grid: [x, y, z] }, i) => ({
      kernel,
      makes,
      milliseconds: times[i],
      flops,
      bytes,
      workgroups: x * y * z,
    }));
  }

  destroy(): void {
    this.buffers.destroy();
  }
}

/** Bytes padded to whole words, which is what the GPU takes. */
function words(data: Uint8Array): Uint8Array {
  if (data.length % 4 === 0) return data;
  const padded = new Uint8Array(Math.ceil(data.length / 4) * 4);
  padded.set(data);
  return padded;
}

/** Converts to 16-bit floats, padded to an even number: the GPU takes whole words. */
function halvesOf(data: Float32Array | Uint32Array): Uint16Array {
  const halves = new Uint16Array(Math.ceil(data.length / 2) * 2);
  data.forEach((value, i) => {
    halves[i] = floatToHalf(value);
  });
  return halves;
}

const changesParams = ({ launch }: Dispatch): boolean =>
  launch.kernel.bindings.some(
    ({ name, access }) =>
      access === 'write' && ['weights', 'state'].includes(launch.bind[name].home),
  );

function prepare(
  device: GPUDevice,
  dispatch: Dispatch,
  {
    pipeline,
    buffers,
    at,
    share,
  }: { pipeline: GPUComputePipeline; buffers: Buffers; at: number; share: number },
): Prepared {
  const { launch, slice } = dispatch;
  const { kernel } = launch;
  const most = device.limits.maxComputeWorkgroupsPerDimension;
  const [x, y = 1] = launch.grid(slice);
  if (y > most) throw new LlsmError(`${kernel.name}: ${y} workgroups in y`);
  const folds = Math.ceil(x / most);
  const ranges = kernel.bindings.map(({ name, binding }) => ({
    binding,
    resource: buffers.range(dispatch, name),
  }));
  const written = kernel.bindings.find(({ access }) => access === 'write');
  return {
    pipeline,
    group: device.createBindGroup({
      label: kernel.name,
      layout: pipeline.getBindGroupLayout(0),
      entries: [{ binding: 0, resource: buffers.uniform(at) }, ...ranges],
    }),
    grid: [Math.ceil(x / folds), y, folds],
    kernel: kernel.name,
    makes: written ? launch.bind[written.name].name : '',
    flops: (launch.flops ?? 0) * share,
    bytes: ranges.reduce((sum, { resource }) => sum + resource.size, 0),
  };
}
