import { LlsmError } from '../base/errors.ts';
import { Tensor } from './tensor.ts';

/** A tensor for the gradient of another: beside the weights for a weight, else temporary. */
export const gradientTensor = (tensor: Tensor): Tensor =>
  new Tensor(`d ${tensor.name}`, tensor.shape, {
    batched: tensor.batched,
    home: tensor.home === 'weights' ? 'grads' : 'temp',
    offset: tensor.options.offset,
    dtype: tensor.dtype,
  });

/**
 * Sums of a gradient over the pixels, as a batch norm takes them: partial rows which hold, from `at` on,
 * [C] sums of the gradient g as its ReLU lets it through, and from `dotAt` on [C] sums of g times the
 * normalised value. In values.
 */
export interface NormSums {
  partial: Tensor;
  at: number;
  dotAt: number;
  /**
   * Where the gradient itself is not stored: records what takes it through the norm to the gradient of
   * what the norm reads. `means` [2, C] are the sums divided by the number of pixels.
   */
  store?(
    into: { gradient: Tensor; accumulate: boolean },
    norm: { affine: Tensor; means: Tensor },
  ): void;
}

/** The gradients of one backward walk, as tensors that its launches write. */
export class Gradients {
  readonly #gradients = new Map<Tensor, Tensor>();
  readonly #path: Set<Tensor>;
  readonly #seeds: ReadonlySet<Tensor>;
  readonly #asked: readonly Tensor[];
  /** Outputs of operations that are yet to be differentiated: their gradients are yet to be read. */
  readonly #ahead: ReadonlySet<Tensor>;
  /** How many operations that are yet to be differentiated read a tensor. */
  readonly #readers: ReadonlyMap<Tensor, number>;
  readonly #sums = new Map<Tensor, NormSums>();

  /**
   * @param asked whose gradients somebody reads when all is done
   * @param ahead outputs of operations that are yet to be differentiated; the walk takes them out
   * @param readers how many of them read a tensor, which the walk keeps up to date
   */
  constructor(
    path: Set<Tensor>,
    seeds: ReadonlyMap<Tensor, Tensor>,
    asked: readonly Tensor[] = [],
    ahead: ReadonlySet<Tensor> = new Set(),
    readers: ReadonlyMap<Tensor, number> = new Map(),
  ) {
    this.#path = path;
    this.#seeds = new Set(seeds.values());
    this.#asked = asked;
    this.#ahead = ahead;
    this.#readers = readers;
    for (const [tensor, seed] of seeds) this.#gradients.set(tensor, seed);
  }

  /** Whether a gradient with respect to this tensor is asked for, or leads to one that is. */
  wants(tensor: Tensor): boolean {
    return this.#path.has(tensor);
  }

  /** The gradient, where some operation has contributed to it. */
  of(tensor: Tensor): Tensor | undefined {
    return this.#gradients.get(tensor);
  }

  /**
   * Where a kernel writes its contribution to the gradient of `tensor`. The first one stores; with
   * `accumulate` it adds to what is there.
   * @throws LlsmError where another tensor has the same gradient, which is yet to be read, or where its
   *   sums have been taken
   */
  into(tensor: Tensor): { gradient: Tensor; accumulate: boolean } {
    if (this.#sums.has(tensor)) {
      throw new LlsmError(`The gradient of ${tensor.name} was summed before it was complete`);
    }
    const known = this.#gradients.get(tensor);
    if (known) {
      this.#refuseEarly(tensor, known);
      return { gradient: known, accumulate: true };
    }
    const gradient = gradientTensor(tensor);
    this.#gradients.set(tensor, gradient);
    return { gradient, accumulate: false };
  }

  /**
   * The gradient of a tensor that only one operation reads, such as a parameter: stored, never
   * added to.
   * @throws LlsmError when another operation has contributed already.
   */
  own(tensor: Tensor): Tensor {
    const { gradient, accumulate } = this.into(tensor);
    if (accumulate) throw new LlsmError(`${tensor.name} is read by two operations`);
    return gradient;
  }

  /**
   * Passes `dOut` on unchanged, without a copy: from here on it is the gradient of `tensor`, and
   * later contributions are added in place. Every launch that reads it as dOut must come before.
   * @returns false where `tensor` has a gradient already, or where dOut must stay as it is: a seed,
   *   which is the caller's, or a gradient that was asked for. Then the caller adds or copies.
   */
  alias(tensor: Tensor, dOut: Tensor): boolean {
    if (this.#gradients.has(tensor) || this.#seeds.has(dOut)) return false;
    if (this.#asked.some((it) => this.#gradients.get(it) === dOut)) return false;
    this.#gradients.set(tensor, dOut);
    return true;
  }

  /** Whether the operation that is being differentiated is the last to add to the gradient of `tensor`. */
  isLast(tensor: Tensor): boolean {
    return (this.#readers.get(tensor) ?? 0) === 0;
  }

  /**
   * Whether the operation that is being differentiated gives the whole gradient of `tensor`, which only
   * the operation that made the tensor reads.
   */
  isInner(tensor: Tensor): boolean {
    return this.isLast(tensor) && !this.#gradients.has(tensor) && !this.#asked.includes(tensor);
  }

  /** Leaves sums of a gradient, which is complete, for the batch norm that made its tensor. */
  leaveSums(tensor: Tensor, sums: NormSums): void {
    this.#sums.set(tensor, sums);
  }

  /** The sums that were left of a gradient, if any. */
  sumsOf(tensor: Tensor): NormSums | undefined {
    return this.#sums.get(tensor);
  }

  #refuseEarly(tensor: Tensor, gradient: Tensor): void {
    for (const [other, its] of this.#gradients) {
      if (its !== gradient || other === tensor || !this.#ahead.has(other)) continue;
      throw new LlsmError(
        `The gradient of ${other.name} is also that of ${tensor.name}, and would be added to before ` +
          `it is read: differentiate what made ${other.name} first`,
      );
    }
  }
}
