/** A worker of a scan's queue: takes jobs, looks at their files, sends the lines (Node only). */
import { hostname } from 'node:os';
import type { Job, Worker } from 'bullmq';
import { LlsmError, messageOf } from '../../../src/base/errors.ts';
import { Claims } from '../claims.ts';
import { Company } from '../company.ts';
import type { Examines } from '../examination.ts';
import { examineAll } from '../examine-all.ts';
import type { ScanTask } from '../line.ts';
import { emptyLine, isUnsaid, type ScanLine } from '../line.ts';
import { isVideo } from '../task.ts';
import type { VideoHooks, VideoPart } from '../video.ts';
import { type Connection, type JobData, type JobResult, nameKey, type Result } from './connect.ts';
import { Latest, type Progress, resumed } from './job.ts';
import { WorkerCounts } from './metrics.ts';

export interface WorkOptions {
  /** Jobs in hand at once (default 2: while the last files of one are judged, the next are decoded). */
  concurrency?: number;
  /** Tries of a file that a process died of (default 3). */
  tries?: number;
  /** Seconds after which a worker that gave no sign is taken for dead (default 60). */
  lock?: number;
  /** Milliseconds before a file is tried again (default 500). */
  pause?: number;
  /** Receives what there is to tell. */
  say?: (line: string) => void;
  onLine?: (line: ScanLine) => void;
}

type ScanJob = Job<JobData, JobResult, string, Progress>;

/** Files of a job that could not be read at the moment: the job is tried again. */
class Unread extends Error {
  override name = 'Unread';
}

/**
 * A worker: it begins at once. BullMQ lives in this process, and what looks at files in another, so
 * that locks are renewed however busy that is, and outlive whatever a file does to it.
 */
