import { type Command, Option } from 'commander';
import { Copies } from '../../node/scan/copies.ts';
import { Examination } from '../../node/scan/examination.ts';
import { Ledger } from '../../node/scan/ledger.ts';
import { collect } from '../../node/scan/queue/collect.ts';
import { Connection, isRefusal, redisUrl, withoutPassword } from '../../node/scan/queue/connect.ts';
import { enqueue, forget } from '../../node/scan/queue/enqueue.ts';
import { metricsText, serveMetrics } from '../../node/scan/queue/metrics.ts';
import { deadJobs, inHand, retryDead, statusOf } from '../../node/scan/queue/status.ts';
import { QueueWorker } from '../../node/scan/queue/work.ts';
import { listFiles, type Shard } from '../../node/scan/task.ts';
import { messageOf, PassingError } from '../../src/base/errors.ts';
import { collect as several, wholeNumber } from '../arguments.ts';
import { listenForInterrupt } from '../interrupt.ts';
import {
  addLookOptions,
  addWorkOptions,
  identityIn,
  type LookOptions,
  parseShard,
  settingsOf,
  tryAgain,
  type WorkOptions,
} from './options.ts';

interface QueueOption {
  queue: string;
}

const queueOption = (): Option =>
  new Option('--queue <url>', "Redis's: redis://host:port").makeOptionMandatory();

const seconds = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds * 1000));

/** Adds the subcommands that share the work between machines. */
export function registerQueue(scan: Command): void {
  addLookOptions(
    scan
      .command('enqueue')
      .description('Puts files into the queue, for workers with the same weights and settings.')
      .argument('<source>', 'a folder, a list (a path or URL a line), or - for standard input')
      .addOption(queueOption())
      .option('--shard <i/n>', 'only this share of the files, of n', parseShard)
      .option('--group <n>', 'files in a job', wholeNumber(1, 1000), 16)
      .option(
        '--priority <n>',
        '1 is first; without one: before all of these',
        wholeNumber(1, 2 ** 21 - 1),
      )
      .option('--attempts <n>', 'tries of a job whose files cannot be read', wholeNumber(1, 100), 5)
      .option(
        '--window <n>',
        'files and uncollected results that Redis may hold; above it, enqueue waits',
        wholeNumber(1),
        200_000,
      )
      .option('--afresh', 'forget which files have a line: all are looked at again'),
  ).action(enqueueFiles);
  addWorkOptions(
    scan
      .command('work')
      .description('Looks at the files of the queue, until it is stopped.')
      .addOption(queueOption())
      .option('--concurrency <n>', 'jobs in hand at once', wholeNumber(1, 64), 2)
      .option(
        '--lock <seconds>',
        'after which a worker that gave no sign is taken for dead',
        wholeNumber(1, 3600),
        60,
      )
      .option('--until-empty', 'end where nothing is left to do')
      .option('--metrics <port>', 'OpenMetrics text on 127.0.0.1', wholeNumber(0, 65535)),
  ).action(work);
  addLookOptions(
    scan
      .command('collect')
      .description('Takes the results out of the queue and into one file, each once.')
      .addOption(queueOption())
      .requiredOption('--out <file>', 'for the lines (NDJSON); begun or gone on with')
      .option('--follow', 'wait for more until the queue is empty'),
  ).action(collectResults);
  addLookOptions(
    scan
      .command('status')
      .description('Says how far the queue is.')
      .addOption(queueOption())
      .option('--json', 'print it as JSON'),
  ).action(status);
  addLookOptions(
    scan
      .command('dead')
      .description('Lists the jobs that were given up, or puts them back.')
      .addOption(queueOption())
      .option('--retry', 'put them back into the queue')
      .option('--id <job>', 'only this one (may be repeated)', several),
  ).action(dead);
}

type EnqueueOptions = LookOptions &
  QueueOption & {
    shard?: Shard;
    group: number;
    priority?: number;
    attempts: number;
    window: number;
    afresh?: true;
  };

async function withQueue<T>(
  options: LookOptions & QueueOption,
  patient: boolean,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await Connection.open(redisUrl(options.queue), identityIn(options), patient);
  try {
    return await use(connection);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const where = withoutPassword(options.queue);
    throw new PassingError(`The Redis at ${where} takes nothing more: ${messageOf(error)}`);
  } finally {
    await connection.close();
  }
}

const enqueueFiles = (source: string, options: EnqueueOptions): Promise<void> =>
  withQueue(options, true, async (connection) => {
    await warnOfMemory(connection);
    if (options.afresh) await forget(connection);
    const interrupt = listenForInterrupt();
    let waited = false;
    try {
      const { shard, group, priority, attempts, window } = options;
      const done = await enqueue(connection, listFiles(source, { shard }), {
        ...{ group, priority, attempts, window, stop: interrupt.seen },
        onProgress: ({ files, waiting }) => {
          if (waiting && !waited) {
            console.error(
              `llsm: ${files} files are in the queue, which holds no more than ${window}: waiting for workers and \`llsm scan collect\``,
            );
          }
          waited = waiting;
        },
      });
      console.log(`${done.files} files in ${done.jobs} jobs.`);
      if (!done.complete) process.exitCode = tryAgain;
    } finally {
      interrupt.close();
    }
  });

