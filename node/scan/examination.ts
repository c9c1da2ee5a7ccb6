/** The process that looks at files, as the one that started it sees it (Node only). */
import { type ChildProcess, fork } from 'node:child_process';
import { LlsmError } from '../../src/base/errors.ts';
import { threadFile } from '../system/threads.ts';
import type { ScanLine, ScanTask } from './line.ts';
import type { FromExaminer, Ready, ToExaminer } from './messages.ts';
import { TryAgain } from './read.ts';
import type { VideoHooks, VideoPart } from './video.ts';
import type { Wanted } from './worker.ts';

/** The process ended with files in hand: one of them may be why. */
export class Died extends Error {
  override name = 'Died';
}

/** Who looks at files: `Examination`, or a stand-in for it. */
export interface Examines {
  /** Files to give it at once. */
  readonly parallel: number;
  /** The threshold of its verdicts. */
  readonly threshold: ScanLine['threshold'];
  /**
   * @returns the file's line, as `ScanWorker` gives it; null where it is not wanted
   * @throws TryAgain, Died; LlsmError where no file can be looked at any more
   */
  examine(task: ScanTask, wanted?: Wanted, video?: VideoHooks): Promise<ScanLine | null>;
  /** Has videos in hand end after their part, with TryAgain. */
  stop(): void;
}

type Question = Extract<FromExaminer, { hash: string }>;
type Told = Extract<FromExaminer, { part: VideoPart }>;

interface Asked {
  wanted: Wanted;
  video: VideoHooks;
  resolve(line: ScanLine | null): void;
  reject(error: Error): void;
}

export interface ExaminationOptions {
  /** What the process is given as its settings, as JSON. */
  settings: unknown;
  /** Its file (default the one that looks at files with a network). */
  path?: string;
  /** Receives what there is to tell: the adapter, and why the process was started again. */
  say: (line: string) => void;
  /** Starts in a row that may end without one file's answer (default 3). */
  starts?: number;
}

/** A process that looks at files; it is started again where it ends by itself. */
export class Examination implements Examines {
  #process: ChildProcess | undefined;
  #ready: Promise<void> | undefined;
  #about: Ready = { adapter: '', parallel: 1, threshold: { value: 0, rule: '' } };
  readonly #asked = new Map<number, Asked>();
  #next = 0;
  /** Starts since a file was last answered for. */
  #barren = 0;
  #fatal = '';
  #closed = false;
  #told = false;

  private constructor(private readonly options: ExaminationOptions) {}

  /** Starts the process. @throws LlsmError where it says that it cannot work here */
  static async start(options: ExaminationOptions): Promise<Examination> {
    const examination = new Examination(options);
    await examination.#started();
    return examination;
  }

  get parallel(): number {
    return this.#about.parallel;
  }

  get threshold(): ScanLine['threshold'] {
    return this.#about.threshold;
  }

  /** The process's id; undefined where none runs. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  stop(): void {
    this.#send({ stop: true });
  }

  async examine(
    task: ScanTask,
    wanted: Wanted = () => true,
    video: VideoHooks = {},
  ): Promise<ScanLine | null> {
    await this.#started();
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      this.#asked.set(id, { wanted, video, resolve, reject });
      this.#send({ id, task });
    });
  }

  #started(): Promise<void> {
    this.#ready ??= this.#start();
    return this.#ready;
  }

  async #start(): Promise<void> {
    const { settings, say, starts = 3 } = this.options;
    if (this.#closed) throw new LlsmError('The scan was stopped');
    if (this.#barren >= starts) {
      throw new LlsmError(
        `The process that looks at files ended ${starts} times in a row without looking at one` +
          (this.#fatal ? `: ${this.#fatal}` : ''),
      );
    }
    this.#barren++;
    const path = this.options.path ?? threadFile('node/scan/examine.worker');
    const child = fork(path, [JSON.stringify(settings)], { serialization: 'advanced' });
    this.#process = child;
    await new Promise<void>((resolve, reject) => {
      child.on('message', (message: FromExaminer) => {
        if ('ready' in message) {
          this.#about = message.ready;
          if (!this.#told) say(message.ready.adapter);
          this.#told = true;
          resolve();
        } else {
          this.#take(message);
        }
      });
      child.on('error', (error) => this.#ended(child, error.message, reject));
      child.on('exit', (code, signal) => {
        this.#ended(child, signal ? `signal ${signal}` : `exit status ${code}`, reject);
      });
    });
  }

  #take(message: Exclude<FromExaminer, { ready: unknown }>): void {
    if ('note' in message) {
      this.options.say(message.note);
      return;
    }
    if ('fatal' in message) {
      this.#fatal = message.fatal;
      return;
    }
    const { id } = message;
    const asked = this.#asked.get(id);
    if (!asked) return;
    const failed = (error: Error) => {
      this.#asked.delete(id);
      asked.reject(error);
    };
    if ('hash' in message) {
      this.#answer(asked, message).catch((error) => {
        failed(error);
        this.#send({ id, wanted: false, parts: [] });
      });
      return;
    }
    if ('part' in message) {
      this.#keep(asked, message).catch((error) => {
        failed(error);
        this.#send({ id, kept: false });
      });
      return;
    }
    this.#asked.delete(id);
    this.#barren = 0;
    if ('line' in message) asked.resolve(message.line);
    else asked.reject(new TryAgain(message.again));
  }

  async #answer({ wanted, video }: Asked, { id, hash, of }: Question): Promise<void> {
    const isWanted = await wanted(hash, of);
    const parts = isWanted && of === 'bytes' ? ((await video.known?.(hash)) ?? []) : [];
    this.#send({ id, wanted: isWanted, parts });
  }

  async #keep({ video }: Asked, { id, of, part }: Told): Promise<void> {
    await video.onPart?.(of, part);
    this.#send({ id, kept: true });
  }

  #send(message: ToExaminer): void {
    const child = this.#process;
    // Whoever waits is told when the process has ended.
    if (child?.connected) child.send(message, () => {});
  }

  #ended(child: ChildProcess, how: string, reject: (error: Error) => void): void {
    if (this.#process !== child) return;
    this.#process = undefined;
    this.#ready = undefined;
    const why = this.#fatal || how;
    reject(new LlsmError(this.#fatal || `The process that looks at files ended (${how})`));
    if (!this.#closed) this.options.say(`the process that looks at files ended: ${why}`);
    const inHand = [...this.#asked.values()];
    this.#asked.clear();
    for (const asked of inHand) {
      asked.reject(new Died(`the process that looked at it ended (${why})`));
    }
  }

  /** Ends the process; what is in hand is rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    const child = this.#process;
    if (!child) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.disconnect();
    await gone;
  }
}
