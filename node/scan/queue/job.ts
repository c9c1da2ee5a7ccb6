/** What a job's heartbeat says, so that another worker can go on with it (Node only). */

/** A job's state as its worker last told it; files by their index in the job. */
export interface Progress {
  /** Files that have a result. */
  done: number[];
  /** Files that are given up: their result says why. */
  hopeless: number[];
  /** Files in hand. */
  hand: number[];
  /** The file that is in hand alone, because a worker ended with it; null where several are. */
  alone: number | null;
  /** How often a worker ended while it had the file in hand alone. */
  deaths: Record<number, number>;
  /** A file in hand, by name, for people who watch. */
  file: string | null;
  /** When it was told, in milliseconds since 1970. */
  at: number;
}

/**
 * The beginning of a job, or its going on: what was in hand when its last worker ended is suspect.
 * @param sent files whose result is there: a heartbeat may have outlived one that Redis lost
 */
export function resumed(
  before: unknown,
  sent: ReadonlySet<number>,
): Progress & { suspects: Map<number, number> } {
  const known: Partial<Progress> = typeof before === 'object' && before !== null ? before : {};
  const { hand = [], alone = null } = known;
  const [done, hopeless] = [known.done, known.hopeless].map((list = []) =>
    list.filter((index) => sent.has(index)),
  );
  const deaths = { ...known.deaths };
  if (alone !== null) deaths[alone] = (deaths[alone] ?? 0) + 1;
  const settled = new Set([...done, ...hopeless]);
  const suspects = new Map<number, number>();
  for (const index of hand) suspects.set(index, 0);
  for (const [index, count] of Object.entries(deaths)) suspects.set(Number(index), count);
  for (const index of settled) suspects.delete(index);
  return { done, hopeless, hand: [], alone: null, deaths, file: null, at: 0, suspects };
}

/**
 * Writes that follow each other: while one is under way, the latest of those that come is kept.
 * @param write what writes
 */
export class Latest<T> {
  #next: { value: T } | undefined;
  #running: Promise<void> | undefined;

  constructor(private readonly write: (value: T) => Promise<void>) {}

  /** Asks for a write, without waiting. */
  put(value: T): void {
    this.#next = { value };
    this.#running ??= this.#run();
    this.#running.catch(() => {});
  }

  async #run(): Promise<void> {
    try {
      while (this.#next) {
        const { value } = this.#next;
        this.#next = undefined;
        await this.write(value);
      }
    } finally {
      this.#running = undefined;
    }
  }

  /** Waits until the latest is written. @throws what writing threw */
  async flush(): Promise<void> {
    await this.#running;
    if (this.#next) await this.#run();
  }
}
