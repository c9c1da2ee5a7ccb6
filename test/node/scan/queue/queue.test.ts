import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { OwnRedis } from '../../../../bench/scan/redis.ts';
import { Stub, type StubOptions, stubIdentity } from '../../../../bench/scan/stub.ts';
import { Died } from '../../../../node/scan/examination.ts';
import { Ledger } from '../../../../node/scan/ledger.ts';
import { parseLine, type ScanLine } from '../../../../node/scan/line.ts';
import { collect } from '../../../../node/scan/queue/collect.ts';
import { Connection } from '../../../../node/scan/queue/connect.ts';
import { type EnqueueOptions, enqueue, forget } from '../../../../node/scan/queue/enqueue.ts';
import { resumed } from '../../../../node/scan/queue/job.ts';
import { metricsText, serveMetrics } from '../../../../node/scan/queue/metrics.ts';
import { deadJobs, retryDead, statusOf } from '../../../../node/scan/queue/status.ts';
import { QueueWorker, type WorkOptions } from '../../../../node/scan/queue/work.ts';
import { TryAgain } from '../../../../node/scan/read.ts';
import { failure, temporaryFolder } from '../../../support/pictures.ts';
import { test as plain, suite } from '../../../support/run.ts';
import { needTool } from '../../../support/tools.ts';

const folder = temporaryFolder();
let redis: OwnRedis | undefined;
let made = 0;
const group = suite('with a Redis');
const test = (name: string, body: (connection: Connection) => Promise<void>) =>
  group(name, async () => {
    needTool('redis-server');
    redis ??= await OwnRedis.start(folder);
    // Each test has a queue of its own.
    const identity = { ...stubIdentity, settings: `stub ${made++}` };
    const connection = await Connection.open(redis.url, identity, true);
    try {
      await body(connection);
    } finally {
      await connection.close();
    }
  });
group.after(async () => {
  await redis?.kill();
});

const names = (count: number, prefix = 'f'): string[] =>
  Array.from({ length: count }, (_, i) => `/archive/${prefix}${i}.jpg`);
const bytesOf = (file: string) => file;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

class Own extends Stub {
  constructor(
    private readonly connection: Connection,
    options: StubOptions,
  ) {
    super({ bytesOf, ...options });
  }
  override async examine(...given: Parameters<Stub['examine']>): ReturnType<Stub['examine']> {
    const line = await super.examine(...given);
    return line && { ...line, ...this.connection.identity };
  }
}

async function until(done: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await done()); tries++) {
    if (tries > 3000) throw new Error('it does not end');
    await pause(20);
  }
}

async function isEmpty({ queue }: Connection): Promise<boolean> {
  const counts = await queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed');
  return Object.values(counts).every((count) => count === 0);
}

/** Lets workers do all there is. */
async function work(
  connection: Connection,
  stubs: readonly Stub[],
  options: WorkOptions = {},
): Promise<QueueWorker[]> {
  const workers = stubs.map((stub) => new QueueWorker(connection, stub, { pause: 0, ...options }));
  await until(() => isEmpty(connection));
  await Promise.all(workers.map((worker) => worker.close()));
  return workers;
}

const put = (connection: Connection, files: string[], options: EnqueueOptions = {}) =>
  enqueue(connection, files, { group: 4, backoff: 10, ...options });

async function collected(connection: Connection, out = join(folder, `${made++}.ndjson`)) {
  const ledger = Ledger.open(out, connection.identity);
  const result = await collect(connection, ledger);
  ledger.close();
  const text = readFileSync(out, 'utf8').trimEnd();
  const lines = text === '' ? [] : text.split('\n').map((line): ScanLine => parseLine(line, out));
  return { ...result, lines, out };
}

const filesOf = (lines: readonly ScanLine[]): string[] => lines.map(({ file }) => file).sort();

test('two workers share the files; collected, each has one line', async (connection) => {
  const files = names(50);
  const put1 = await put(connection, files);
  assert.equal([put1.files, put1.jobs, put1.complete], [50, 13, true]);
  const stubs = [new Own(connection, { delay: 2 }), new Own(connection, { delay: 2 })];
  await work(connection, stubs);
  assert.ok(stubs.every(({ looked }) => looked.length > 0));
  const { lines, doubles, empty } = await collected(connection);
  assert.equal([filesOf(lines), doubles, empty], [files.sort(), 0, true]);
  const { jobs, totals, uncollected } = await statusOf(connection);
  assert.equal([Object.values(jobs).reduce((a, b) => a + b), uncollected], [0, 0]);
  assert.is((totals.altered ?? 0) + (totals['nothing found'] ?? 0), 50);
});

