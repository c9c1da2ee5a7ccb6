/** Between the page and its workers: calls with an answer, what is told meanwhile, and what is told unasked. */

export type FromPage = { id: number; call: string; given: unknown } | { id: number; abort: true };

export type FromWorker =
  | { id: number; told: unknown }
  | { id: number; answer: unknown }
  | { id: number; failed: { message: string; expected: boolean; aborted: boolean } }
  | { event: string; data: unknown };

/** A call that failed as it may: the message is for people. Others are bugs. */
export class CallError extends Error {
  constructor(
    message: string,
    readonly expected: boolean,
  ) {
    super(message);
  }
}
