/** Crops made in threads beside the one that feeds the GPU (Node only). */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { LlsmError, messageOf } from '../errors.ts';
import { packageRoot } from '../paths.ts';
import {
  type Crop,
  CropLoader,
  type CropOptions,
  type CropSource,
  defaultCacheBytes,
} from './crops.ts';
import { readBytes } from './image-node.ts';
import type { ManifestItem } from './manifest.ts';

export interface CropPoolOptions extends Omit<CropOptions, 'read'> {
  /** Threads; default: one fewer than the processor runs at once, 1 to 4. 0: the caller's own. */
  workers?: number;
}

/** What a thread begins with. */
export interface CropSettings extends Omit<CropOptions, 'read'> {
  /** The thread's items at their places in the whole; the rest are holes. */
  items: ManifestItem[];
}

/** What a thread is asked. */
export interface CropRequest {
  id: number;
  index: number;
  step: number;
}

/** What it answers, to the request of that id. */
type CropAnswer = { id: number; crop: Crop } | { id: number; error: SentError };

interface Waiting {
  resolve(crop: Crop): void;
  reject(error: Error): void;
}

export const defaultWorkers = (): number => Math.min(4, Math.max(1, availableParallelism() - 1));

/**
 * The items of a data set as crops, the same to the byte as CropLoader's, loaded in several threads.
 * An item always goes to the same thread, so no face is decoded for two caches. A thread begins
 * with its first load, and does not keep the process alive while nothing is asked of it.
 */
export class CropPool implements CropSource {
  readonly items: readonly ManifestItem[];
  readonly #inline: CropLoader | undefined;
  readonly #threads: Thread[] = [];
  /** Which thread an item goes to. */
  readonly #threadOf: number[] = [];
  #closed = false;

  /** @throws LlsmError where the threads' file is missing */
  constructor(
    items: readonly ManifestItem[],
    { workers = defaultWorkers(), cacheBytes = defaultCacheBytes, ...options }: CropPoolOptions,
  ) {
    this.items = items;
    if (workers === 0) {
      this.#inline = new CropLoader(items, { ...options, cacheBytes, read: readBytes });
      return;
    }
    const path = join(packageRoot(), 'dist', 'src', 'data', 'crop.worker.js');
    if (!existsSync(path)) {
      throw new LlsmError(`${path} is missing: build it with \`npm run build\``);
    }
    // In turn within each class, so that a batch with as many of both is spread evenly.
    const next = [0, 0];
    this.#threadOf = items.map(({ label }) => next[label]++ % workers);
    const shares = Array.from({ length: workers }, (): ManifestItem[] => []);
    items.forEach((item, i) => {
      shares[this.#threadOf[i]][i] = item;
    });
    const common = { ...options, cacheBytes: cacheBytes / workers };
    this.#threads = shares.map((share) => new Thread(path, { ...common, items: share }));
  }

  /**
   * As `CropLoader.load`.
   * @throws LlsmError as there; also where a thread has ended, or the pool was closed
   */
  async load(index: number, step: number): Promise<Crop> {
    if (this.#closed) throw closed();
    if (this.#inline) return this.#inline.load(index, step);
    return this.#threads[this.#threadOf[index]].load(index, step);
  }

  /** Ends the threads; loads that wait are rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }
}

const closed = (): LlsmError => new LlsmError('The pool of faces was closed');

class Thread {
  readonly #path: string;
  readonly #settings: CropSettings;
  #worker: Worker | undefined;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;
  #ended: LlsmError | undefined;

  constructor(path: string, settings: CropSettings) {
    this.#path = path;
    this.#settings = settings;
  }

  load(index: number, step: number): Promise<Crop> {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#worker ??= this.#start();
      const id = this.#asked++;
      if (this.#waiting.size === 0) this.#worker.ref();
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, index, step } satisfies CropRequest);
    });
  }

  #start(): Worker {
    const worker = new Worker(this.#path, { workerData: this.#settings });
    worker.on('message', (answer: CropAnswer) => this.#answer(answer));
    worker.on('messageerror', (error) => this.#end(messageOf(error)));
    worker.on('error', (error) => this.#end(messageOf(error)));
    worker.on('exit', (code) => this.#end(`exit status ${code}`));
    return worker;
  }

  #answer(answer: CropAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    if (!waiting) return;
    this.#waiting.delete(answer.id);
    if (this.#waiting.size === 0) this.#worker?.unref();
    if ('crop' in answer) waiting.resolve(answer.crop);
    else waiting.reject(errorOf(answer.error));
  }

  /** Nothing more will come: what waits and what is yet to be asked gets the reason. */
  #end(reason: string): void {
    this.#ended ??= new LlsmError(
      `A thread that prepares faces ended (${reason}), and the run with it. Resume it from its ` +
        'last saved state; where memory was short, with fewer threads (--workers)',
    );
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }

  async close(): Promise<void> {
    this.#ended ??= closed();
    await this.#worker?.terminate();
  }
}

interface SentError {
  /** It was an LlsmError. */
  expected: boolean;
  message: string;
  stack?: string;
}

function errorOf({ expected, message, stack }: SentError): Error {
  return expected ? new LlsmError(message) : Object.assign(new Error(message), { stack });
}
