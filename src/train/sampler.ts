import { LlsmError } from '../base/errors.ts';
import { Random } from '../base/random.ts';

/** What the sampler needs to know of an item. */
export interface Sampled {
  /** 1 = forged. */
  label: 0 | 1;
  /** Who is on it; of a swap the one whose picture it is first. */
  people: readonly string[];
}

/**
 * Which items make up a step: a pure function of (seed, step).
 *
 * With `balance` every batch holds as many real as forged faces, in pairs of one person wherever
 * there are both: what tells the two apart is then what was altered, not who it is (self-blended
 * images train so, real and forgery together; Shiohara and Yamasaki 2022). Even steps go through the
 * forged faces and look for the real ones, odd steps the other way round, so that none is left out.
 */
export class Sampler {
  readonly #items: readonly Sampled[];
  readonly #batch: number;
  readonly #seed: number;
  /** The items in an order that is new each time round: all of them, or by label. */
  readonly #rounds: readonly Rounds[];
  /** Each person's items by label, where batches are balanced. */
  readonly #people = new Map<string, [number[], number[]]>();

  /** @throws LlsmError where a balanced batch is asked for and a class is missing */
  constructor(
    items: readonly Sampled[],
    { batch, seed, balance }: { batch: number; seed: number; balance: boolean },
  ) {
    this.#items = items;
    this.#batch = batch;
    this.#seed = seed;
    const all = items.map((_, i) => i);
    if (!balance) {
      if (all.length === 0) throw new LlsmError('There are no items to train on');
      this.#rounds = [new Rounds(all, seed, 'all')];
      return;
    }
    if (batch % 2 !== 0) {
      throw new LlsmError(`train.batch is ${batch}: with train.balance it must be even`);
    }
    const classes = [0, 1].map((label) => all.filter((i) => items[i].label === label));
    if (classes[0].length === 0 || classes[1].length === 0) {
      const missing = classes[0].length === 0 ? 'real' : 'forged';
      throw new LlsmError(
        `The training data holds no ${missing} faces, and train.balance asks for both: add some ` +
          '(`llsm forge` makes forged ones), or set train.balance to false',
      );
    }
    this.#rounds = classes.map((own, label) => new Rounds(own, seed, `label ${label}`));
    items.forEach(({ label, people }, i) => {
      if (people.length === 0) return;
      const known = this.#people.get(people[0]) ?? [[], []];
      known[label].push(i);
      this.#people.set(people[0], known);
    });
  }

  /** The items of a step, counted from 0: with balance real and forged in turn. */
  items(step: number): number[] {
    if (this.#rounds.length === 1) {
      return Array.from({ length: this.#batch }, (_, i) =>
        this.#rounds[0].at(step * this.#batch + i),
      );
    }
    const lead = step % 2 === 0 ? 1 : 0;
    const other = 1 - lead;
    const share = this.#batch / 2;
    // Steps of one lead are every second one.
    const first = Math.floor(step / 2) * share;
    const random = new Random(this.#seed, 'partners', step);
    const out: number[] = [];
    for (let i = 0; i < share; i++) {
      const item = this.#rounds[lead].at(first + i);
      const partners = this.#people.get(this.#items[item].people[0])?.[other] ?? [];
      const partner = random.pick(partners.length > 0 ? partners : this.#rounds[other].items);
      out.push(...(lead === 1 ? [partner, item] : [item, partner]));
    }
    return out;
  }
}

/** Items gone through again and again, each time in a new order. */
class Rounds {
  #round = -1;
  #order: number[] = [];

  constructor(
    readonly items: readonly number[],
    readonly seed: number,
    readonly purpose: string,
  ) {}

  at(position: number): number {
    const round = Math.floor(position / this.items.length);
    if (round !== this.#round) {
      const random = new Random(this.seed, `order of ${this.purpose}`, round);
      this.#order = random.shuffle([...this.items]);
      this.#round = round;
    }
    return this.#order[position % this.items.length];
  }
}
