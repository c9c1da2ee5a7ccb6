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
import { type Key, keyOfHash, keyOfName, Places } from './places.ts';

/** What a file's last line says of it. */
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
 * The lines of one scan, by file and by the hashes of the files' bytes and pixels. Lines of other
 * weights or settings in the same file are left alone. A later line on a file replaces an earlier one.
 * Only where lines begin is held in memory; what they say is read back.
 */
export class Ledger {
  /** Where a file's last line begins. */
  readonly #files = new Places();
  /** Where the first line on bytes or pixels begins; of bytes that nothing is said of, in `#given`. */
  readonly #hashes = new Places();
  readonly #given = new Places();
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
    const { file, sha256, pixels, error } = line;
    this.#files.set(keyOfName(file), at);
    for (const hash of [sha256, pixels]) {
      if (!hash) continue;
      const [key, places] = [keyOfHash(hash), error ? this.#given : this.#hashes];
      if (places.get(key) === undefined) places.set(key, at);
    }
  }

  /** Files that have a line. */
  get files(): number {
    return this.#files.size;
  }

  /** What is known of a file; undefined where it has no line. @throws as `lineOf` */
  entryOf(file: string): Entry | undefined {
    const line = this.#lineIn(this.#files, keyOfName(file), (found) => found.file === file);
    if (!line) return undefined;
    const { sha256, size, modified, error } = line;
    return { sha256, size, modified, error: error?.message ?? null };
  }

  /**
   * The first line on these bytes or pixels, but one that says something rather than one that does
   * not; undefined where there is none.
   * @throws LlsmError where it cannot be read back
   */
  lineOf(hash: string): ScanLine | undefined {
    const key = keyOfHash(hash);
    const is = ({ sha256, pixels }: ScanLine) => sha256 === hash || pixels === hash;
    return this.#lineIn(this.#hashes, key, is) ?? this.#lineIn(this.#given, key, is);
  }

  #lineIn(places: Places, key: Key, is: (line: ScanLine) => boolean): ScanLine | undefined {
    const from = places.get(key);
    if (from === undefined) return undefined;
    const line = this.#lineAt(from);
    return is(line) ? line : undefined;
  }

  #lineAt(from: number): ScanLine {
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
    const known = this.entryOf(line.file);
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
