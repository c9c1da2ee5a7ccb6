/** Crops made in threads beside the one that feeds the GPU (Node only). */
import { availableParallelism } from 'node:os';
import { LlsmError } from '../../src/base/errors.ts';
import type { Config } from '../../src/config/config.ts';
import {
  type Crop,
  CropLoader,
  type CropOptions,
  type CropSource,
  defaultCacheBytes,
} from '../../src/faces/crops.ts';
import type { ManifestItem } from '../../src/faces/manifest.ts';
import { PairLoader } from '../../src/forge/pairs.ts';
import { forgingAt } from '../../src/train/schedule.ts';
import { readBytes } from '../files/image.ts';
import { Thread, threadFile } from '../system/threads.ts';

export interface CropPoolOptions extends Omit<CropOptions, 'read'> {
  /** The items are real faces, and each is loaded with a forgery of it, as this says. */
  forge?: Config['train'];
  /** Threads; default: one fewer than the processor runs at once, 1 to 4. 0: the caller's own. */
  workers?: number;
}

/** What a thread begins with. */
export interface CropSettings extends Omit<CropOptions, 'read'> {
  /** The thread's items at their places in the whole; the rest are holes. To be forged: all of them. */
  items: readonly ManifestItem[];
  forge?: Config['train'];
}

/** What loads the items in whichever thread. */
export function loaderOf({ items, forge, ...options }: CropSettings): CropSource<Crop | Crop[]> {
  if (!forge) return new CropLoader(items, { ...options, read: readBytes });
  const { augment: _, ...common } = options;
  const at = (step: number) => forgingAt(forge, step);
  return new PairLoader(items, { ...common, forgingAt: at, read: readBytes });
}

/** Bytes of face crops that are kept in memory to be forged: each may also be wanted as a donor. */
const pairCacheBytes = 2 ** 30;

/** What a thread is asked. */
export interface CropRequest {
  index: number;
  step: number;
}

/** Threads where none are asked for: one fewer than the processor has, 1 to 4. */
export const defaultWorkers = (): number => Math.min(4, Math.max(1, availableParallelism() - 1));

/**
 * The items of a data set as crops, or as pairs, the same to the byte as CropLoader's or PairLoader's,
 * loaded in several threads.
 * An item always goes to the same thread, so no face is decoded for two caches. A thread begins
 * with its first load, and does not keep the process alive while nothing is asked of it.
 */
export class CropPool<Loaded extends Crop | Crop[] = Crop> implements CropSource<Loaded> {
  readonly items: readonly ManifestItem[];
  readonly #inline: CropSource<Crop | Crop[]> | undefined;
  readonly #threads: Thread<CropRequest, Loaded>[] = [];
  /** Which thread an item goes to. */
  readonly #threadOf: number[] = [];
  #closed = false;

  /** @throws LlsmError where the threads' file is missing */
  constructor(
    items: readonly ManifestItem[],
    { workers = defaultWorkers(), cacheBytes, ...options }: CropPoolOptions,
  ) {
    const cache = cacheBytes ?? (options.forge ? pairCacheBytes : defaultCacheBytes);
    this.items = items;
    if (workers === 0) {
      this.#inline = loaderOf({ items, ...options, cacheBytes: cache });
      return;
    }
    const path = threadFile('node/train/crop.worker');
    // In turn within each class, so that a batch with as many of both is spread evenly.
    const next = [0, 0];
    this.#threadOf = items.map(({ label }) => next[label]++ % workers);
    const shares = Array.from({ length: workers }, (): ManifestItem[] => []);
    items.forEach((item, i) => {
      shares[this.#threadOf[i]][i] = item;
    });
    const common = { ...options, cacheBytes: cache / workers };
    this.#threads = shares.map((share) => {
      // A forgery may take from any other face.
      const settings: CropSettings = { ...common, items: options.forge ? items : share };
      return new Thread(path, settings, ended);
    });
  }

  /**
   * As `CropLoader.load`.
   * @throws LlsmError as there; also where a thread has ended, or the pool was closed
   */
  async load(index: number, step: number): Promise<Loaded> {
    if (this.#closed) throw closed();
    if (this.#inline) return (await this.#inline.load(index, step)) as Loaded;
    return this.#threads[this.#threadOf[index]].ask({ index, step });
  }

  /** Ends the threads; loads that wait are rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#threads.map((thread) => thread.close(closed())));
  }
}

const closed = (): LlsmError => new LlsmError('The pool of faces was closed');

const ended = (reason: string): string =>
  `A thread that prepares faces ended (${reason}), and the run with it. Resume it from its ` +
  'last saved state; where memory was short, with fewer threads (--workers)';
