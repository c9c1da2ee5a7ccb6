/** The engine's worker as the page uses it: loaded at once, started again when the adapter is lost. */
import type { LoadProgress } from '../src/detect/detector.ts';
import type { Cam } from '../src/detect/gradcam.ts';
import type { RgbImage } from '../src/image/rgb.ts';
import { Asking } from './ask.ts';
import type { About, Looked, Told } from './engine.worker.ts';
import type { ToldOfVideo, WatchAsked, Watched } from './watch.ts';

export interface EngineEvents {
  onProgress(progress: LoadProgress): void;
  onReady(about: About): void;
  /** The adapter is gone; `again` says that the engine starts anew by itself. */
  onLost(message: string, again: boolean): void;
  onBroken(message: string): void;
}

/** A second loss within this time is no accident. */
const lately = 60_000;

export class Engine {
  #worker: Asking;
  #weights: File | undefined;
  #lostAt = Number.NEGATIVE_INFINITY;
  /** What the engine is like; settles when it is ready to look. */
  ready: Promise<About>;

  constructor(private readonly events: EngineEvents) {
    this.#worker = this.#start();
    this.ready = this.load();
  }

  #start(): Asking {
    const url = new URL('engine.worker.js', import.meta.url);
    const worker = new Asking(url, (message) => this.events.onBroken(message));
    worker.on('lost', (message: string) => {
      const again = performance.now() - this.#lostAt > lately;
      this.#lostAt = performance.now();
      this.events.onLost(message, again);
      if (again) this.restart();
    });
    return worker;
  }

  /**
   * Loads a network in place of the one before, which stays where the file is none.
   * @param weights without, the one that comes with the page
   */
  load(weights?: File): Promise<About> {
    const loading = this.#worker.ask<About>(
      'load',
      { weights },
      { onTold: (progress: LoadProgress) => this.events.onProgress(progress) },
    );
    const told = loading.then((about) => {
      this.#weights = weights;
      this.ready = told;
      this.events.onReady(about);
      return about;
    });
    told.catch(() => {});
    return told;
  }

  /** Begins anew with the same network. */
  restart(): Promise<About> {
    this.#worker.end();
    this.#worker = this.#start();
    this.ready = this.load(this.#weights);
    return this.ready;
  }

  async look(
    given: { picture: Blob | ImageData; name: string },
    options: { signal: AbortSignal; onTold(told: Told): void },
  ): Promise<Looked> {
    await this.ready;
    options.signal.throwIfAborted();
    return this.#worker.ask<Looked>('look', given, options);
  }

  async watch(
    given: WatchAsked,
    options: { signal: AbortSignal; onTold(told: ToldOfVideo): void },
  ): Promise<Watched> {
    await this.ready;
    options.signal.throwIfAborted();
    return this.#worker.ask<Watched>('watch', given, options);
  }

  /** Grad-CAM of a face crop at a feature map of the network. */
  async cam(crop: RgbImage, tap: string): Promise<Cam> {
    await this.ready;
    return this.#worker.ask<Cam>('cam', { crop, tap });
  }
}
