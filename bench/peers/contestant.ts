import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { messageOf } from '../../src/base/errors.ts';
import type { Contestant } from '../alternate.ts';
import type { Answer } from './task.ts';

/** A program that measures itself: given `probe` or a row's folder as its last argument. */
export interface Peer {
  name: string;
  command: readonly string[];
}

/** A wait of so many seconds for one answer is a peer that hangs. */
const patience = 900;

/** A process that answers in lines of JSON. */
class Child {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<void>;
  #said = '';

  constructor(peer: Peer, ...more: string[]) {
    const [program, ...args] = peer.command;
    this.#process = spawn(program, [...args, ...more], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
    this.#ended = new Promise((resolve) => {
      this.#process.on('close', () => resolve());
      this.#process.on('error', (error) => {
        this.#said = error.message;
        resolve();
      });
    });
    // What is written to a process that has ended is lost, and its answer says so.
    this.#process.stdin.on('error', () => {});
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-4000);
    });
  }

  send(line: string): void {
    this.#process.stdin.write(`${line}\n`);
  }

  /** @throws Error with its last words, where it ends or hangs instead */
  async answer<T>(): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#process.kill('SIGKILL');
        reject(new Error(`no answer within ${patience} s`));
      }, patience * 1000);
    });
    try {
      for (;;) {
        const { value, done } = await Promise.race([this.#lines.next(), late]);
        if (done) break;
        // Libraries print to standard output as they like.
        if (value.startsWith('{')) return JSON.parse(value) as T;
      }
    } finally {
      clearTimeout(timer);
    }
    await this.#ended;
    throw new Error(this.#lastWords());
  }

  async end(): Promise<void> {
    this.#process.stdin.end();
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), 5000);
    await this.#ended;
    clearTimeout(timer);
  }

  #lastWords(): string {
    const lines = this.#said
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line && !/^at |^node:|artificially reduced|^Node\.js v/.test(line));
    const told = lines.findLast((line) => /error|exception|terminate|killed/i.test(line));
    const { signalCode, exitCode } = this.#process;
    return (told ?? lines.at(-1) ?? `it ended with ${signalCode ?? exitCode}`).slice(0, 300);
  }
}

/** What a peer says to one question, such as `probe`. */
export async function ask<T>(peer: Peer, ...question: string[]): Promise<T | { absent: string }> {
  const child = new Child(peer, ...question);
  try {
    return await child.answer<T>();
  } catch (error) {
    return { absent: messageOf(error) };
  } finally {
    await child.end();
  }
}

/** Starts a peer on a row's folder; it has computed and written its outputs when this returns. */
export async function enter(peer: Peer, folder: string): Promise<Contestant | { absent: string }> {
  const child = new Child(peer, folder);
  const next = async (): Promise<Answer> => {
    try {
      return await child.answer<Answer>();
    } catch (error) {
      return { absent: messageOf(error) };
    }
  };
  const first = await next();
  if (!('ready' in first)) {
    await child.end();
    return { absent: 'absent' in first ? first.absent : 'it did not say that it is ready' };
  }
  return {
    name: peer.name,
    async sample(repeats) {
      child.send(String(repeats));
      const answer = await next();
      if ('milliseconds' in answer) return answer.milliseconds;
      throw new Error('absent' in answer ? answer.absent : 'it gave no time');
    },
    close: () => child.end(),
  };
}
