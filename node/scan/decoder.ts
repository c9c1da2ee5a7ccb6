/** Threads that decode, each a picture at a time; one that ends or hangs is replaced (Node only). */
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import { Thread, threadFile } from '../system/threads.ts';
import type { Decoded, DecodeRequest } from './decode.worker.ts';
import { TryAgain } from './read.ts';

const lost = (reason: string): string => `the thread that decoded it ended (${reason})`;

export class Decoder {
  readonly #path = threadFile('node/scan/decode.worker');
  readonly #idle: Thread<DecodeRequest, Decoded>[] = [];
  readonly #busy = new Set<Thread<DecodeRequest, Decoded>>();
  readonly #waiting: (() => void)[] = [];
  #closed = false;

  /**
   * @param threads pictures that are decoded at once
   * @param seconds after which a picture's decoding is given up
   */
  constructor(
    private readonly threads: number,
    private readonly seconds: number,
  ) {}

  /**
   * Decodes a picture and hashes it.
   * @throws LlsmError as `decodeImage`; TryAgain where the thread ended or took too long
   */
  async decode(request: DecodeRequest): Promise<Decoded> {
    const thread = await this.#take();
    let timer: NodeJS.Timeout | undefined;
    let sound = true;
    try {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          sound = false;
          reject(new TryAgain(`decoding it took more than ${this.seconds} s`));
        }, this.seconds * 1000);
      });
      return await Promise.race([thread.ask(request), late]);
    } catch (error) {
      if (!thread.ended) throw error;
      sound = false;
      throw new TryAgain(messageOf(error));
    } finally {
      clearTimeout(timer);
      this.#giveBack(thread, sound);
    }
  }

  async #take(): Promise<Thread<DecodeRequest, Decoded>> {
    while (!this.#closed && this.#busy.size >= this.threads) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (this.#closed) throw new TryAgain('the scan was stopped');
    const thread = this.#idle.pop() ?? new Thread<DecodeRequest, Decoded>(this.#path, {}, lost);
    this.#busy.add(thread);
    return thread;
  }

  #giveBack(thread: Thread<DecodeRequest, Decoded>, sound: boolean): void {
    this.#busy.delete(thread);
    if (sound && !this.#closed) this.#idle.push(thread);
    else void thread.close(new LlsmError(lost('it was given up')));
    this.#waiting.shift()?.();
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const wake of this.#waiting.splice(0)) wake();
    const threads = [...this.#idle, ...this.#busy];
    await Promise.all(threads.map((thread) => thread.close(new LlsmError(lost('it was closed')))));
  }
}
