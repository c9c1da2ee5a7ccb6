/** What a scan is to look at: files of a list, of a folder or of standard input (Node only). */
import { createHash } from 'node:crypto';
import { createReadStream, opendirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { LlsmError, messageOf, UsageError } from '../../src/base/errors.ts';

const picture = /\.(jpe?g|png|webp)$/i;
const video = /\.(mp4|m4v|mov|mkv|webm|avi)$/i;

/** Whether a name is a video's, by its ending. */
export const isVideo = (file: string): boolean => video.test(file);

/** One of several machines' share of a list. */
export interface Shard {
  /** From 1 to `of`. */
  number: number;
  of: number;
}

/** The shard, from 1, that a file belongs to: by its name alone, so that all machines agree. */
export function shardOf(file: string, of: number): number {
  return (createHash('sha1').update(file).digest().readUInt32BE(0) % of) + 1;
}

/**
 * The files of a source, in its order; a folder's sorted by name, hidden ones left out.
 * @param source a folder; a text file with a path a line; or `-`, the same on standard input
 * @throws LlsmError where it cannot be read; UsageError where it is a picture or a video
 */
export async function* listFiles(
  source: string,
  { shard, input = process.stdin }: { shard?: Shard; input?: Readable } = {},
): AsyncGenerator<string, void, undefined> {
  const mine = (file: string) => !shard || shardOf(file, shard.of) === shard.number;
  for await (const file of filesOf(source, input)) if (mine(file)) yield file;
}

async function* filesOf(source: string, input: Readable): AsyncGenerator<string, void, undefined> {
  if (source === '-') {
    yield* linesOf(input);
    return;
  }
  const found = statSync(source, { throwIfNoEntry: false });
  if (!found) throw new LlsmError(`${source} does not exist: name a list of files or a folder.`);
  if (found.isDirectory()) {
    yield* filesUnder(source);
    return;
  }
  if (picture.test(source) || video.test(source)) {
    throw new UsageError(
      `${source} is a file to look at, not a list of files: \`llsm detect\` is for single files`,
    );
  }
  try {
    yield* linesOf(createReadStream(source, 'utf8'));
  } catch (error) {
    throw new LlsmError(`The list ${source} cannot be read: ${messageOf(error)}`);
  }
}

async function* linesOf(input: Readable): AsyncGenerator<string, void, undefined> {
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() !== '') yield line;
  }
}

/** Pictures and videos under a folder by their names' endings; a folder's own files come first. */
function* filesUnder(folder: string): Generator<string, void, undefined> {
  const files: string[] = [];
  const folders: string[] = [];
  try {
    const opened = opendirSync(folder);
    for (let entry = opened.readSync(); entry; entry = opened.readSync()) {
      if (entry.name.startsWith('.')) continue;
      if (entry.isDirectory()) folders.push(entry.name);
      else if (picture.test(entry.name) || video.test(entry.name)) files.push(entry.name);
    }
    opened.closeSync();
  } catch (error) {
    throw new LlsmError(`${folder} cannot be read: ${messageOf(error)}`);
  }
  for (const name of files.sort()) yield join(folder, name);
  for (const name of folders.sort()) yield* filesUnder(join(folder, name));
}