test('put in again, nothing is looked at again; what the file of lines lacks is', async (connection) => {
  const files = names(10);
  await put(connection, files);
  await work(connection, [new Own(connection, {})]);
  const { out } = await collected(connection);
  await put(connection, [...files, ...names(2, 'new')]);
  const second = new Own(connection, {});
  await work(connection, [second]);
  assert.equal(second.looked.sort(), names(2, 'new'));
  assert.is((await collected(connection, out)).lines.length, 12);
  await put(connection, files);
  assert.ok((await forget(connection)) > 0);
  const third = new Own(connection, {});
  await work(connection, [third]);
  assert.is(third.looked.length, 10);
  const { doubles, lines } = await collected(connection, out);
  assert.equal([doubles, lines.length], [10, 12]);
});

test('equal bytes are looked at once; the collector gives each file a line', async (connection) => {
  const files = names(24);
  await put(connection, files);
  const stub = new Own(connection, {
    delay: 1,
    bytesOf: (file) => String(Number(file.match(/\d+/)?.[0]) % 3),
  });
  await work(connection, [stub]);
  assert.is(stub.looked.length, 3);
  const { lines } = await collected(connection);
  assert.equal(filesOf(lines), files.sort());
  assert.is(lines.filter(({ sameAs }) => sameAs !== null).length, 21);
});

test('a file with the bytes of one whose line went elsewhere is looked at again', async (connection) => {
  const stub = new Own(connection, { bytesOf: () => 'the same' });
  await put(connection, names(1));
  await work(connection, [stub]);
  await collected(connection);
  await put(connection, names(1, 'other'));
  await work(connection, [stub]);
  const elsewhere = await collected(connection);
  assert.equal([elsewhere.again, elsewhere.lines.length, elsewhere.empty], [1, 0, false]);
  // Its pixels, too, are those of a line elsewhere: that is known once they are decoded.
  await work(connection, [stub]);
  assert.equal((await collected(connection, elsewhere.out)).again, 1);
  await work(connection, [stub]);
  const { lines, empty } = await collected(connection, elsewhere.out);
  assert.equal([filesOf(lines), empty], [names(1, 'other'), true]);
});

test('files of the same pixels are looked at once; the collector gives each file its line', async (connection) => {
  const files = names(24);
  const pixelsOf = (file: string) => String(Number(file.match(/\d+/)?.[0]) % 3);
  await put(connection, files);
  const stubs = [new Own(connection, { delay: 1, pixelsOf })];
  await work(connection, stubs);
  assert.is(stubs[0].looked.length, 3);
  assert.is((await statusOf(connection)).totals['same pixels'], 21);
  const { lines, out } = await collected(connection);
  assert.equal(filesOf(lines), files.sort());
  for (const line of lines) {
    const first = lines.find(({ pixels }) => pixels === line.pixels) as ScanLine;
    assert.equal([line.verdict, line.faces], [first.verdict, first.faces]);
    assert.equal(line.sameAs, line === first ? null : { file: first.file, by: 'pixels' });
  }
  await put(connection, files);
  await work(connection, stubs);
  assert.equal([stubs[0].looked.length, (await collected(connection, out)).lines.length], [3, 24]);
});

test('a file with the pixels of one whose line went elsewhere is looked at again', async (connection) => {
  const stub = new Own(connection, { pixelsOf: () => 'the same' });
  await put(connection, names(1));
  await work(connection, [stub]);
  await collected(connection);
  await put(connection, names(2, 'other'));
  await work(connection, [stub]);
  assert.is(stub.looked.length, 1);
  const elsewhere = await collected(connection);
  assert.equal([elsewhere.again, elsewhere.lines.length, elsewhere.empty], [2, 0, false]);
  await work(connection, [stub]);
  const { lines, empty } = await collected(connection, elsewhere.out);
  assert.equal([filesOf(lines), empty, stub.looked.length], [names(2, 'other'), true, 2]);
});

