/** Who of several files with the same bytes is looked at, while the others wait (Node only). */

interface Claim {
  file: string;
  settled: Promise<void>;
  settle: () => void;
}

/** Claims on bytes, by their hash: one file's each, until it is released. */
export class Claims {
  readonly #held = new Map<string, Claim>();
  /** Tries of files that are under way: what belongs to an earlier one claims nothing. */
  readonly #tries = new Map<string, symbol>();

  /** Begins a try of a file. */
  begin(file: string): void {
    this.#tries.set(file, Symbol(file));
  }

  /**
   * Waits until nobody else holds these bytes, then asks whether they are still wanted, and holds
   * them if so.
   * @param patient false: they are taken from whoever holds them
   * @returns whether they are held; false where the try ended meanwhile
   */
  async claim(
    sha256: string,
    file: string,
    wanted: () => boolean,
    patient: boolean,
  ): Promise<boolean> {
    const mine = this.#tries.get(file);
    for (let held = this.#held.get(sha256); held && patient; held = this.#held.get(sha256)) {
      await held.settled;
      if (mine === undefined || this.#tries.get(file) !== mine) return false;
    }
    if (!wanted()) return false;
    let settle = () => {};
    const settled = new Promise<void>((resolve) => {
      settle = resolve;
    });
    this.#held.get(sha256)?.settle();
    this.#held.set(sha256, { file, settled, settle });
    return true;
  }

  /** Ends a file's try, and lets go of what it holds. */
  release(file: string): void {
    this.#tries.delete(file);
    for (const [sha256, held] of this.#held) {
      if (held.file !== file) continue;
      this.#held.delete(sha256);
      held.settle();
    }
  }
}
