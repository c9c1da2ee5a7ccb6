import { messageOf } from '../src/base/errors.ts';
import { enough, medianOf } from './time.ts';

/** Something ready to be timed: it has run once, and what that compiled and allocated is there. */
export interface Contestant {
  name: string;
  /**
   * Milliseconds of so many runs, from the first one's start until the device is done.
   * @throws Error where it fails; it takes no further part then
   */
  sample(repeats: number): Promise<number>;
  close(): Promise<void>;
}

export interface AlternateEffort {
  /** Rounds, in each of which everyone is sampled once. */
  rounds: number;
  /** A sample repeats the run until it takes so many milliseconds. */
  sampleMilliseconds: number;
  /** No round is begun after so many milliseconds, once there is one. */
  mostMilliseconds: number;
  /** Milliseconds before each sample, in which other libraries' threads go to sleep (default 30). */
  restMilliseconds?: number;
}

/** One contestant's part of a row. */
export interface Standing {
  name: string;
  /** Of one run: median, least and most over the rounds. */
  milliseconds: number;
  low: number;
  high: number;
  rounds: number;
  /** Its time over that of the first contestant in the same round: median, least and most. */
  ratio: number;
  ratioLow: number;
  ratioHigh: number;
}

/** Threads that poll for more work (OpenMP's, ONNX Runtime's) have gone to sleep by then. */
const rest = 30;

/**
 * Times contestants alternately, one sample of each a round, each round in another order: whatever
 * else the machine does meets them alike, and a ratio is one of neighbours in time.
 * @param contestants the first is the one that the others are compared with
 * @param between called after each round
 * @returns a standing, or why there is none, in the order of `contestants`
 * @throws what the first contestant throws: without it there is nothing to compare with
 */
export async function alternate(
  contestants: readonly Contestant[],
  effort: AlternateEffort,
  between: () => Promise<void> = async () => {},
): Promise<(Standing | { name: string; absent: string })[]> {
  const failed = new Map<string, string>();
  const times = new Map(contestants.map(({ name }) => [name, [] as number[]]));
  const repeats = new Map<string, number>();
  const attempt = async (it: Contestant, count: number): Promise<number | undefined> => {
    if (failed.has(it.name)) return undefined;
    await new Promise((resolve) => setTimeout(resolve, effort.restMilliseconds ?? rest));
    try {
      return await it.sample(count);
    } catch (error) {
      if (it === contestants[0]) throw error;
      failed.set(it.name, messageOf(error));
      return undefined;
    }
  };
  for (const it of contestants) {
    const measure = async (count: number) => (await attempt(it, count)) ?? Infinity;
    repeats.set(it.name, (await enough(measure, effort.sampleMilliseconds)).repeats);
  }
  const began = performance.now();
  for (let round = 0; round < effort.rounds; round++) {
    if (round > 0 && performance.now() - began > effort.mostMilliseconds) break;
    for (let i = 0; i < contestants.length; i++) {
      const it = contestants[(i + round) % contestants.length];
      const count = repeats.get(it.name) as number;
      const taken = await attempt(it, count);
      if (taken !== undefined) times.get(it.name)?.push(taken / count);
    }
    await between();
  }
  const own = times.get(contestants[0].name) as number[];
  return contestants.map(({ name }) => {
    const absent = failed.get(name);
    return absent ? { name, absent } : standing(name, times.get(name) as number[], own);
  });
}

/** @param own the first contestant's times, of the same rounds */
export function standing(name: string, times: readonly number[], own: readonly number[]): Standing {
  const sorted = [...times].sort((a, b) => a - b);
  const ratios = times.map((time, round) => time / own[round]).sort((a, b) => a - b);
  return {
    name,
    milliseconds: medianOf(sorted),
    low: sorted[0],
    high: sorted[sorted.length - 1],
    rounds: sorted.length,
    ratio: medianOf(ratios),
    ratioLow: ratios[0],
    ratioHigh: ratios[ratios.length - 1],
  };
}
