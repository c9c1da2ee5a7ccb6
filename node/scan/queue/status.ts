/** How far a scan's queue is, and the jobs that were given up (Node only). */
import type { Job } from 'bullmq';
import type { Connection, JobData, JobResult } from './connect.ts';
import type { Progress } from './job.ts';

export interface QueueStatus {
  /** Jobs by state. */
  jobs: Record<string, number>;
  /** Results of all workers by what they say. */
  totals: Record<string, number>;
  /** Results that wait for the collector. */
  uncollected: number;
  /** Workers that are connected. */
  workers: number;
  /** Redis's memory in bytes. */
  memory: number;
}

const states = ['waiting', 'prioritized', 'active', 'delayed', 'failed'] as const;

/** @throws where Redis does not answer */
export async function statusOf({
  queue,
  redis,
  results,
  totals,
}: Connection): Promise<QueueStatus> {
  const [jobs, uncollected, counted, info, workers] = await Promise.all([
    queue.getJobCounts(...states),
    redis.xlen(results),
    redis.hgetall(totals),
    redis.info('memory'),
    queue.getWorkersCount(),
  ]);
  const numbers = Object.entries(counted).map(([name, text]) => [name, Number(text)]);
  return {
    jobs,
    totals: Object.fromEntries(numbers),
    uncollected,
    workers,
    memory: Number(/used_memory:(\d+)/.exec(info)?.[1]),
  };
}

/** A job in hand as its worker last told it. */
export interface InHand {
  id: string;
  worker: string;
  file: string | null;
  done: number;
  of: number;
  /** Seconds since it was told. */
  ago: number;
}

/** The jobs in hand. @param most of them */
export async function inHand({ queue }: Connection, most = 100): Promise<InHand[]> {
  const jobs = await queue.getActive(0, most - 1);
  return jobs.map((job) => {
    const { done = [], hopeless = [], file = null, at } = progressOf(job);
    return {
      id: job.id ?? '',
      worker: job.processedBy ?? '',
      file,
      done: done.length + hopeless.length,
      of: job.data.files.length,
      ago: (Date.now() - (at || job.processedOn || Date.now())) / 1000,
    };
  });
}

const progressOf = (job: { progress: unknown }): Partial<Progress> =>
  typeof job.progress === 'object' && job.progress !== null ? job.progress : {};

/** A job that was given up. */
export interface DeadJob {
  id: string;
  /** The files of it that have no verdict. */
  files: string[];
  reason: string;
  tries: number;
}

/** The jobs that were given up, a page at a time. */
export async function* deadJobs(connection: Connection): AsyncGenerator<DeadJob, void, undefined> {
  const page = 100;
  for (let from = 0; ; from += page) {
    const jobs = await connection.queue.getFailed(from, from + page - 1);
    for (const job of jobs) {
      const { done = [] } = progressOf(job);
      yield {
        id: job.id ?? '',
        files: job.data.files.filter((_, index) => !done.includes(index)),
        reason: job.failedReason,
        tries: job.attemptsMade,
      };
    }
    if (jobs.length < page) return;
  }
}

/**
 * Puts jobs that were given up back into the queue; what has a verdict of them is not looked at again.
 * @param ids which; all where none are named
 * @returns how many
 */
export async function retryDead(
  connection: Connection,
  ids: readonly string[] = [],
): Promise<number> {
  const chosen = ids.length > 0 ? [...ids] : [];
  if (ids.length === 0) for await (const { id } of deadJobs(connection)) chosen.push(id);
  let count = 0;
  for (const id of chosen) {
    const job: Job<JobData, JobResult> | undefined = await connection.queue.getJob(id);
    if (!job || !(await job.isFailed())) continue;
    const { done = [] } = progressOf(job);
    await job.updateProgress({ done });
    await job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true });
    count++;
  }
  return count;
}
