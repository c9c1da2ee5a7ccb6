/** The queue of a scan: BullMQ on Redis, both of which are loaded only where a queue is named (Node only). */
import { createHash } from 'node:crypto';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { LlsmError, messageOf, PassingError, UsageError } from '../../../src/base/errors.ts';
import type { ScanIdentity, ScanLine } from '../line.ts';

/** Files of one job, in hand together on one machine. */
export interface JobData {
  files: string[];
}

/** What a job ends with: how many of its files were looked at. */
export interface JobResult {
  looked: number;
}

export type ScanQueue = Queue<JobData, JobResult, string, JobData, JobResult, string>;

/**
 * A result on its way to the collector: a line (without a finding where another has one on the same
 * pixels, `isUnsaid`), or that a file has the bytes of one with a line.
 */
export type Result = { line: ScanLine } | { file: string; same: string };

/** One scan's queue and what lies beside it in Redis; all under one hash tag, so in one slot. */
export class Connection {
  private constructor(
    readonly bull: typeof import('bullmq'),
    readonly redis: Redis,
    readonly queue: ScanQueue,
    readonly identity: ScanIdentity,
    readonly prefix: string,
  ) {}

  /**
   * @param url of Redis: redis:// or rediss://
   * @param patient whether a lost connection is waited for; else it is an error
   * @throws LlsmError where the packages are not installed; PassingError where Redis does not answer
   */
  static async open(url: string, identity: ScanIdentity, patient = false): Promise<Connection> {
    const { bull, redis } = await loadPackages();
    const where = withoutPassword(url);
    const client = new redis.Redis(url, {
      ...{ lazyConnect: true, maxRetriesPerRequest: null, connectTimeout: 5000 },
      retryStrategy: (times: number) =>
        patient || times < 5 ? Math.min(2000, 50 * 2 ** times) : null,
    });
    let reason = '';
    client.on('error', (error: unknown) => {
      reason = messageOf(error);
    });
    try {
      await client.connect();
    } catch (error) {
      client.disconnect();
      throw new PassingError(`No Redis answers at ${where}: ${reason || messageOf(error)}`);
    }
    const prefix = prefixOf(identity);
    const queue = new bull.Queue<JobData, JobResult, string, JobData, JobResult, string>('scan', {
      connection: client,
      prefix,
    });
    queue.on('error', () => {}); // told by whoever called
    return new Connection(bull, client, queue, identity, prefix);
  }

  /** The stream of results that wait to be collected. */
  get results(): string {
    return `${this.prefix}:results`;
  }

  /** The parts of a video that was looked at in part, by their index. */
  partsOf(sha256: string): string {
    return `${this.prefix}:parts:${sha256}`;
  }

  /** The files of a job that have a result, by their index: written with the result in one step. */
  sentOf(job: string): string {
    return `${this.prefix}:sent:${job}`;
  }

  /** Counts over all workers. */
  get totals(): string {
    return `${this.prefix}:totals`;
  }

  /** Who collects. */
  get collector(): string {
    return `${this.prefix}:collector`;
  }

  /**
   * Where it is kept that bytes or pixels have a line: small hashes, which Redis stores in a few bytes an entry.
   * @returns the hash's key, and the field in it
   */
  doneOf(hash: string): [key: string, field: Buffer] {
    const bytes = Buffer.from(hash, 'hex');
    const bucket = bytes.readUInt32BE(0) >>> (32 - bucketBits);
    return [`${this.prefix}:done:${bucket.toString(36)}`, bytes.subarray(2, 16)];
  }

  /**
   * Writes something, again and again while Redis takes nothing: its disk is full, or its memory.
   * @param stop whether to give up
   * @param say told once that it waits, and why
   */
  async insist<T>(
    write: () => Promise<T>,
    stop: () => boolean,
    say: (line: string) => void,
  ): Promise<T> {
    for (let told = false; ; told = true) {
      try {
        return await write();
      } catch (error) {
        if (!isRefusal(error) || stop()) throw error;
        if (!told) say(`Redis takes nothing more, so this waits: ${messageOf(error)}`);
        await new Promise((resolve) => setTimeout(resolve, refusedFor));
      }
    }
  }

  async close(): Promise<void> {
    await this.queue.close().catch(() => {});
    this.redis.disconnect();
  }
}

/**
 * 262,144 hashes: at ten million files, with one of bytes and one of pixels each, about 76 entries in
 * each, below Redis's 128 for the small form.
 */
const bucketBits = 18;

/** Milliseconds after which what Redis refused is tried again. */
const refusedFor = 500;

/** Whether Redis says that it takes nothing at the moment: another one may fare better. */
export function isRefusal(error: unknown): boolean {
  // A transaction is refused for what its commands are.
  const { previousErrors = [] } = error as { previousErrors?: unknown[] };
  return [error, ...previousErrors].some((each) =>
    /^(MISCONF|OOM|READONLY|NOREPLICAS|LOADING|MASTERDOWN|CLUSTERDOWN)\b/.test(messageOf(each)),
  );
}

/** A file's name as it is kept beside its bytes: 6 bytes of its hash. */
export const nameKey = (file: string): Buffer =>
  createHash('sha1').update(file).digest().subarray(0, 6);

/** Braces: what is within decides the slot of a cluster. */
export const prefixOf = ({ weights, settings }: ScanIdentity): string =>
  `{llsm-${createHash('sha1').update(`${weights} ${settings}`).digest('hex').slice(0, 12)}}`;

/** The URL as it may be shown. */
export function withoutPassword(url: string): string {
  try {
    const parsed = new URL(url);
    if (parsed.password) parsed.password = '***';
    return parsed.href;
  } catch {
    return url;
  }
}

async function loadPackages() {
  try {
    const [bull, redis] = await Promise.all([import('bullmq'), import('ioredis')]);
    return { bull, redis };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new LlsmError(
      'A queue needs two packages that llsm does without otherwise: `npm install bullmq ioredis`',
    );
  }
}

/** @throws UsageError where it is no Redis's URL */
export function redisUrl(text: string): string {
  if (!/^rediss?:\/\//.test(text) || !URL.canParse(text)) {
    throw new UsageError(`${text} is no Redis's URL: redis://host:port`);
  }
  return text;
}
