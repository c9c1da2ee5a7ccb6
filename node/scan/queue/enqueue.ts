/** Files into a scan's queue (Node only). */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { isUrl } from '../read.ts';
import type { Connection, JobData } from './connect.ts';

export interface EnqueueOptions {
  /** Files in a job (default 16). */
  group?: number;
  /** 1 is first, 2,097,151 last; absent: before all of these. */
  priority?: number;
  /** Tries of a job whose files cannot be read at the moment (default 5). */
  attempts?: number;
  /** Milliseconds before a job is tried again; doubled from try to try (default 2000). */
  backoff?: number;
  /** Files and uncollected results that Redis may hold (default 200,000). */
  window?: number;
  stop?: () => boolean;
  /** Told what has been put in, and whether it waits for room. */
  onProgress?: (told: { files: number; jobs: number; waiting: boolean }) => void;
}

/** Jobs that are added in one round trip. */
const atOnce = 200;

const pause = (milliseconds: number): Promise<void> =>
  new Promise((done) => setTimeout(done, milliseconds));

/**
 * Puts files into the queue, some to a job. Where Redis holds as many files and results as the window
 * says, it waits until some were looked at and collected. A job that is there already is not added again.
 * @returns how many files and jobs were put in; of them, those that were there already
 */
export async function enqueue(
  { queue, redis, results }: Connection,
  files: Iterable<string> | AsyncIterable<string>,
  options: EnqueueOptions = {},
): Promise<{ files: number; jobs: number; complete: boolean }> {
  const { group = 16, priority, attempts = 5, backoff = 2000, window = 200_000 } = options;
  const { stop = () => false, onProgress = () => {} } = options;
  const told = { files: 0, jobs: 0 };
  const opts = {
    ...(priority !== undefined && { priority }),
    attempts,
    backoff: { type: 'exponential', delay: backoff, jitter: 0.5 },
    removeOnComplete: true,
    stackTraceLimit: 1,
  };

  const held = async (): Promise<number> => {
    const [{ waiting, active, delayed, prioritized }, uncollected] = await Promise.all([
      queue.getJobCounts('waiting', 'active', 'delayed', 'prioritized'),
      redis.xlen(results),
    ]);
    return (waiting + active + delayed + prioritized) * group + uncollected;
  };
  let room = 0;
  let jobs: string[][] = [];
  const send = async (): Promise<boolean> => {
    const count = jobs.reduce((sum, { length }) => sum + length, 0);
    while (room < count) {
      room = window - (await held());
      if (room >= count || window < count) break;
      if (stop()) return false;
      onProgress({ ...told, waiting: true });
      await pause(1000);
    }
    await queue.addBulk(
      jobs.map((data) => ({
        name: 'files',
        data: { files: data },
        opts: { ...opts, jobId: idOf({ files: data }) },
      })),
    );
    room -= count;
    told.files += count;
    told.jobs += jobs.length;
    jobs = [];
    onProgress({ ...told, waiting: false });
    return !stop();
  };

  let next: string[] = [];
  for await (const file of files) {
    next.push(isUrl(file) ? file : resolve(file));
    if (next.length < group) continue;
    jobs.push(next);
    next = [];
    if (jobs.length >= Math.min(atOnce, Math.ceil(window / group)) && !(await send())) {
      return { ...told, complete: false };
    }
  }
  if (next.length > 0) jobs.push(next);
  const complete = jobs.length === 0 || (await send());
  return { ...told, complete };
}

/** A job's name: of the same files, the same. */
export const idOf = ({ files }: JobData): string =>
  createHash('sha1').update(files.join('\n')).digest('hex');

/** Forgets which bytes have a line, so that all are looked at again. @returns how many keys were removed */
export async function forget({ redis, prefix }: Connection): Promise<number> {
  let removed = 0;
  const pattern = `${prefix.replace(/[[\]{}?*\\]/g, '\\$&')}:done:*`;
  for await (const keys of redis.scanStream({ match: pattern, count: 1000 })) {
    if (keys.length > 0) removed += await redis.unlink(keys);
  }
  return removed;
}
