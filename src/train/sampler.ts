import { LlsmError } from '../errors.ts';
import { Random } from '../random.ts';

/** Which items make up a step: a pure function of (seed, step). */
export class Sampler {
  readonly #pools: readonly Pool[];
  readonly #batch: number;

  /**
   * @param labels of all items, 1 = forged
   * @param options.balance as many real as forged in every batch
   * @throws LlsmError where a balanced batch is asked for and a class is missing
   */
  constructor(
    labels: readonly (0 | 1)[],
    { batch, seed, balance }: { batch: number; seed: number; balance: boolean },
  ) {
    this.#batch = batch;
    const all = labels.map((_, i) => i);
    if (!balance) {
      if (all.length === 0) throw new LlsmError('There are no items to train on');
      this.#pools = [new Pool(all, seed, 'all', batch)];
      return;
    }
    if (batch % 2 !== 0) {
      throw new LlsmError(`train.batch is ${batch}: with train.balance it must be even`);
    }
    const classes = [0, 1].map((label) => all.filter((i) => labels[i] === label));
    if (classes[0].length === 0 || classes[1].length === 0) {
      const missing = classes[0].length === 0 ? 'real' : 'forged';
      throw new LlsmError(
        `The training data holds no ${missing} faces, and train.balance asks for both: add some ` +
          '(`llsm forge` makes forged ones), or set train.balance to false',
      );
    }
    this.#pools = classes.map((items, label) => new Pool(items, seed, `label ${label}`, batch / 2));
  }

  /** The items of a step, counted from 0: with balance real and forged in turn. */
  items(step: number): number[] {
    const drawn = this.#pools.map((pool) => pool.draw(step));
    const out: number[] = [];
    for (let i = 0; i < this.#batch / drawn.length; i++)
      for (const pool of drawn) out.push(pool[i]);
    return out;
  }
}

/** A class of items, gone through in a new order each time round. */
class Pool {
  #round = -1;
  #order: number[] = [];

  constructor(
    readonly items: readonly number[],
    readonly seed: number,
    readonly purpose: string,
    readonly share: number,
  ) {}

  draw(step: number): number[] {
    return Array.from({ length: this.share }, (_, i) => this.#at(step * this.share + i));
  }

  #at(position: number): number {
    const round = Math.floor(position / this.items.length);
    if (round !== this.#round) {
      this.#order = new Random(this.seed, `order of ${this.purpose}`, round).shuffle([
        ...this.items,
      ]);
      this.#round = round;
    }
    return this.#order[position % this.items.length];
  }
}