test('results that Redis acknowledged and lost are sent again before their job ends', async (connection) => {
  const files = names(8);
  await put(connection, files, { group: 8 });
  let lost = 0;
  const stub = new Own(connection, {
    parallel: 1,
    before: async ({ file }) => {
      if (file !== files[5]) return;
      // What a Redis that died and came back no longer knows: all that came since the job began.
      const { redis, results, prefix, totals } = connection;
      lost = await redis.xlen(results);
      const marks = await redis.keys(`*${prefix.slice(1, -1)}*:done:*`);
      const sent = await redis.keys(`*${prefix.slice(1, -1)}*:sent:*`);
      await redis.del(results, totals, ...marks, ...sent);
    },
  });
  await work(connection, [stub]);
  assert.is(lost, 5);
  const { lines } = await collected(connection);
  assert.equal(filesOf(lines), files.sort());
  assert.equal(await connection.redis.keys(`*${connection.prefix.slice(1, -1)}*:sent:*`), []);
});

test('a collector that dies leaves in Redis what waits for its line', async (connection) => {
  const stub = new Own(connection, { bytesOf: () => 'the same' });
  await put(connection, names(1));
  await work(connection, [stub]);
  await collected(connection);
  await put(connection, names(1, 'other'));
  await work(connection, [stub]);
  const ledger = Ledger.open(join(folder, 'dies.ndjson'), connection.identity);
  await collect(connection, ledger, { stop: () => true });
  assert.equal([ledger.files, (await statusOf(connection)).uncollected], [0, 1]);
  ledger.close();
});

test('a file that kills is given up alone, listed as dead, and put back by hand', async (connection) => {
  const files = names(12);
  await put(connection, files);
  let broken = true;
  const stub = new Own(connection, {
    before: ({ file }) => {
      if (broken && file === '/archive/f5.jpg') throw new Died('it crashed');
    },
  });
  await work(connection, [stub]);
  const first = await collected(connection);
  assert.equal(filesOf(first.lines), files.sort());
  const failed = first.lines.filter(({ error }) => error);
  assert.equal(filesOf(failed), ['/archive/f5.jpg']);
  assert.match(failed[0].error?.message ?? '', /given up after 3 tries: it crashed/);
  const dead = [];
  for await (const job of deadJobs(connection)) dead.push(job);
  assert.equal(
    dead.map(({ files }) => files),
    [['/archive/f5.jpg']],
  );
  broken = false;
  assert.is(await retryDead(connection), 1);
  await work(connection, [stub]);
  const { lines } = await collected(connection, first.out);
  assert.is(lines.length, 13);
  const last = lines.filter(({ file }) => file === '/archive/f5.jpg').at(-1);
  assert.is(last?.error, null);
});

test('what cannot be read for a while is tried again later, with a back-off', async (connection) => {
  await put(connection, names(4), { attempts: 4 });
  const tried: number[] = [];
  const stub = new Own(connection, {
    before: ({ file }) => {
      if (file !== '/archive/f2.jpg') return;
      tried.push(performance.now());
      if (tried.length < 4) throw new TryAgain('the disk is busy');
    },
  });
  await work(connection, [stub], { tries: 1 });
  assert.is(tried.length, 4);
  assert.ok(stub.looked.filter((file) => file === '/archive/f1.jpg').length === 1);
  const { lines } = await collected(connection);
  assert.equal(
    lines.filter(({ error }) => error),
    [],
  );
  assert.is(lines.length, 4);
});

test('what cannot be read at all ends as a dead job and a line', async (connection) => {
  await put(connection, names(4), { attempts: 2 });
  const before = ({ file }: { file: string }) => {
    if (file === '/archive/f2.jpg') throw new TryAgain('the disk is broken');
  };
  const gone = new Own(connection, {
    before,
    bytesOf: (file) => {
      if (file === '/archive/f3.jpg') throw new Error('no such file');
      return file;
    },
  });
  await work(connection, [gone], { tries: 1 });
  const { lines } = await collected(connection);
  assert.equal(filesOf(lines), names(4));
  assert.is(lines.filter(({ error }) => error).length, 2);
});

