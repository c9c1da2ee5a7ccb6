import { LlsmError } from '../base/errors.ts';
import type { Kernel } from '../gpu/pipeline.ts';
import { inBytes } from '../gpu/storage8.ts';
import { inHalf, rangeFlag } from '../gpu/storage16.ts';
import type { Gradients } from './gradients.ts';
import { type Dtype, type Stored, Tensor } from './tensor.ts';

/** The part of the batch that one dispatch works on. */
export interface Slice {
  /** First item of the batch in the slice. */
  first: number;
  /** Number of items in the slice. */
  count: number;
  /** First partial row that the slice may write. */
  row: number;
}

/** One kernel over one batch, or over each slice of it where a binding is too large for one. */
export interface Launch {
  kernel: Kernel;
  /** Tensors by the shader's variable names; the shader says which it writes. */
  bind: Readonly<Record<string, Tensor>>;
  /**
   * The uniform's fields, once a plan knows the slices.
   * @param rows how many rows a tensor has in this plan: of partial results, as many as were written
   */
  params(slice: Slice, rows: (tensor: Tensor) => number): Record<string, number>;
  /** Workgroups in x (folded into x and z above 65,535), and in y. */
  grid(slice: Slice): readonly [x: number, y?: number];
  /** Rows of partial results that a slice of `count` items writes, from `slice.row` on. */
  partial?: { tensor: Tensor; rows(count: number): number };
  /** Arithmetic and traffic of the whole launch, for the benchmark's rates. */
  flops?: number;
  /**
   * Quickly done, of what does not change later in the run: a backward walk does it again rather than
   * have its output kept until then, where all such outputs take more memory than there is room for.
   */
  cheap?: boolean;
  /** How the launch may become one dispatch with others like it (join.ts). */
  joint?: Joint;
  /** Choice of the kernel among several forms, for `bench --tune`; absent where it has one form. */
  choice?: Choice;
}

/** What launches of one kind need to become one. */
export interface Joint {
  /** The kind: launches of the same one may be joined, up to `most`. */
  kind: string;
  most: number;
  /** Whether their dispatch comes where the first of them was (default: where the last was). */
  early?: boolean;
  /** Name of the binding that they have in common: one tensor, or ranges of one flat buffer. */
  common: string;
  /** The launch that does all of them. @param common what holds the common binding of each */
  of(parts: readonly Launch[], common: Tensor): Launch;
}

/** A kernel chosen from several forms that compute the same. */
export interface Choice {
  /** Key that the form was chosen for, such as a shape. */
  key: string;
  form: string;
  among: readonly string[];
}

interface Op {
  inputs: readonly Tensor[];
  output: Tensor;
  backward(dOut: Tensor, gradients: Gradients): void;
}

/** A launch as operations record it: what is bound to nothing may be named as undefined. */
export interface Recorded extends Omit<Launch, 'bind'> {
  bind: Readonly<Record<string, Tensor | undefined>>;
}

/** Traits of the adapter that kernels choose their variants by. */
export interface Traits {
  subgroupSize: number;
  /** Whether it computes on the CPU; absent, adapters with subgroups of 4 or 8 are taken to. */
  software?: boolean;
  /**
   * Side of the matrices that subgroups multiply, with operands of 16 bits and sums of 32; absent where
   * the adapter has none, or nobody asked for products so rounded.
   */
  matrix?: number;
  /**
   * Bytes that a plan may take: where it stays below, a backward walk finds everything kept that it
   * reads. Absent, memory is saved wherever little time is lost by it.
   */
  memory?: number;
  /** The forms that were measured best on this adapter, by their choice's key. */
  tuned?: { get(key: string): string | undefined };
}

/** Bytes of cheaply made tensors that a graph keeps, rather than make each of them again. */
const usualRoomForCheap = 128 * 2 ** 20;

export interface GraphOptions {
  /** Items in one run. */
  batch: number;
  /** Whether batch norm takes this batch's statistics (true), or the running ones. */
  training: boolean;
  /** Traits of the adapter that kernels choose their forms by; a `Gpu` will do. */
  traits: Traits;
  /** Promise that nothing is differentiated, and no run changes a weight (default false). */
  inference?: boolean;
  /** Type that feature maps are stored in (default f32). */
  storage?: Dtype;
  /** Bytes of what is cheaply made to keep for the backward (default 128 MiB): see `remakeCheap`. */
  roomForCheap?: number;
}