export class QueueWorker {
  readonly counts = new WorkerCounts();
  readonly #worker: Worker<JobData, JobResult, string>;
  readonly #claims = new Claims();
  readonly #company = new Company();
  /** What was sent of jobs in hand, to be sent again where Redis lost it. */
  readonly #sent = new Map<string, Map<number, () => Promise<void>>>();
  readonly #ending = new Set<Promise<void>>();
  #stopping = false;
  #failure: LlsmError | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly examines: Examines,
    private readonly options: WorkOptions = {},
  ) {
    const { concurrency = 2, lock = 60 } = options;
    const { bull, redis, prefix } = connection;
    this.#worker = new bull.Worker<JobData, JobResult, string>(
      'scan',
      (job, token) => this.#work(job as ScanJob, token),
      {
        ...{ connection: redis, prefix, concurrency, name: `${hostname()} ${process.pid}` },
        lockDuration: lock * 1000,
        stalledInterval: lock * 500,
        // A job is given up for what is in it, not for the workers that it outlived.
        maxStalledCount: 1e6,
        runRetryDelay: Math.min(5000, lock * 250),
        drainDelay: 2,
      },
    );
    // BullMQ reports a lost connection, a lock that could not be renewed: it goes on by itself.
    this.#worker.on('error', (error) => this.#say(messageOf(error)));
    this.#worker.on('stalled', () => this.counts.add('stalled'));
    for (const end of ['completed', 'failed'] as const) {
      this.#worker.on(end, (job: { id?: string } | undefined) => this.#end(job?.id ?? ''));
    }
  }

  #said = '';
  #say(line: string): void {
    if (line !== this.#said) this.options.say?.(line);
    this.#said = line;
  }

  /** The reason why no file can be looked at any more. */
  get failure(): LlsmError | undefined {
    return this.#failure;
  }

  /** Finishes the files in hand, puts the rest of their jobs back, and ends. */
  async close(): Promise<void> {
    this.#stopping = true;
    this.examines.stop();
    await this.#worker.close();
    await Promise.all(this.#ending);
  }

  /**
   * Sends again what Redis does not have of what it acknowledged: one that dies may have told more than
   * it had written, by two seconds, where its disk is busy.
   */
  async #confirm(id: string): Promise<void> {
    for (const sent = this.#sent.get(id) ?? new Map(); ; ) {
      const there = new Set(await this.connection.redis.smembers(this.connection.sentOf(id)));
      const lost = [...sent].filter(([index]) => !there.has(`${index}`));
      if (lost.length === 0) return;
      for (const [, send] of lost) await send();
    }
  }

  /** Redis may have died after a job's results were confirmed, and before it took the job's end. */
  #end(id: string): void {
    const ended = this.#confirm(id)
      .then(async () => {
        this.#sent.delete(id);
        await this.connection.redis.unlink(this.connection.sentOf(id));
      })
      .catch((error) => this.#say(messageOf(error)))
      .finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }

  async #work(job: ScanJob, token: string | undefined): Promise<JobResult> {
    const { bull } = this.connection;
    const { files } = job.data;
    const id = job.id as string;
    const there = await this.connection.redis.smembers(this.connection.sentOf(id));
    const { suspects, ...state } = resumed(job.progress, new Set(there.map(Number)));
    const sent = new Map<number, () => Promise<void>>();
    this.#sent.set(id, sent);
    const last = job.attemptsMade + 1 >= (job.opts.attempts ?? 1);
    const indexOf = new Map(files.map((file, index) => [file, index]));
    const settled = new Set([...state.done, ...state.hopeless]);
    const tasks = files
      .filter((_, index) => !settled.has(index))
      .map((file): ScanTask => ({ file }));
    const beat = new Latest<Progress>((progress) =>
      this.#insist(() => job.updateProgress(progress)),
    );
    const tell = () => beat.put({ ...state, at: Date.now() });
    const unread: string[] = [];
    let looked = 0;
    const send = async (file: string, result: Result, hashes: (string | null)[]): Promise<void> => {
      const index = indexOf.get(file) as number;
      const write = () => this.#insist(() => this.#send(id, index, result, hashes));
      await write();
      sent.set(index, write);
    };
    const settle = (list: number[], file: string): void => {
      const index = indexOf.get(file) as number;
      list.push(index);
      state.hand = state.hand.filter((other) => other !== index);
      if (state.alone === index) state.alone = null;
      delete state.deaths[index];
      this.#claims.release(file);
      tell();
    };

    let complete: boolean;
    try {
      complete = await examineAll(this.examines, tasks, {
        company: this.#company,
        tries: this.options.tries,
        pause: this.options.pause,
        parallel: Math.min(this.examines.parallel, files.length),
        suspects: new Map([...suspects].map(([index, deaths]) => [files[index], deaths])),
        stop: () => this.#stopping,
        video: this.#video,
        onBegin: async ({ file }, alone) => {
          this.#claims.begin(file);
          const index = indexOf.get(file) as number;
          if (!state.hand.includes(index)) state.hand.push(index);
          state.file = file;
          if (alone) state.alone = index;
          tell();
          // Whoever finds this job after a crash must know which file was to blame.
          if (alone) await beat.flush();
        },
        onFailed: ({ file }) => this.#claims.release(file),
        wanted: ({ file }, hash, _, alone) => this.#wanted(file, hash, alone),
        onLine: async ({ file }, line, sha256) => {
          if (line && isUnsaid(line)) {
            await send(file, { line }, [line.sha256]);
            this.counts.add('same');
          } else if (line) {
            looked++;
            await send(file, { line }, [line.sha256, line.pixels]);
            this.counts.addLine(line);
            this.options.onLine?.(line);
          } else if (sha256 !== null && !(await this.#isOwn(file, sha256))) {
            await send(file, { file, same: sha256 }, []);
            this.counts.add('same');
          }
          settle(state.done, file);
        },
        onHopeless: async ({ task: { file }, sha256, tries, message, died }) => {
          if (!died && !last) {
            unread.push(message);
            this.#claims.release(file);
            return;
          }
          const kind = isVideo(file) ? 'video' : 'image';
          const line = emptyLine(file, kind, this.connection.identity, this.examines.threshold);
          const error = { message: `${file} was given up after ${tries} tries: ${message}` };
          await send(file, { line: { ...line, sha256, tries, error } }, []);
          this.counts.addLine({ ...line, error });
          settle(state.hopeless, file);
        },
      });
    } catch (error) {
      if (error instanceof LlsmError) this.#failure ??= error;
      throw error;
    } finally {
      await this.#confirm(id);
      // An orderly end leaves no suspects behind.
      state.hand = [];
      state.alone = null;
      tell();
      await beat.flush();
      for (const file of files) this.#claims.release(file);
    }
    if (!complete) {
      await job.moveToWait(token);
      throw new bull.WaitingError();
    }
    if (unread.length > 0) throw new Unread(unread.join('; '));
    if (state.hopeless.length > 0) {
      const names = state.hopeless.map((index) => files[index]);
      throw new bull.UnrecoverableError(`given up: ${names.join(', ')}`);
    }
    return { looked };
  }

  /** Parts of videos are kept for whoever goes on with them, for a week. */
  readonly #video: VideoHooks = {
    known: async (sha256) => {
      const { redis } = this.connection;
      const kept = await redis.hvals(this.connection.partsOf(sha256));
      return kept.map((text): VideoPart => JSON.parse(text));
    },
    onPart: async (sha256, part) => {
      const { redis } = this.connection;
      const key = this.connection.partsOf(sha256);
      await this.#insist(() => redis.hset(key, part.index, JSON.stringify(part)));
      await this.#insist(() => redis.expire(key, 7 * 24 * 3600));
    },
  };

  async #wanted(file: string, hash: string, alone: boolean): Promise<boolean> {
    const [key, field] = this.connection.doneOf(hash);
    const isNew = async () => (await this.connection.redis.hexists(key, field)) === 0;
    // Of two with the same in this process the second waits for the first; then it is done.
    return (await isNew()) && (await this.#claims.claim(hash, file, () => true, !alone)) && isNew();
  }

  /** Whether these bytes were seen under this very name: then their line was sent. */
  async #isOwn(file: string, sha256: string): Promise<boolean> {
    const [key, field] = this.connection.doneOf(sha256);
    return (await this.connection.redis.hgetBuffer(key, field))?.equals(nameKey(file)) ?? false;
  }

  #insist<T>(write: () => Promise<T>): Promise<T> {
    return this.connection.insist(
      write,
      () => this.#stopping,
      (line) => this.#say(line),
    );
  }

  /** Sends a result, and with it in one step that it was sent, and that these bytes and pixels have one. */
  async #send(
    job: string,
    index: number,
    result: Result,
    hashes: (string | null)[],
  ): Promise<void> {
    const { redis, results, totals } = this.connection;
    const step = redis.multi().xadd(results, '*', 'r', JSON.stringify(result));
    const name = nameKey('line' in result ? result.line.file : result.file);
    for (const hash of hashes) {
      if (hash === null) continue;
      const [key, field] = this.connection.doneOf(hash);
      step.hset(key, field, name);
      if ('line' in result && result.line.kind === 'video') step.del(this.connection.partsOf(hash));
    }
    const sent = this.connection.sentOf(job);
    step.sadd(sent, index).expire(sent, 7 * 24 * 3600);
    step.hincrby(totals, totalOf(result), 1);
    for (const [error] of (await step.exec()) ?? []) if (error) throw error;
  }
}

/** What a result is counted as over all workers. */
function totalOf(result: Result): string {
  if (!('line' in result)) return 'same bytes';
  return isUnsaid(result.line) ? 'same pixels' : (result.line.verdict ?? 'dropped');
}