test('lower numbers of priority first, and those without one before all', async (connection) => {
  const order = [
    [names(4, 'late'), 9],
    [names(4, 'soon'), 1],
    [names(4, 'first'), undefined],
  ] as const;
  for (const [files, priority] of order) await put(connection, [...files], { priority });
  const stub = new Own(connection, {});
  await work(connection, [stub], { concurrency: 1 });
  const kinds = stub.looked.map((file) => file.replace(/.*\/|\d+\.jpg/g, ''));
  assert.equal([...new Set(kinds)], ['first', 'soon', 'late']);
});

test('a worker that is stopped puts its job back; another goes on with it', async (connection) => {
  const files = names(64);
  await put(connection, files, { group: 64 });
  const slow = new Own(connection, { delay: 5 });
  const worker = new QueueWorker(connection, slow, { concurrency: 1 });
  await until(async () => slow.looked.length > 8);
  await worker.close();
  assert.ok(slow.looked.length < 64);
  assert.equal((await statusOf(connection)).jobs.waiting, 1);
  const other = new Own(connection, {});
  await work(connection, [other]);
  assert.is(slow.looked.length + other.looked.length, 64);
  assert.equal(filesOf((await collected(connection)).lines), files.sort());
});

test('the window bounds what Redis holds: enqueue waits for workers and collector', async (connection) => {
  let waited = 0;
  let most = 0;
  const putting = put(connection, names(60), {
    ...{ window: 20 },
    onProgress: ({ waiting }) => {
      if (waiting) waited++;
    },
  });
  const worker = new QueueWorker(connection, new Own(connection, {}));
  const out = join(folder, 'window.ndjson');
  const ledger = Ledger.open(out, connection.identity);
  let finished = false;
  putting.then(() => {
    finished = true;
  });
  await until(async () => {
    const { jobs, uncollected } = await statusOf(connection);
    most = Math.max(most, 4 * (jobs.waiting + jobs.active) + uncollected);
    await collect(connection, ledger);
    return finished && (await isEmpty(connection));
  });
  await worker.close();
  await collect(connection, ledger);
  assert.is(ledger.files, 60);
  ledger.close();
  assert.ok(waited > 0 && most <= 40, `${waited}, ${most}`);
});

test('OpenMetrics text on a loopback port', async (connection) => {
  await put(connection, names(8));
  const [worker] = await work(connection, [new Own(connection, {})]);
  const { port, close } = await serveMetrics(0, () => metricsText(connection, worker.counts));
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  const text = await answer.text();
  close();
  assert.match(
    answer.headers.get('content-type') ?? '',
    /^application\/openmetrics-text; version=1\.0\.0/,
  );
  assert.match(text, /^llsm_scan_uncollected 8$/m);
  assert.match(text, /^llsm_scan_jobs\{state="waiting"\} 0$/m);
  assert.match(text, /# EOF\n$/);
  const total = [...text.matchAll(/^llsm_scan_files_total\{outcome="[a-z ]+"\} (\d+)$/gm)];
  assert.is(
    total.reduce((sum, [, count]) => sum + Number(count), 0),
    8,
  );
});

test('one collector at a time', async (connection) => {
  await connection.redis.set(connection.collector, 'another', 'EX', 10);
  const ledger = Ledger.open(join(folder, 'one.ndjson'), connection.identity);
  assert.match(
    (await failure(collect(connection, ledger))).message,
    /Another `scan collect` is at work/,
  );
  ledger.close();
});

plain('a heartbeat of a worker that ended says who is suspect', () => {
  const { suspects, deaths, done } = resumed(
    { done: [0, 1, 6], hopeless: [2], hand: [1, 3, 4], alone: 4, deaths: { 4: 1, 5: 1 } },
    new Set([0, 1, 2]),
  );
  assert.equal([...suspects].sort(), [
    [3, 0],
    [4, 2],
    [5, 1],
  ]);
  assert.equal([deaths[4], done], [2, [0, 1]]);
  assert.equal([...resumed(0, new Set()).suspects], []);
});

plain('a Redis that does not answer is told by its URL, without the password', async () => {
  const open = Connection.open('redis://me:secret@127.0.0.1:1', stubIdentity);
  const { message } = await failure(open);
  assert.match(message, /No Redis answers at redis:\/\/me:\*\*\*@127\.0\.0\.1:1/);
});
