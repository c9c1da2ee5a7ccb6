/** Parts of videos that a scan was stopped in, as a file beside its lines (Node only). */
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import { isOf, type ScanIdentity } from './line.ts';
import type { VideoHooks, VideoPart } from './video.ts';

type Kept = ScanIdentity & { sha256: string; part: VideoPart };

/** Parts by their video's bytes. The file is there as long as a video is unfinished. */
export class Parts implements VideoHooks {
  readonly #known = new Map<string, VideoPart[]>();

  /** @throws LlsmError where the file cannot be read */
  constructor(
    readonly path: string,
    private readonly identity: ScanIdentity,
  ) {
    if (!existsSync(path)) return;
    try {
      for (const text of readFileSync(path, 'utf8').split('\n')) this.#read(text);
    } catch (error) {
      throw new LlsmError(`${path} cannot be read: ${messageOf(error)}`);
    }
  }

  #read(text: string): void {
    let kept: Kept;
    try {
      kept = JSON.parse(text);
    } catch {
      return; // the end of the file, or of a line that is not whole
    }
    if (isOf(kept, this.identity)) this.#add(kept.sha256, kept.part);
  }

  #add(sha256: string, part: VideoPart): void {
    const others = this.known(sha256).filter(({ index }) => index !== part.index);
    this.#known.set(sha256, [...others, part]);
  }

  readonly known = (sha256: string): VideoPart[] => this.#known.get(sha256) ?? [];

  /** @throws LlsmError where the disk is full or gone */
  readonly onPart = (sha256: string, part: VideoPart): void => {
    const { weights, settings } = this.identity;
    const kept: Kept = { weights, settings, sha256, part };
    try {
      // A line feed first: whatever was torn before is a line of its own.
      appendFileSync(this.path, `\n${JSON.stringify(kept)}\n`);
    } catch (error) {
      throw new LlsmError(`${this.path} cannot be written: ${messageOf(error)}`);
    }
    this.#add(sha256, part);
  };

  /** Forgets the parts of a video that has its line; the file goes with the last of them. */
  drop(sha256: string | null): void {
    if (sha256 === null || !this.#known.delete(sha256)) return;
    if (this.#known.size === 0) rmSync(this.path, { force: true });
  }
}
