/** A scan on one machine: files in, lines into a ledger, equal bytes looked at once (Node only). */
import { stat } from 'node:fs/promises';
import { Claims } from './claims.ts';
import type { Copies } from './copies.ts';
import type { Examines } from './examination.ts';
import { examineAll } from './examine-all.ts';
import type { Entry, Ledger } from './ledger.ts';
import type { ScanTask } from './line.ts';
import {
  emptyLine,
  isUnsaid,
  lineOfSame,
  type ScanIdentity,
  type ScanLine,
  saidBy,
} from './line.ts';
import type { Parts } from './parts.ts';
import { isUrl } from './read.ts';
import { isVideo } from './task.ts';

/** What became of the files until now. */
export interface Tally {
  /** Files of the list that are through. */
  through: number;
  /** Files that were looked at. */
  looked: number;
  /** Files that had a line before. */
  before: number;
  /** Files whose bytes or pixels another one has: its finding was taken over. */
  same: number;
  /** Files that nothing can be said of, by the reason without the file's name. */
  dropped: Map<string, number>;
  /** Files that could not be read at this moment: the scan is worth trying again. */
  unread: number;
}

export interface ScanOptions {
  identity: ScanIdentity;
  parallel?: number;
  tries?: number;
  /** Milliseconds before a file is tried again. */
  pause?: number;
  /** Whether a file whose name, size and time of change have a line is not read again. */
  quick?: boolean;
  /** Whether to stop: what is in hand is finished. */
  stop?: () => boolean;
  /** The pictures until now, of which a copy's line tells; absent: copies are not looked for. */
  copies?: Copies;
  /** Where parts of videos are kept; absent: a video that was stopped is begun anew. */
  parts?: Parts;
  /** Receives each line that is written. */
  onLine?: (line: ScanLine) => void;
  onProgress?: (tally: Tally) => void;
}

/** The reason of a line without the file's name, so that equal reasons can be counted. */
export const reasonOf = ({ file, error }: Pick<ScanLine, 'file' | 'error'>): string =>
  (error?.message ?? '').replaceAll(file, '').replace(/^[\s:]+/, '');

/** Milliseconds after which what was written is made to last. */
const syncEvery = 1000;

/**
 * Looks at the files that the ledger does not know, each name once.
 * @returns what became of them, and whether all are through
 * @throws LlsmError where the ledger cannot be written, or no file can be looked at any more
 */
export async function scan(
  examines: Examines,
  files: Iterable<string> | AsyncIterable<string>,
  ledger: Ledger,
  options: ScanOptions,
): Promise<{ tally: Tally; complete: boolean }> {
  const tally: Tally = { through: 0, looked: 0, before: 0, same: 0, dropped: new Map(), unread: 0 };
  const claims = new Claims();
  let synced = performance.now();

  const settled = (file?: string): void => {
    if (file !== undefined) claims.release(file);
    tally.through++;
    if (performance.now() - synced > syncEvery) {
      ledger.sync();
      synced = performance.now();
    }
    options.onProgress?.(tally);
  };
  const write = (line: ScanLine): void => {
    if (line.error) {
      const reason = reasonOf(line);
      tally.dropped.set(reason, (tally.dropped.get(reason) ?? 0) + 1);
    }
    options.copies?.mark(line);
    if (ledger.append(line)) options.onLine?.(line);
  };

  const known = (hash: string | null): ScanLine => {
    const line = hash === null ? undefined : ledger.lineOf(hash);
    if (!line) throw new RangeError(`${ledger.path} has no line on ${hash}`);
    return line;
  };

  async function* tasks(): AsyncGenerator<ScanTask, void, undefined> {
    const seen = new Set<string>();
    for await (const file of files) {
      if (seen.has(file)) continue;
      seen.add(file);
      const entry = options.quick ? ledger.entryOf(file) : undefined;
      if (entry && (await isUnchanged(file, entry))) {
        tally.before++;
        settled();
      } else {
        yield { file };
      }
    }
  }

  const complete = await examineAll(examines, tasks(), {
    ...options,
    video: options.parts,
    onBegin: ({ file }) => claims.begin(file),
    onFailed: ({ file }) => claims.release(file),
    wanted: ({ file }, hash, of, alone) =>
      (of === 'pixels' || ledger.entryOf(file)?.sha256 !== hash) &&
      claims.claim(hash, file, () => ledger.lineOf(hash) === undefined, !alone),
    onLine: ({ file }, line, sha256) => {
      if (line && isUnsaid(line)) {
        tally.same++;
        write(saidBy(known(line.pixels), line));
      } else if (line) {
        tally.looked++;
        write(line);
        options.parts?.drop(line.sha256);
      } else if (sha256 !== null && ledger.entryOf(file)?.sha256 !== sha256) {
        tally.same++;
        write(lineOfSame(known(sha256), file));
      } else {
        tally.before++;
      }
      settled(file);
    },
    onHopeless: ({ task: { file }, sha256, tries, message }) => {
      const kind = isVideo(file) ? 'video' : 'image';
      const line = emptyLine(file, kind, options.identity, examines.threshold);
      const error = { message: `${file} was given up after ${tries} tries: ${message}` };
      if (sha256 === null) tally.unread++;
      write({ ...line, sha256, tries, error });
      settled(file);
    },
  });
  ledger.sync();
  return { tally, complete };
}

async function isUnchanged(file: string, { sha256, size, modified }: Entry): Promise<boolean> {
  if (sha256 === null || isUrl(file)) return false;
  try {
    const now = await stat(file);
    return now.size === size && Math.floor(now.mtimeMs) === modified;
  } catch {
    return false;
  }
}
