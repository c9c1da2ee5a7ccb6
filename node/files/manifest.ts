/** Reading and appending manifests in Node. */
import { existsSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import {
  checkFace,
  type Face,
  type FaceInput,
  FaceRules,
  type ManifestItem,
  parseFace,
} from '../../src/faces/manifest.ts';
import { type Lock, takeLock } from '../system/lock.ts';
import { PART, writeFileWhole } from '../system/write-file.ts';

/** The manifest's name in a data folder. */
export const manifestName = 'manifest.jsonl';

/** Resolves links; each folder once, since a set may hold a million files in a few folders. */
class InsideCheck {
  readonly #root: string;
  readonly #folders = new Map<string, string>();

  constructor(folder: string) {
    this.#root = realpathSync(folder);
  }

  /** The file's real path. @throws LlsmError where it is missing or leads outside the folder. */
  check(folder: string, path: string, where: string, field: string): string {
    const parent = dirname(path);
    let real: string;
    try {
      let realParent = this.#folders.get(parent);
      if (realParent === undefined) {
        realParent = realpathSync(join(folder, parent));
        this.#folders.set(parent, realParent);
      }
      real = realpathSync(join(realParent, path.slice(parent === '.' ? 0 : parent.length + 1)));
    } catch {
      throw new LlsmError(
        `${where}: ${field}: ${path} does not exist in ${folder}. Make the set again, or remove the line.`,
      );
    }
    if (!real.startsWith(this.#root + sep)) {
      throw new LlsmError(`${where}: ${field}: ${path} leads outside ${folder} (through a link).`);
    }
    return real;
  }
}

/** The lines of a manifest's text, checked. */
function readLines(folder: string, text: string, rules: FaceRules): ManifestItem[] {
  const inside = new InsideCheck(folder);
  const path = join(folder, manifestName);
  const items: ManifestItem[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const where = `${path} line ${index + 1}`;
    const face = parseFace(line, where);
    const image = inside.check(folder, face.image, where, 'image');
    if (face.mask !== null) inside.check(folder, face.mask, where, 'mask');
    if (face.reconstructed) inside.check(folder, face.reconstructed, where, 'reconstructed');
    rules.add(face, image, where);
    items.push({ ...face, folder });
  }
  return items;
}

/**
 * Reads one or several data folders as one list of faces, in their order.
 * @throws LlsmError naming the file, the line and the field: not JSON, an unknown or wrong field, a
 *   file that is missing or lies outside its folder, a face that appears twice, a person in two splits.
 */
export function readManifests(folders: readonly string[]): ManifestItem[] {
  const rules = new FaceRules();
  return folders.flatMap((folder) => {
    const path = join(folder, manifestName);
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      throw new LlsmError(
        missing
          ? `${folder} holds no ${manifestName}, so it is not a data set. Make one with \`llsm data\` or \`llsm forge\`.`
          : `${path} cannot be read: ${messageOf(error)}`,
      );
    }
    const items = readLines(folder, text, rules);
    if (items.length === 0) throw new LlsmError(`${path} lists no face. Make the set again.`);
    return items;
  });
}

/** Reads one data folder; errors as `readManifests`. */
export const readManifest = (folder: string): ManifestItem[] => readManifests([folder]);

/**
 * Appends to a manifest, and continues one that was left: a last line that a kill tore is cut off.
 * The files that a line names are written before the line.
 */
export class ManifestWriter {
  /** Faces that the manifest held when it was opened. */
  readonly existing: readonly Face[];
  readonly folder: string;
  readonly #file: FileHandle;
  readonly #rules = new FaceRules();
  readonly #lock: Lock;
  #lines: number;

  private constructor(folder: string, file: FileHandle, text: string, lock: Lock) {
    this.folder = folder;
    this.#file = file;
    this.#lock = lock;
    this.existing = readLines(folder, text, this.#rules);
    this.#lines = text.split('\n').length - 1;
  }

  /**
   * Opens or makes a data folder.
   * @param options what decides the set's content, kept in `made.json`; continuing with other
   *   options is refused
   * @param wholeLines told how many lines there are, says how many to keep; asked once the folder is locked
   * @throws LlsmError where they differ, where another process writes to the folder, or where what is there is
   *   damaged before its last line.
   */
  static async open(
    folder: string,
    options: Record<string, unknown>,
    wholeLines: (lines: number) => number = (lines) => lines,
  ): Promise<ManifestWriter> {
    const path = join(folder, manifestName);
    try {
      await mkdir(join(folder, 'images'), { recursive: true });
      await mkdir(join(folder, 'masks'), { recursive: true });
    } catch (error) {
      throw new LlsmError(`${folder} cannot be made: ${messageOf(error)}`);
    }
    const lock = takeLock(join(folder, 'lock'));
    let file: FileHandle | undefined;
    try {
      checkOptions(folder, options);
      removeParts(folder);
      file = await open(path, 'a+');
      const found = await file.readFile('utf8');
      const lines = found.split('\n').slice(0, -1);
      const kept = lines.slice(0, wholeLines(lines.length));
      const text = kept.map((line) => `${line}\n`).join('');
      if (text !== found) await file.truncate(Buffer.byteLength(text));
      return new ManifestWriter(folder, file, text, lock);
    } catch (error) {
      await file?.close();
      lock.release();
      throw error;
    }
  }

  /** Appends faces whose files are in place; they arrive together or, but for a torn line, not at all. */
  async append(...faces: FaceInput[]): Promise<void> {
    let text = '';
    for (const value of faces) {
      const where = `${join(this.folder, manifestName)} line ${++this.#lines}`;
      const face = checkFace(value, where);
      this.#rules.add(face, join(realpathSync(this.folder), face.image), where);
      text += `${JSON.stringify(face)}\n`;
    }
    await this.#file.appendFile(text);
    await this.#file.sync();
  }

  async close(): Promise<void> {
    await this.#file.close();
    this.#lock.release();
  }
}

/** Removes the unfinished files of a killed run. */
function removeParts(folder: string): void {
  for (const part of ['.', 'images', 'masks']) {
    for (const name of readdirSync(join(folder, part))) {
      if (name.includes(PART)) rmSync(join(folder, part, name), { force: true });
    }
  }
}

function checkOptions(folder: string, options: Record<string, unknown>): void {
  const path = join(folder, 'made.json');
  const text = `${JSON.stringify(options, null, 2)}\n`;
  if (!existsSync(path)) {
    if (existsSync(join(folder, manifestName))) {
      throw new LlsmError(
        `${folder} already holds a data set made in another way (no made.json). Use another --out.`,
      );
    }
    writeFileWhole(path, [text]);
    return;
  }
  let made: Record<string, unknown>;
  try {
    made = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new LlsmError(`${path} cannot be read: ${messageOf(error)}`);
  }
  for (const key of new Set([...Object.keys(made), ...Object.keys(options)])) {
    const [before, now] = [JSON.stringify(made[key]), JSON.stringify(options[key])];
    if (before !== now) {
      throw new LlsmError(
        `${folder} was made with ${key} ${before ?? 'absent'}, not ${now ?? 'absent'}. Use the same options to continue it, or another --out.`,
      );
    }
  }
}