/** Says where this Redis would lose the queue with its process. */
async function warnOfMemory({ redis }: Connection): Promise<void> {
  // A hosted Redis may refuse CONFIG.
  const [, appendOnly] = await (redis.config('GET', 'appendonly') as Promise<string[]>).catch(
    () => [],
  );
  if (appendOnly === 'no') {
    console.error(
      'llsm: this Redis keeps no append-only file: where it ends, the queue is lost (`appendonly yes`)',
    );
  }
}

type WorkerOptions = WorkOptions &
  QueueOption & { concurrency: number; lock: number; untilEmpty?: true; metrics?: number };

const work = (options: WorkerOptions): Promise<void> =>
  withQueue(options, true, async (connection) => {
    const say = (line: string) =>
      console.error(line.startsWith('Adapter') ? line : `llsm: ${line}`);
    const examination = await Examination.start({ settings: settingsOf(options), say });
    let wake = () => {};
    const interrupted = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const interrupt = listenForInterrupt(() => wake());
    const { concurrency, lock, tries, untilEmpty, metrics } = options;
    const worker = new QueueWorker(connection, examination, { concurrency, lock, tries, say });
    const served =
      metrics === undefined
        ? undefined
        : await serveMetrics(metrics, () => metricsText(connection, worker.counts));
    if (served) say(`metrics are on http://127.0.0.1:${served.port}/metrics`);
    try {
      let empty = false;
      while (!interrupt.seen() && !worker.failure && !(untilEmpty && empty)) {
        await Promise.race([seconds(0.5), interrupted]);
        empty = untilEmpty === true && (await isEmpty(connection));
      }
      await worker.close();
      console.log(`${worker.counts.looked} files were looked at here.`);
      if (worker.failure) throw new PassingError(worker.failure.message);
      if (!(untilEmpty && empty)) process.exitCode = tryAgain;
    } finally {
      served?.close();
      interrupt.close();
      await examination.close();
    }
  });

async function isEmpty({ queue }: Connection): Promise<boolean> {
  try {
    const counts = await queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed');
    return Object.values(counts).every((count) => count === 0);
  } catch {
    return false;
  }
}

type CollectOptions = LookOptions & QueueOption & { out: string; follow?: true };

const collectResults = (options: CollectOptions): Promise<void> =>
  withQueue(options, true, async (connection) => {
    const copies = new Copies();
    const ledger = Ledger.open(options.out, connection.identity, (line) => copies.mark(line));
    const interrupt = listenForInterrupt();
    try {
      if (ledger.cut > 0) {
        console.error(`llsm: ${options.out} ended inside a line: ${ledger.cut} bytes were cut off`);
      }
      const { follow } = options;
      const { lines, doubles, again, empty } = await collect(connection, ledger, {
        follow,
        copies,
        stop: interrupt.seen,
      });
      console.log(
        `${lines} lines were added to ${options.out}, which has ${ledger.files} files; ${doubles} results came twice.`,
      );
      if (again > 0) console.log(`${again} files were put back into the queue.`);
      if (!empty) {
        console.log('There is more to come.');
        process.exitCode = tryAgain;
      }
    } finally {
      interrupt.close();
      ledger.close();
    }
  });

const status = (options: LookOptions & QueueOption & { json?: true }): Promise<void> =>
  withQueue(options, false, async (connection) => {
    const [told, hand] = await Promise.all([statusOf(connection), inHand(connection)]);
    if (options.json) {
      const { identity, prefix } = connection;
      console.log(JSON.stringify({ ...told, ...identity, prefix, hand }));
      return;
    }
    const { jobs, totals, uncollected, workers, memory } = told;
    const list = (counts: Record<string, number>) =>
      Object.entries(counts)
        .filter(([, count]) => count > 0)
        .map(([name, count]) => `${count} ${name}`)
        .join(', ') || 'none';
    console.log(
      `Queue at ${withoutPassword(options.queue)}, weights ${connection.identity.weights.slice(0, 12)}`,
    );
    console.log(`Jobs: ${list(jobs)}`);
    console.log(`Results: ${list(totals)}; ${uncollected} wait for \`llsm scan collect\``);
    console.log(`Workers: ${workers}; Redis uses ${(memory / 2 ** 20).toFixed(1)} MiB`);
    for (const { worker, file, done, of, ago } of hand) {
      console.log(
        `${worker}: ${done} of ${of}, ${file ?? 'just begun'}, told ${ago.toFixed(0)} s ago`,
      );
    }
  });

const dead = (
  options: LookOptions & QueueOption & { retry?: true; id?: string[] },
): Promise<void> =>
  withQueue(options, false, async (connection) => {
    if (options.retry) {
      console.log(`${await retryDead(connection, options.id)} jobs were put back.`);
      return;
    }
    let count = 0;
    for await (const { id, files, reason, tries } of deadJobs(connection)) {
      count++;
      console.log(`${id}  ${tries} tries  ${reason}`);
      for (const file of files) console.log(`  ${file}`);
    }
    if (count === 0) console.error('No job was given up.');
  });
