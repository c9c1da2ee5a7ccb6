import { LlsmError } from '../base/errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { readBuffer } from '../gpu/readback.ts';
import { type FlatHome, isState, Tensor } from './tensor.ts';

/** A named parameter: `weight` is trained, `state` is a running statistic. Shape as in PyTorch. */
export interface ParamSpec {
  name: string;
  shape: readonly number[];
  kind: 'weight' | 'state';
}

/** Binding offsets must be multiples of 256 bytes, so every parameter begins on 64 values. */
const grain = 64;

/**
 * Weights, gradients, Adam's moments and running statistics: flat GPU buffers that outlive plans.
 * Values lie as in the checkpoint (PyTorch's layouts). Gradients and moments exist when asked for.
 */
export class ParamStore {
  readonly #tensors = new Map<string, Tensor>();
  readonly #buffers = new Map<FlatHome, GPUBuffer>();
  readonly #sizes = { weight: 0, state: 0 };
  /** Tensors with a flat buffer of their own size. */
  readonly #own = new Map<FlatHome, Tensor>();
  /** What the device says of buffers that were asked of it since `ready`. */
  #asked: Promise<void>[] = [];
  /** The first home that it had no room for. */
  #refused: FlatHome | undefined;
  #released = false;
  /** Counts the changes of weights and running statistics: whoever prepared from them compares. */
  changes = 0;