/** The tape: operations append launches, and with each what takes a gradient back. */
export class Graph {
  /** Launches that depend on weights and statistics alone: run once, and again when those have changed. */
  readonly preparations: Launch[] = [];
  /** Launches of each run, in order. */
  readonly launches: Launch[] = [];
  readonly ops: Op[] = [];
  /** Flag [1]: not 0 where a value stored in 16 bits was beyond their range; plans clear and read it. */
  readonly outOfRange = new Tensor('out of range', [1], { home: 'input' });

  /** Whether the run itself deals with values out of range; else reading its results is an error. */
  rangeHandled = false;

  readonly batch: number;
  readonly training: boolean;
  readonly traits: Traits;
  readonly inference: boolean;
  readonly storage: Dtype;
  readonly roomForCheap: number;

  constructor({
    batch,
    training,
    traits,
    inference = false,
    storage = 'f32',
    roomForCheap = usualRoomForCheap,
  }: GraphOptions) {
    this.batch = batch;
    this.training = training;
    this.traits = traits;
    this.inference = inference;
    this.storage = storage;
    this.roomForCheap = roomForCheap;
  }

  /**
   * Makes a tensor with a batch axis; `shape` is that of one item. Give 'f32' for what is no feature map.
   * What is made of a picture's bytes as they are is stored in f32.
   */
  activation(name: string, shape: readonly number[], stored: Stored = this.storage): Tensor {
    const dtype = stored === 'u8' ? 'f32' : stored;
    return new Tensor(name, [this.batch, ...shape], { batched: true, dtype });
  }

  /** An input with a batch axis, written before each run; of `u8`, as a picture's bytes. */
  input(name: string, shape: readonly number[], dtype?: 'f32' | 'u8'): Tensor {
    return new Tensor(name, [this.batch, ...shape], { batched: true, home: 'input', dtype });
  }

  /** Makes a tensor of partial results, a row of `width` values a workgroup; each plan counts its own rows. */
  partialRows(name: string, width: number): Tensor {
    return new Tensor(name, [0, width]);
  }

  scratch(name: string, shape: readonly number[]): Tensor {
    return new Tensor(name, [...shape]);
  }

  /** Appends work of each run. */
  launch(launch: Recorded): void {
    this.launches.push(this.#stored(checked(launch)));
  }

  /**
   * Appends work that depends on weights and statistics alone: a preparation in inference, else a
   * part of each run, since runs that train change them.
   */
  prepare(launch: Recorded): void {
    (this.inference ? this.preparations : this.launches).push(this.#stored(checked(launch)));
  }

  op(inputs: readonly Tensor[], output: Tensor, backward: Op['backward']): void {
    this.ops.push({ inputs, output, backward });
  }

  /** The launch with its kernel for how its tensors are stored. */
  #stored(launch: Launch): Launch {
    const stored = (as: Stored): string[] =>
      launch.kernel.bindings
        .map(({ name }) => name)
        .filter((name) => launch.bind[name].dtype === as);
    const plain = stored('u8').reduce(inBytes, launch.kernel);
    const halves = stored('f16');
    if (halves.length === 0) return { ...launch, kernel: plain };
    const kernel = inHalf(plain, halves);
    const flagged = kernel.bindings.some(({ name }) => name === rangeFlag);
    const bind = flagged ? { ...launch.bind, [rangeFlag]: this.outOfRange } : launch.bind;
    return { ...launch, kernel, bind };
  }
}

/** Checks what is bound. @throws LlsmError where the shader's variables are others */
function checked(recorded: Recorded): Launch {
  const bound = Object.entries(recorded.bind).filter(([, tensor]) => tensor !== undefined);
  const launch = { ...recorded, bind: Object.fromEntries(bound) as Launch['bind'] };
  for (const { name } of launch.kernel.bindings) {
    if (!launch.bind[name]) {
      throw new LlsmError(`${launch.kernel.name}.wgsl: nothing bound to ${name}`);
    }
  }
  const unknown = Object.keys(launch.bind).filter(
    (name) => !launch.kernel.bindings.some((binding) => binding.name === name),
  );
  if (unknown.length) {
    throw new LlsmError(`${launch.kernel.name}.wgsl has no binding ${unknown.join(', ')}`);
  }
  return launch;
}
