/**
 * Where a tensor's memory is:
 * `temp` the plan's slots, reused over its life; `input` written by the caller before a run;
 * the others are ranges of the flat buffers of a `ParamStore`, which outlive plans. The graph itself
 * knows `weights`, their `grads` and `state`; optimisers name what they keep besides.
 */
export type Home = 'temp' | 'input' | FlatHome;
export type FlatHome = 'weights' | 'grads' | 'state' | (string & {});

/** Whether a home is laid out as running statistics are, and not as weights: its name ends in `state`. */
export const isState = (home: Home): boolean => /state$/i.test(home);

export const isFlat = (home: Home): home is FlatHome => home !== 'temp' && home !== 'input';

/** Type that feature maps are stored in; arithmetic is in f32. Packed integers count as f32: 4 bytes. */
export type Dtype = 'f32' | 'f16';

/** Type that a tensor is stored in. `u8`: a picture's bytes, read as byte / 127.5 - 1; of inputs alone. */
export type Stored = Dtype | 'u8';

const bytesOf: Record<Stored, number> = { f32: 4, f16: 2, u8: 1 };

/** A shape with a name. It has no memory until a plan gives it some. */
export class Tensor {
  /** Keeps the tensor readable after a run (outputs, taps): its memory is not reused. */
  keep = false;

  constructor(
    readonly name: string,
    /** Shape: NHWC for activations; [0, width] for partial rows, whose number is the plan's. */
    readonly shape: readonly number[],
    readonly options: {
      /** Axis 0 is the batch, which a plan may process in slices. */
      readonly batched?: boolean;
      readonly home?: Home;
      /** Offset of the first value in a flat home, in values; a multiple of 64 (256 bytes). */
      readonly offset?: number;
      /** Type of the stored values (default f32). */
      readonly dtype?: Stored;
    } = {},
  ) {}

  get home(): Home {
    return this.options.home ?? 'temp';
  }

  get batched(): boolean {
    return this.options.batched ?? false;
  }

  get dtype(): Stored {
    return this.options.dtype ?? 'f32';
  }

  get size(): number {
    return this.shape.reduce((product, n) => product * n, 1);
  }

  get bytes(): number {
    return this.size * bytesOf[this.dtype];
  }

  /** Bytes of one item of the batch; only for a tensor with a batch axis. */
  get itemBytes(): number {
    return this.bytes / this.shape[0];
  }
}

/**
 * How an operation reads a tensor: as it is, or through the batch norm and ReLU that come before
 * the operation and are never stored: `relu(x * scale + shift)`.
 */
export interface Read {
  readonly tensor: Tensor;
  /** Scale and shift [2, C] from `batchNorm`. */
  readonly affine?: Tensor;
  readonly relu: boolean;
  /** Mean and 1 / standard deviation [2, C] of that batch norm, where it is differentiated. */
  readonly saved?: Tensor;
  /**
   * The tensor that stands for the value read, to which gradients are added: `tensor` itself
   * without a batch norm (an operation then masks with the ReLU as it stores), else a tensor
   * without memory whose gradient `batchNorm` masks and takes further.
   */
  readonly value: Tensor;
}

/** A plain read. */
export const read = (tensor: Tensor): Read => ({ tensor, relu: false, value: tensor });

/** A read through ReLU. */
export const relu = (tensor: Tensor): Read => ({ tensor, relu: true, value: tensor });

export const asRead = (x: Read | Tensor): Read => (x instanceof Tensor ? read(x) : x);
