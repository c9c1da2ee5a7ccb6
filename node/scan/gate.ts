/** A bound on the memory that work under way may take together (Node only). */

interface Waiting {
  bytes: number;
  enter: () => void;
}

/**
 * Lets work in, in its order, while its bytes fit; what is larger than all of the bound goes alone.
 */
export class Gate {
  #free: number;
  readonly #waiting: Waiting[] = [];

  /** @param bytes the bound */
  constructor(readonly bytes: number) {
    this.#free = bytes;
  }

  /** Waits until the bytes fit. @returns a function that gives them back; later calls do nothing */
  async enter(bytes: number): Promise<() => void> {
    const taken = Math.min(bytes, this.bytes);
    if (this.#waiting.length > 0 || taken > this.#free) {
      await new Promise<void>((enter) => this.#waiting.push({ bytes: taken, enter }));
    } else {
      this.#free -= taken;
    }
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#free += taken;
      this.#admit();
    };
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next && next.bytes <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= next.bytes;
      next.enter();
    }
  }
}
