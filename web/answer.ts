/** A worker's end of the calls: runs them, each with a signal that the page can abort. */
import { LlsmError, messageOf } from '../src/base/errors.ts';
import type { FromPage, FromWorker } from './messages.ts';

/** What a call may use: `tell` says something to whoever waits, `signal` says that nobody does. */
export interface Asked {
  signal: AbortSignal;
  tell(told: unknown, transfer?: Transferable[]): void;
}

export type Calls = Record<string, (given: never, asked: Asked) => unknown>;

/** The worker's own global, which the page's types do not know. */
const scope = globalThis as unknown as {
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<FromPage>) => void): void;
};

/** Tells the page something that it did not ask for. */
export const announce = (event: string, data: unknown): void => scope.postMessage({ event, data });

/** Answers the page's calls from now on. */
export function answer(calls: Calls): void {
  const running = new Map<number, AbortController>();
  scope.addEventListener('message', async ({ data }) => {
    if ('abort' in data) {
      running.get(data.id)?.abort();
      return;
    }
    const { id, call, given } = data;
    const controller = new AbortController();
    running.set(id, controller);
    const { signal } = controller;
    const tell: Asked['tell'] = (told, transfer) => scope.postMessage({ id, told }, transfer);
    try {
      const result = await calls[call](given as never, { signal, tell });
      scope.postMessage({ id, answer: result });
    } catch (error) {
      const expected = error instanceof LlsmError;
      if (!expected && !signal.aborted) console.error(error);
      const failed = { message: messageOf(error), expected, aborted: signal.aborted };
      scope.postMessage({ id, failed });
    } finally {
      running.delete(id);
    }
  });
}
