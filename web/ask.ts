/** The page's end of the calls to a worker. */
import { CallError, type FromPage, type FromWorker } from './messages.ts';

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: unknown): void;
  onTold?(told: never): void;
}

/** A worker that answers calls. */
export class Asking {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #events = new Map<string, (data: never) => void>();
  #last = 0;

  /** @param onBroken told when the worker itself breaks */
  constructor(url: URL, onBroken: (message: string) => void) {
    this.#worker = new Worker(url, { type: 'module' });
    this.#worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
      if ('event' in data) this.#events.get(data.event)?.(data.data as never);
      else this.#settle(data);
    });
    this.#worker.addEventListener('error', (event) => {
      const message = event.message || 'a part of the page could not be loaded; reload it';
      for (const { reject } of this.#waiting.values()) reject(new CallError(message, false));
      this.#waiting.clear();
      onBroken(message);
    });
  }

  #settle(data: Exclude<FromWorker, { event: string }>): void {
    const waiting = this.#waiting.get(data.id);
    if (!waiting) return;
    if ('told' in data) {
      waiting.onTold?.(data.told as never);
      return;
    }
    this.#waiting.delete(data.id);
    if ('answer' in data) waiting.resolve(data.answer);
    else if (data.failed.aborted) waiting.reject(new DOMException('aborted', 'AbortError'));
    else waiting.reject(new CallError(data.failed.message, data.failed.expected));
  }

  /** Listens to what the worker tells unasked. */
  on(event: string, listener: (data: never) => void): void {
    this.#events.set(event, listener);
  }

  /** @param onTold told what the worker says before it answers */
  ask<Answer>(
    call: string,
    given: unknown,
    {
      signal,
      onTold,
      transfer = [],
    }: { signal?: AbortSignal; onTold?(told: never): void; transfer?: Transferable[] } = {},
  ): Promise<Answer> {
    const id = ++this.#last;
    return new Promise<Answer>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as Waiting['resolve'], reject, onTold });
      this.#post({ id, call, given }, transfer);
      signal?.addEventListener('abort', () => this.#post({ id, abort: true }), { once: true });
    });
  }

  #post(message: FromPage, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  /** Ends the worker; whoever waits is told that it was aborted. */
  end(): void {
    this.#worker.terminate();
    for (const { reject } of this.#waiting.values()) {
      reject(new DOMException('aborted', 'AbortError'));
    }
    this.#waiting.clear();
  }
}
