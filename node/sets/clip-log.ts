/** What became of each clip, beside the manifest: how a run that was ended knows where to go on. */
import { closeSync, fsyncSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import type { Drop } from './clip.ts';

const dropSchema = z.strictObject({
  file: z.string(),
  frame: z.int().nonnegative().optional(),
  part: z.enum(['mask', 'landmarks']).optional(),
  reason: z.string(),
}) satisfies z.ZodType<Drop>;

const entrySchema = z.strictObject({
  clip: z.string(),
  /** Lines that it has in the manifest. */
  faces: z.int().positive(),
  dropped: z.array(dropSchema),
});

export type ClipEntry = z.output<typeof entrySchema>;

/**
 * `clips.jsonl`: a line for each clip that gave faces, written after its lines of the manifest. So
 * what the manifest holds beyond the log belongs to a clip that was not finished.
 */
export class ClipLog {
  readonly entries: ClipEntry[] = [];
  readonly #file: number;

  /**
   * Opens or begins the log, and cuts off what a kill left of it.
   * @param lines of the manifest; what the log tells of more than those is cut off too
   * @throws LlsmError where it is damaged before its end
   */
  constructor(folder: string, lines: number) {
    const path = join(folder, 'clips.jsonl');
    try {
      this.#file = openSync(path, 'a+');
    } catch (error) {
      throw new LlsmError(`${path} cannot be opened: ${messageOf(error)}`);
    }
    const text = readFileSync(path, 'utf8');
    let kept = '';
    for (const [index, line] of text.split('\n').slice(0, -1).entries()) {
      const entry = parseEntry(line, `${path} line ${index + 1}`);
      if (this.faces + entry.faces > lines) break;
      this.entries.push(entry);
      kept += `${line}\n`;
    }
    if (kept !== text) truncateSync(path, Buffer.byteLength(kept));
  }

  /** Lines of the manifest that it tells of. */
  get faces(): number {
    return this.entries.reduce((sum, { faces }) => sum + faces, 0);
  }

  append(entry: ClipEntry): void {
    writeSync(this.#file, `${JSON.stringify(entry)}\n`);
    fsyncSync(this.#file);
    this.entries.push(entry);
  }

  close(): void {
    closeSync(this.#file);
  }
}

function parseEntry(line: string, where: string): ClipEntry {
  try {
    return entrySchema.parse(JSON.parse(line));
  } catch {
    throw new LlsmError(`${where} is damaged. Remove the data set's folder, and make it again.`);
  }
}
