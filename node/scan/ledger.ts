/** A scan's results as a file of lines (NDJSON), held by one process at a time (Node only). */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import { type Lock, takeLock } from '../system/lock.ts';
import { checkFolderOf, syncFolder } from '../system/write-file.ts';
import { isFinal, isOf, parseLine, type ScanIdentity, type ScanLine, textOf } from './line.ts';

/** What is remembered of a file's last line. */
export interface Entry {
  sha256: string | null;
  size: number | null;
  modified: number | null;
  /** The reason why nothing is said; null where something is. */
  error: string | null;
}

const chunkBytes = 2 ** 20;

/**
 * Calls back for each whole line of a file, in order.
 * @param take receives the text, where it begins in bytes, and its number from 1
 * @returns where the last whole line ends, in bytes
 */
export function eachLine(
  file: number,
  take: (text: string, at: number, number: number) => void,
): number {
  const chunk = Buffer.alloc(chunkBytes);
  let rest = Buffer.alloc(0);
  let begin = 0;
  let number = 0;
  for (let at = 0; ; ) {
    const read = readSync(file, chunk, 0, chunk.length, at);
    if (read === 0) return begin;
    at += read;
    const bytes = Buffer.concat([rest, chunk.subarray(0, read)]);
    let from = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
      take(bytes.toString('utf8', from, end), begin, ++number);
      begin += end + 1 - from;
      from = end + 1;
    }
    rest = bytes.subarray(from);
  }
}

/**
 * The lines of one scan, by file and by the files' bytes. Lines of other weights or settings in the
 * same file are left alone. A later line on a file replaces an earlier one.
 */
export class Ledger {
  readonly #files = new Map<string, Entry>();
  /** Where the first line on these bytes begins. */
  readonly #places = new Map<string, number>();
  /** Bytes that nothing is said of. */
  readonly #given = new Set<string>();
  #end = 0;
  #unsynced = false;
  #cut = 0;

  private constructor(
    readonly path: string,
    private readonly identity: ScanIdentity,
    private readonly lock: Lock,
    private readonly file: number,
  ) {}

  /**
   * Opens or makes the file. A last line that is not whole is cut off: its file is looked at again.
   * @param each receives the lines that are there, of this identity
   * @throws LlsmError where another process holds it, it cannot be written, or is no scan's output
   */
  static open(
    path: string,
    identity: ScanIdentity,
    each: (line: ScanLine) => void = () => {},
  ): Ledger {
    checkFolderOf(path);
    const lock = takeLock(`${path}.lock`);
    let file: number | undefined;
    try {
      const isNew = !existsSync(path);
      file = openSync(path, isNew ? 'w+' : 'r+');
      if (isNew) syncFolder(dirname(path));
      const ledger = new Ledger(path, identity, lock, file);
      ledger.#read(each);
      return ledger;
    } catch (error) {
      if (file !== undefined) closeSync(file);
      lock.release();
      if (error instanceof LlsmError) throw error;
      throw new LlsmError(`${path} cannot be written: ${messageOf(error)}`);
    }
  }

  #read(each: (line: ScanLine) => void): void {
    this.#end = eachLine(this.file, (text, at, number) => {
      const line = parseLine(text, `${this.path}, line ${number},`);
      if (!isOf(line, this.identity)) return;
      this.remember(line, at);
      each(line);
    });
    this.#cut = fstatSync(this.file).size - this.#end;
    if (this.#cut > 0) {
      ftruncateSync(this.file, this.#end);
      fsyncSync(this.file);
    }
  }

  /** Bytes of a line that was not whole when the file was opened, and was cut off. */
  get cut(): number {
    return this.#cut;
  }

  private remember(line: ScanLine, at: number): void {
    const { file, sha256, size, modified, error } = line;
    this.#files.set(file, { sha256, size, modified, error: error?.message ?? null });
    if (sha256 === null) return;
    // The first line on these bytes, but one that says something rather than one that does not.
    if (!this.#places.has(sha256) || (this.#given.has(sha256) && !error)) {
      this.#places.set(sha256, at);
      if (error) this.#given.add(sha256);
      else this.#given.delete(sha256);
    }
  }

  /** Files that have a line. */
  get files(): number {
    return this.#files.size;
  }

  /** What is remembered of a file; undefined where it has no line. */
  entryOf(file: string): Entry | undefined {
    return this.#files.get(file);
  }

  /** Whether there is a line on these bytes. */
  hasBytes(sha256: string): boolean {
    return this.#places.has(sha256);
  }

  /** The first line on these bytes. @throws LlsmError where it cannot be read back */
  lineOf(sha256: string): ScanLine {
    const from = this.#places.get(sha256);
    if (from === undefined) throw new RangeError(`${this.path} has no line on ${sha256}`);
    const chunks: Buffer[] = [];
    for (let at = from; ; ) {
      const chunk = Buffer.alloc(2 ** 14);
      const read = readSync(this.file, chunk, 0, chunk.length, at);
      const end = chunk.subarray(0, read).indexOf(10);
      chunks.push(chunk.subarray(0, end < 0 ? read : end));
      at += read;
      if (end >= 0 || read === 0) break;
    }
    return parseLine(Buffer.concat(chunks).toString('utf8'), `${this.path}, at byte ${from},`);
  }

  /**
   * Whether a line says what the file's own last line says already: of the same bytes, or of a file
   * that could not be read, for the same reason. A verdict is not replaced by the lack of one.
   */
  says(line: ScanLine): boolean {
    const known = this.#files.get(line.file);
    if (!known) return false;
    const error = line.error?.message ?? null;
    if (!isFinal(line)) return known.sha256 === null && known.error === error;
    return known.sha256 === line.sha256 && (known.error === null || known.error === error);
  }

  /**
   * Appends a line that is not there yet.
   * @returns whether it was appended
   * @throws LlsmError where the disk is full or gone; then the file ends with its last whole line
   */
  append(line: ScanLine): boolean {
    if (!isOf(line, this.identity)) {
      throw new LlsmError(
        `${line.file} was looked at with other weights or settings than ${this.path} is opened for`,
      );
    }
    if (this.says(line)) return false;
    const bytes = Buffer.from(textOf(line));
    const place = this.#end;
    try {
      for (let at = 0; at < bytes.length; ) {
        at += writeSync(this.file, bytes, at, bytes.length - at, place + at);
      }
    } catch (error) {
      this.#cutTo(place);
      throw new LlsmError(`${this.path} cannot be written: ${messageOf(error)}`);
    }
    this.#unsynced = true;
    this.#end = place + bytes.length;
    this.remember(line, place);
    return true;
  }

  #cutTo(end: number): void {
    try {
      ftruncateSync(this.file, end);
    } catch {
      // Whoever opens the file next cuts the line off.
    }
  }

  /** Makes what was appended last. @throws LlsmError naming the file */
  sync(): void {
    if (!this.#unsynced) return;
    try {
      fsyncSync(this.file);
    } catch (error) {
      throw new LlsmError(`${this.path} cannot be written: ${messageOf(error)}`);
    }
    this.#unsynced = false;
  }

  close(): void {
    try {
      this.sync();
    } finally {
      closeSync(this.file);
      this.lock.release();
    }
  }
}
