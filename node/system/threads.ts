/** Work done in threads beside the caller's own (Node only). */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import { packageRoot } from './package-root.ts';

/** Request to a thread; its answer carries the same id. */
type Sent<Request> = { id: number; request: Request };
type Answer<Result> = { id: number; result: Result } | { id: number; error: SentError };

/** Error as a thread sends it: its class is lost on the way, so a flag says whether it was expected. */
interface SentError {
  /** Whether the error was an LlsmError. */
  expected: boolean;
  message: string;
  stack?: string;
}

interface Waiting<Result> {
  resolve(result: Result): void;
  reject(error: Error): void;
}

/**
 * The built file of a thread.
 * @param name its path in the package without ending, such as `node/train/crop.worker`
 * @throws LlsmError where it is missing
 */
export function threadFile(name: string): string {
  const path = join(packageRoot(), 'dist', `${name}.js`);
  if (!existsSync(path)) {
    throw new LlsmError(`${path} is missing: build it with \`npm run build\``);
  }
  return path;
}

/**
 * A thread that answers requests (`serve` is its other end). It begins with the first request, and
 * does not keep the process alive while nothing is asked of it.
 */
export class Thread<Request, Result> {
  readonly #path: string;
  readonly #settings: unknown;
  readonly #whenEnded: (reason: string) => string;
  #worker: Worker | undefined;
  readonly #waiting = new Map<number, Waiting<Result>>();
  #asked = 0;
  #ended: LlsmError | undefined;

  /**
   * @param settings what the thread begins with
   * @param whenEnded the message where the thread ends by itself
   */
  constructor(path: string, settings: unknown, whenEnded: (reason: string) => string) {
    this.#path = path;
    this.#settings = settings;
    this.#whenEnded = whenEnded;
  }

  /** Whether it ended, by itself or closed: nothing more can be asked. */
  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /** Asks the thread. @throws LlsmError where the thread has ended, and what answering threw */
  ask(request: Request): Promise<Result> {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#worker ??= this.#start();
      const id = this.#asked++;
      if (this.#waiting.size === 0) this.#worker.ref();
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, request } satisfies Sent<Request>);
    });
  }

  #start(): Worker {
    const worker = new Worker(this.#path, { workerData: this.#settings });
    const end = (reason: string) => this.#end(new LlsmError(this.#whenEnded(reason)));
    worker.on('message', (answer: Answer<Result>) => this.#answer(answer));
    worker.on('messageerror', (error) => end(messageOf(error)));
    worker.on('error', (error) => end(messageOf(error)));
    worker.on('exit', (code) => end(`exit status ${code}`));
    return worker;
  }

  #answer(answer: Answer<Result>): void {
    const waiting = this.#waiting.get(answer.id);
    if (!waiting) return;
    this.#waiting.delete(answer.id);
    if (this.#waiting.size === 0) this.#worker?.unref();
    if ('result' in answer) waiting.resolve(answer.result);
    else waiting.reject(errorOf(answer.error));
  }

  /** Rejects what waits and what is yet to be asked: nothing more will come. */
  #end(error: LlsmError): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }

  /** Ends the thread; what waits is rejected with this error. */
  async close(error: LlsmError): Promise<void> {
    this.#end(error);
    await this.#worker?.terminate();
  }
}

function errorOf({ expected, message, stack }: SentError): Error {
  return expected ? new LlsmError(message) : Object.assign(new Error(message), { stack });
}

/**
 * The thread's end: answers each request with what `start` gives.
 * @param start makes the answering function from the settings; `give` names buffers that need not be copied
 */
export function serve<Settings, Request, Result>(
  start: (settings: Settings) => (request: Request) => Promise<Result>,
  give: (result: Result) => ArrayBuffer[] = () => [],
): void {
  const port = parentPort;
  if (!port) throw new TypeError('this file runs as a thread only');
  const answer = start(workerData as Settings);
  port.on('message', async ({ id, request }: Sent<Request>) => {
    try {
      const result = await answer(request);
      port.postMessage({ id, result } satisfies Answer<Result>, give(result));
    } catch (error) {
      const { message, stack } = error instanceof Error ? error : new Error(String(error));
      port.postMessage({ id, error: { expected: error instanceof LlsmError, message, stack } });
    }
  });
}
