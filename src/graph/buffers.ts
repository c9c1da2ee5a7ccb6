import { LlsmError } from '../base/errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { packUniform } from '../gpu/pipeline.ts';
import { boundBytes, type Dispatch, type MemoryPlan, placeBytes } from './plan.ts';
import type { ParamStore } from './store.ts';
import type { Tensor } from './tensor.ts';

/** Alignment that every adapter takes for the place of a uniform. */
const uniformAlignment = 256;
const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to;

/** A plan that the GPU has no memory for. */
export class NoRoomError extends LlsmError {}

/** The GPU memory of a plan: its slots, its inputs, and the uniforms of its dispatches. */
export class Buffers {
  private constructor(
    private readonly gpu: Gpu,
    private readonly memory: MemoryPlan,
    private readonly params: ParamStore | undefined,
    private readonly slots: readonly GPUBuffer[],
    private readonly inputs: ReadonlyMap<Tensor, GPUBuffer>,
    private readonly uniforms: GPUBuffer,
    /** Place of each dispatch's uniform, and the end of the last. */
    private readonly places: readonly number[],
  ) {}

  /**
   * Creates a plan's buffers, and those of `params` that it works on.
   * @throws NoRoomError where the GPU has no room for the plan, LlsmError where it has none for `params`
   */
  static async make(gpu: Gpu, memory: MemoryPlan, params?: ParamStore): Promise<Buffers> {
    const { device } = gpu;
    const storage = (label: string, size: number): GPUBuffer =>
      device.createBuffer({
        label,
        size,
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
      });
    device.pushErrorScope('out-of-memory');
    const slots = memory.slots.map(({ bytes }, i) => storage(`slot ${i}`, bytes));
    const inputs = new Map(
      memory.inputs.map((tensor) => {
        const places = 1 + (memory.shifts.get(tensor)?.length ?? 0);
        return [tensor, storage(tensor.name, placeBytes(tensor) * places)];
      }),
    );
    const dispatches = [...memory.preparations, ...memory.dispatches];
    const places = [0];
    for (const { launch } of dispatches) {
      places.push(places[places.length - 1] + roundUp(launch.kernel.uniformSize, uniformAlignment));
    }
    const uniforms = device.createBuffer({
      label: 'uniforms',
      size: Math.max(uniformAlignment, places[places.length - 1]),
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    const refused = await device.popErrorScope();
    try {
      if (refused) {
        throw new NoRoomError(
          `The GPU has no room for this plan (${memory.bytes} bytes): use a smaller batch or size`,
        );
      }
      for (const home of params ? memory.homes : []) params?.buffer(home);
      await params?.ready();
    } catch (error) {
      for (const buffer of [...slots, ...inputs.values(), uniforms]) buffer.destroy();
      throw error;
    }
    const bytes = new DataView(new ArrayBuffer(uniforms.size));
    const rows = (tensor: Tensor): number => memory.rows.get(tensor) ?? tensor.shape[0];
    dispatches.forEach(({ launch, slice }, i) => {
      packUniform(launch.kernel, launch.params(slice, rows), bytes, places[i]);
    });
    device.queue.writeBuffer(uniforms, 0, bytes.buffer);
    return new Buffers(gpu, memory, params, slots, inputs, uniforms, places);
  }

  /** Buffer that a tensor lies in. @throws LlsmError for a tensor of another plan */
  of(tensor: Tensor): GPUBuffer {
    if (tensor.home === 'temp') {
      const slot = this.memory.slotOf.get(tensor);
      if (slot === undefined) throw new LlsmError(`${tensor.name} is not part of this plan`);
      return this.slots[slot];
    }
    if (tensor.home === 'input') {
      const buffer = this.inputs.get(tensor);
      if (!buffer) throw new LlsmError(`${tensor.name} is not an input of this plan`);
      return buffer;
    }
    if (!this.params) throw new LlsmError(`${tensor.name}: this plan was built without Params`);
    return this.params.buffer(tensor.home);
  }

  /** Fills an input, at all its places. */
  write(tensor: Tensor, values: Float32Array | Uint32Array | Uint16Array | Uint8Array): void {
    const data = values as Float32Array<ArrayBuffer>; // whose numbers do not matter here
    const buffer = this.of(tensor);
    const { queue } = this.gpu.device;
    queue.writeBuffer(buffer, 0, data);
    this.memory.shifts.get(tensor)?.forEach((first, i) => {
      const from = (first * tensor.itemBytes) / data.BYTES_PER_ELEMENT;
      queue.writeBuffer(buffer, placeBytes(tensor) * (i + 1), data, from);
    });
  }

  /** Range of a buffer that a dispatch binds for one of its shader's variables. */
  range({ launch, slice }: Dispatch, name: string): Required<GPUBufferBinding> {
    const tensor = launch.bind[name];
    const buffer = this.of(tensor);
    if (tensor.options.offset !== undefined) {
      return { buffer, offset: tensor.options.offset * 4, size: roundUp(tensor.bytes, 256) };
    }
    const size = roundUp(boundBytes(this.memory.rows, tensor, slice), 16);
    if (!tensor.batched) return { buffer, offset: 0, size };
    const shift = this.memory.shifts.get(tensor)?.indexOf(slice.first) ?? -1;
    const offset = shift < 0 ? tensor.itemBytes * slice.first : placeBytes(tensor) * (shift + 1);
    return { buffer, offset, size };
  }

  /** The uniform's range of a dispatch, counted from the first preparation. */
  uniform(at: number): Required<GPUBufferBinding> {
    const offset = this.places[at];
    return { buffer: this.uniforms, offset, size: this.places[at + 1] - offset };
  }

  destroy(): void {
    for (const buffer of [...this.slots, ...this.inputs.values(), this.uniforms]) buffer.destroy();
  }
}
