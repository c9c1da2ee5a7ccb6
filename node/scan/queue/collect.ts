/** Results out of a scan's queue and into one file, each once (Node only). */
import { randomUUID } from 'node:crypto';
import { PassingError } from '../../../src/base/errors.ts';
import type { Copies } from '../copies.ts';
import type { Ledger } from '../ledger.ts';
import { emptyLine, isUnsaid, lineOfSame, type ScanLine, saidBy } from '../line.ts';
import { isVideo } from '../task.ts';
import type { Connection, Result } from './connect.ts';
import { enqueue } from './enqueue.ts';
import { deadJobs } from './status.ts';

export interface Collected {
  /** Lines that were written. */
  lines: number;
  /** Results that said what a line says already. */
  doubles: number;
  /** Files that were put back, because the line on their bytes is not in this file. */
  again: number;
}

export interface CollectOptions {
  /** Whether to wait for more until the queue is empty. */
  follow?: boolean;
  /** The pictures until now, of which a copy's line tells. */
  copies?: Copies;
  stop?: () => boolean;
  onProgress?: (collected: Collected) => void;
}

const atOnce = 1000;
/** Seconds after which a collector that gave no sign is taken for dead. */
const holdSeconds = 10;

const pause = (milliseconds: number): Promise<void> =>
  new Promise((done) => setTimeout(done, milliseconds));

/**
 * Takes results and writes their lines; a result leaves Redis once its line is safe on disk.
 * @returns what was done, and whether the queue is empty
 * @throws PassingError where another collector is at work; LlsmError where the file cannot be written
 */
export async function collect(
  connection: Connection,
  ledger: Ledger,
  { follow = false, copies, stop = () => false, onProgress = () => {} }: CollectOptions = {},
): Promise<Collected & { empty: boolean }> {
  const { redis, results, collector } = connection;
  const me = randomUUID();
  const collected: Collected = { lines: 0, doubles: 0, again: 0 };
  const waiting: Waiting = new Map();
  /** Entries of the stream whose lines are written, and the last that was read. */
  let settled: string[] = [];
  let last = '';

  const hold = async (): Promise<void> => {
    await redis.set(collector, me, 'EX', holdSeconds, 'NX');
    if ((await redis.get(collector)) !== me) {
      throw new PassingError(
        `Another \`scan collect\` is at work; should it have died, try again in ${holdSeconds} s`,
      );
    }
    await redis.expire(collector, holdSeconds);
  };
  const append = (line: Parameters<Ledger['append']>[0]): void => {
    copies?.mark(line);
    if (ledger.append(line)) collected.lines++;
    else collected.doubles++;
  };
  const take = (id: string, result: Result): void => {
    const line = lineFrom(result, ledger);
    if (typeof line === 'string') {
      const others = waiting.get(line);
      if (others) others.push({ id, result });
      else waiting.set(line, [{ id, result }]);
      return;
    }
    append(line);
    settled.push(id);
    for (const hash of [line.sha256, line.pixels]) {
      const others = hash ? waiting.get(hash) : undefined;
      if (!hash || !others) continue;
      waiting.delete(hash);
      for (const other of others) take(other.id, other.result);
    }
  };
  /** Takes out of Redis what is safe on disk. */
  const drop = async (): Promise<void> => {
    ledger.sync();
    if (settled.length > 0) await redis.xdel(results, ...settled);
    settled = [];
  };

  let empty = false;
  try {
    for (;;) {
      await hold();
      // Before the results are read: jobs that end meanwhile have theirs read in the next turn.
      const busy = await isBusy(connection);
      const entries = await redis.xrange(results, last ? `(${last}` : '-', '+', 'COUNT', atOnce);
      for (const [id, fields] of entries) take(id, JSON.parse(fields[1]));
      last = entries.at(-1)?.[0] ?? last;
      await drop();
      onProgress(collected);
      if (stop()) break;
      if (entries.length > 0) continue;
      if (!busy) {
        collected.again += await putBack(connection, waiting);
        await lay(connection, ledger, append);
        empty = collected.again === 0;
        if (empty || !follow) break;
      } else if (!follow) {
        break;
      }
      await pause(500);
    }
  } finally {
    ledger.sync();
    if ((await redis.get(collector).catch(() => null)) === me) await redis.del(collector);
  }
  return { ...collected, empty };
}

async function isBusy({ queue }: Connection): Promise<boolean> {
  const counts = await queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed');
  return Object.values(counts).some((count) => count > 0);
}

/** Results by the hash of bytes or pixels whose line may yet come; they stay in Redis until then. */
type Waiting = Map<string, { id: string; result: Result }[]>;

/** A result's line; where the finding is another file's whose line is not there, the hash of both. */
function lineFrom(result: Result, ledger: Ledger): ScanLine | string {
  if ('line' in result && !isUnsaid(result.line)) return result.line;
  const hash = 'line' in result ? (result.line.pixels as string) : result.same;
  const other = ledger.lineOf(hash);
  if (!other) return hash;
  return 'line' in result ? saidBy(other, result.line) : lineOfSame(other, result.file);
}

/** Files whose bytes' or pixels' line went into another file are looked at again. @returns how many */
async function putBack(connection: Connection, waiting: Waiting): Promise<number> {
  const { redis, results } = connection;
  let count = 0;
  for (const [hash, entries] of waiting) {
    const files: string[] = [];
    const marks = new Set([hash]);
    for (const { result } of entries) {
      files.push('line' in result ? result.line.file : result.file);
      if ('line' in result && result.line.sha256 !== null) marks.add(result.line.sha256);
    }
    for (const mark of marks) {
      const [key, field] = connection.doneOf(mark);
      await redis.hdel(key, field);
    }
    count += (await enqueue(connection, files)).files;
    await redis.xdel(results, ...entries.map(({ id }) => id));
  }
  waiting.clear();
  return count;
}

/** Lines on the files of jobs that were given up without one, such as where BullMQ gave them up. */
async function lay(
  connection: Connection,
  ledger: Ledger,
  append: (line: Parameters<Ledger['append']>[0]) => void,
): Promise<void> {
  for await (const { files, reason, tries } of deadJobs(connection)) {
    for (const file of files) {
      if (ledger.entryOf(file)) continue;
      const kind = isVideo(file) ? 'video' : 'image';
      const line = emptyLine(file, kind, connection.identity, null);
      append({ ...line, tries, error: { message: `${file} was given up: ${reason}` } });
    }
  }
}
