/** A stand-in for the process that looks at files, where the network is not the point. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Died, type Examines } from '../../node/scan/examination.ts';
import type { ScanTask } from '../../node/scan/line.ts';
import { emptyLine, type ScanIdentity, type ScanLine } from '../../node/scan/line.ts';
import type { Wanted } from '../../node/scan/worker.ts';
import { LlsmError, messageOf } from '../../src/base/errors.ts';

/** What the lines of stub verdicts are of: no network's. */
export const stubIdentity: ScanIdentity = { weights: '0'.repeat(64), settings: 'stub' };

export interface StubOptions {
  parallel?: number;
  /** Milliseconds that a file takes. */
  delay?: number;
  /** The bytes of a file; without one it is read. */
  bytesOf?: (file: string) => Uint8Array | string;
  /** What a file's bytes are decoded to; absent: the file's own bytes. */
  pixelsOf?: (file: string) => string;
  /** What comes before a file's verdict; it may throw, as TryAgain or Died. */
  before?: (task: ScanTask) => void | Promise<void>;
}

/** Verdicts made of the files' hashes: the same wherever and however often they are made. */
export class Stub implements Examines {
  readonly parallel: number;
  readonly threshold = { value: 0.5, rule: 'stub' };
  /** Files that were given a verdict, in order. */
  readonly looked: string[] = [];
  /** Files in hand now, and what they are told where this stand-in dies. */
  readonly #inHand = new Set<(error: Error) => void>();

  constructor(private readonly options: StubOptions = {}) {
    this.parallel = options.parallel ?? 4;
  }

  stop(): void {}

  async examine(
    { file, ...task }: ScanTask,
    wanted: Wanted = () => true,
  ): Promise<ScanLine | null> {
    let die = (_: Error) => {};
    const death = new Promise<never>((_, reject) => {
      die = reject;
    });
    death.catch(() => {});
    this.#inHand.add(die);
    try {
      return await Promise.race([death, this.#examine({ file, ...task }, wanted)]);
    } catch (error) {
      if (error instanceof Died) this.die(error);
      throw error;
    } finally {
      this.#inHand.delete(die);
    }
  }

  /** Ends as a process would: all that is in hand is rejected. */
  die(error = new Died('the stand-in ended')): void {
    for (const die of this.#inHand) die(error);
  }

  async #examine(task: ScanTask, wanted: Wanted): Promise<ScanLine | null> {
    const { file } = task;
    const { delay = 0, bytesOf = (path: string) => readFileSync(path) } = this.options;
    const { pixelsOf, before } = this.options;
    const line = emptyLine(file, 'image', stubIdentity, this.threshold);
    let decoded: Uint8Array | string;
    try {
      const bytes = bytesOf(file);
      decoded = pixelsOf?.(file) ?? bytes;
      line.sha256 = createHash('sha256').update(bytes).digest('hex');
      line.size = bytes.length;
    } catch (error) {
      line.error = {
        message: new LlsmError(`${file} cannot be read: ${messageOf(error)}`).message,
      };
      return line;
    }
    if (!(await wanted(line.sha256, 'bytes'))) return null;
    line.pixels = createHash('sha256').update('pixels').update(decoded).digest('hex');
    if (!(await wanted(line.pixels, 'pixels'))) return line;
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
    await before?.(task);
    this.looked.push(file);
    const probability = Number.parseInt(line.pixels.slice(0, 8), 16) / 2 ** 32;
    const verdict = probability >= 0.5 ? 'altered' : 'nothing found';
    line.verdict = verdict;
    line.print = line.pixels;
    line.faces = [
      {
        ...{ box: null, landmarks: null, finder: null, note: null, alteredShare: null },
        ...{ probability, verdict, views: [{ name: 'as it is', probability }] },
      },
    ];
    return line;
  }
}