  constructor(
    readonly gpu: Gpu,
    readonly specs: readonly ParamSpec[],
  ) {
    for (const { name, shape, kind } of specs) {
      const home = kind === 'weight' ? 'weights' : 'state';
      const tensor = new Tensor(name, [...shape], { home, offset: this.#sizes[kind] });
      this.#tensors.set(name, tensor);
      this.#sizes[kind] += Math.ceil(tensor.size / grain) * grain;
    }
  }

  /** Values in the flat buffers of trained weights, padding included. */
  get weightCount(): number {
    return this.#sizes.weight;
  }

  /** Parameter of this name. @throws LlsmError where the network has no such parameter */
  get(name: string): Tensor {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw new LlsmError(`The network has no parameter named ${name}`);
    return tensor;
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  /** The trained weights, in checkpoint order. */
  weights(): Tensor[] {
    return [...this.#tensors.values()].filter((tensor) => tensor.home === 'weights');
  }

  /** A flat buffer of a size of its own, for what an optimiser keeps besides values per weight. */
  own(home: FlatHome, shape: readonly number[]): Tensor {
    const known = this.#own.get(home) ?? new Tensor(home, shape, { home, offset: 0 });
    this.#own.set(home, known);
    return known;
  }

  /** A whole flat buffer as one tensor, for optimisers. */
  flat(home: FlatHome): Tensor {
    const size = this.#sizes[isState(home) ? 'state' : 'weight'];
    return new Tensor(home, [size], { home, offset: 0 });
  }

  /** The name of the weight that a value of the flat buffers of weights belongs to. */
  weightAt(value: number): string {
    const weights = this.weights().filter(({ options }) => (options.offset ?? 0) <= value);
    return weights[weights.length - 1].name;
  }

  /** The buffer of a home, made (zeroed) when first asked for. That there is room for it, `ready` says. */
  buffer(home: FlatHome): GPUBuffer {
    let buffer = this.#buffers.get(home);
    if (this.#released) {
      throw new LlsmError(
        `The buffer of ${home} was given up when the network was prepared: its weights can neither be ` +
          'read nor changed any more. Build it again, or without `release`',
      );
    }
    if (!buffer) {
      const { device } = this.gpu;
      device.pushErrorScope('out-of-memory');
      buffer = device.createBuffer({
        label: home,
        size: this.bytesOf(home),
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
      });
      const asked = device.popErrorScope().then((error) => {
        if (error) this.#refused ??= home;
      });
      // Whoever waits for results is told of a device that is lost.
      this.#asked.push(asked.catch(() => {}));
      // Moments begin at 0 even where Dawn is told not to clear what is new.
      const encoder = device.createCommandEncoder();
      encoder.clearBuffer(buffer);
      device.queue.submit([encoder.finish()]);
      this.#buffers.set(home, buffer);
    }
    return buffer;
  }

  /** Waits until the GPU has made the buffers. @throws LlsmError where it has no room for them */
  async ready(): Promise<void> {
    await Promise.all(this.#asked.splice(0));
    if (this.#refused === undefined) return;
    throw new LlsmError(
      `The GPU has no room for the network's parameters (${this.bytes} bytes; it refused ` +
        `${this.bytesOf(this.#refused)} for ${this.#refused}): use a smaller width, or a GPU with more memory`,
    );
  }

  /** Bytes of a home's buffer, whether it exists yet or not. */
  bytesOf(home: FlatHome): number {
    const own = this.#own.get(home);
    if (own) return Math.max(256, own.bytes);
    return Math.max(256, this.#sizes[isState(home) ? 'state' : 'weight'] * 4);
  }

  /** Bytes of the buffers that exist by now. */
  get bytes(): number {
    return [...this.#buffers.keys()].reduce((sum, home) => sum + this.bytesOf(home), 0);
  }

  /** Copies one parameter's values to the GPU. `home` may name its gradient or a moment. */
  write(name: string, data: Float32Array, home: FlatHome = this.get(name).home as FlatHome): void {
    const tensor = this.get(name);
    if (data.length !== tensor.size) {
      throw new LlsmError(`${name} has ${data.length} values where ${tensor.size} are expected`);
    }
    const offset = (tensor.options.offset ?? 0) * 4;
    const buffer = this.buffer(home);
    this.changes++;
    this.gpu.device.queue.writeBuffer(buffer, offset, data as Float32Array<ArrayBuffer>);
  }

  /** Reads a home back, as one array a parameter. */
  async readAll(home: FlatHome): Promise<Map<string, Float32Array>> {
    const values = await readBuffer(this.gpu, this.buffer(home));
    const kind = isState(home) ? 'state' : 'weight';
    const out = new Map<string, Float32Array>();
    for (const spec of this.specs) {
      if (spec.kind !== kind) continue;
      const { options, size } = this.get(spec.name);
      const at = options.offset ?? 0;
      out.set(spec.name, values.slice(at, at + size));
    }
    return out;
  }

  /** Copies a parameter's values to the start of another buffer. */
  copyTo(tensor: Tensor, to: GPUBuffer): void {
    const { home, options, bytes } = tensor;
    const encoder = this.gpu.device.createCommandEncoder();
    const offset = (options.offset ?? 0) * 4;
    encoder.copyBufferToBuffer(this.buffer(home as FlatHome), offset, to, 0, bytes);
    this.gpu.device.queue.submit([encoder.finish()]);
  }

  /** Copies one home's values over another's of the same layout. */
  copy(from: FlatHome, to: FlatHome): void {
    const encoder = this.gpu.device.createCommandEncoder();
    encoder.copyBufferToBuffer(this.buffer(from), 0, this.buffer(to), 0, this.bytesOf(from));
    this.gpu.device.queue.submit([encoder.finish()]);
    this.changes++;
  }

  /** Exchanges the values of two homes of the same layout. */
  exchange(a: FlatHome, b: FlatHome): void {
    const size = this.bytesOf(a);
    const between = this.gpu.device.createBuffer({
      label: 'exchange',
      size,
      usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
    });
    const encoder = this.gpu.device.createCommandEncoder();
    encoder.copyBufferToBuffer(this.buffer(a), 0, between, 0, size);
    encoder.copyBufferToBuffer(this.buffer(b), 0, this.buffer(a), 0, size);
    encoder.copyBufferToBuffer(between, 0, this.buffer(b), 0, size);
    this.gpu.device.queue.submit([encoder.finish()]);
    between.destroy();
    this.changes++;
  }

  /**
   * Frees the GPU's memory, once work that is queued has read it. Of tensors it can still tell names and
   * shapes; whoever asks for their buffers is told that there are none.
   */
  release(): void {
    this.destroy();
    this.#released = true;
  }

  destroy(): void {
    for (const buffer of this.#buffers.values()) buffer.destroy();
    this.#buffers.clear();
  }
}
