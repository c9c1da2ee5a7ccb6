/** Who may be in hand with whom: many together, or one alone (Node only). */

interface Waiting {
  alone: boolean;
  enter: () => void;
}

/** Lets files in together, or one of them alone once all others have left; in their order. */
export class Company {
  #inside = 0;
  #alone = false;
  readonly #waiting: Waiting[] = [];

  /** Waits for its turn. @returns a function that leaves */
  async enter(alone: boolean): Promise<() => void> {
    await new Promise<void>((enter) => {
      this.#waiting.push({ alone, enter });
      this.#admit();
    });
    return () => {
      this.#inside--;
      this.#alone = false;
      this.#admit();
    };
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      if (this.#alone || (next.alone && this.#inside > 0)) return;
      this.#waiting.shift();
      this.#inside++;
      this.#alone = next.alone;
      next.enter();
    }
  }
}
