/** What the queue costs: Redis's memory and time for files, jobs and results; stub verdicts. */
import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Ledger } from '../../node/scan/ledger.ts';
import type { ScanIdentity } from '../../node/scan/line.ts';
import { collect } from '../../node/scan/queue/collect.ts';
import { Connection, nameKey } from '../../node/scan/queue/connect.ts';
import { enqueue } from '../../node/scan/queue/enqueue.ts';
import { OwnRedis } from './redis.ts';
import { stubIdentity } from './stub.ts';
import type { WorkChildSettings } from './work-child.ts';

export interface LoadOptions {
  folder: string;
  programs: string;
  say: (line: string) => void;
}

export const fileName = (i: number): string =>
  `/archive/2026/11/${String(i % 1000).padStart(3, '0')}/photo-${String(i).padStart(8, '0')}.jpg`;

export async function memoryOf({ redis }: Connection): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
}

/** Processor seconds of Redis since its start. */
export async function processorOf({ redis }: Connection): Promise<number> {
  const info = await redis.info('cpu');
  const of = (name: string) => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)?.[1]);
  return of('used_cpu_user') + of('used_cpu_sys');
}

async function withRedis<T>(
  { folder }: Pick<LoadOptions, 'folder'>,
  name: string,
  use: (connection: Connection, redis: OwnRedis, identity: ScanIdentity) => Promise<T>,
): Promise<T> {
  const home = join(folder, name);
  mkdirSync(home);
  const redis = await OwnRedis.start(home);
  const identity = { ...stubIdentity, settings: name };
  const connection = await Connection.open(redis.url, identity, true);
  try {
    return await use(connection, redis, identity);
  } finally {
    await connection.close();
    await redis.kill();
  }
}

export interface MemoryRow {
  what: string;
  count: number;
  bytesEach: number;
}

/** Redis's memory for each thing that a scan keeps there. */
export async function memoryTable(options: LoadOptions, count: number): Promise<MemoryRow[]> {
  const rows: MemoryRow[] = [];
  const measured = async (what: string, connection: Connection, fill: () => Promise<void>) => {
    const before = await memoryOf(connection);
    await fill();
    const bytesEach = Math.round((10 * ((await memoryOf(connection)) - before)) / count) / 10;
    rows.push({ what, count, bytesEach });
    options.say(`${what}: ${bytesEach} bytes`);
  };
  const files = function* () {
    for (let i = 0; i < count; i++) yield fileName(i);
  };
  for (const group of [1, 4, 16, 64]) {
    await withRedis(options, `group ${group}`, (connection) =>
      measured(`a file that waits, ${group} to a job`, connection, async () => {
        await enqueue(connection, files(), { group, window: 1e9 });
      }),
    );
  }
  await withRedis(options, 'results', (connection) =>
    measured('a result that waits, of 1,000 bytes', connection, async () => {
      const text = 'x'.repeat(1000);
      for (let i = 0; i < count; i += 1000) {
        const pipeline = connection.redis.pipeline();
        for (let k = i; k < i + 1000; k++) pipeline.xadd(connection.results, '*', 'r', text);
        await pipeline.exec();
      }
    }),
  );
  // The hashes that these fall into are as full as all would be with ten million files.
  const part = (2 * count) / 20e6;
  await withRedis(options, 'done', (connection) =>
    measured('bytes that have a line, at ten million of them', connection, async () => {
      for (let i = 0; i < count; i += 1000) {
        const pipeline = connection.redis.pipeline();
        for (let k = i; k < i + 1000; k++) {
          const hash = createHash('sha256').update(String(k)).digest();
          hash.writeUInt32BE(Math.floor(hash.readUInt32BE(0) * part), 0);
          const [key, field] = connection.doneOf(hash.toString('hex'));
          pipeline.hset(key, field, nameKey(fileName(k)));
        }
        await pipeline.exec();
      }
    }),
  );
  return rows;
}

export interface RateRow {
  workers: number;
  group: number;
  /** Milliseconds that a file takes a worker, which has four in hand. */
  delay: number;
  files: number;
  enqueuedPerSecond: number;
  filesPerSecond: number;
  jobsPerSecond: number;
  collectedPerSecond: number;
  /** Redis's processor microseconds a file, from the enqueuing to the collected line. */
  redisMicroseconds: number;
  /** The share of the time in which Redis computed, while workers worked. */
  redisBusy: number;
  /** Lines that are missing or double. */
  wrong: number;
}

/** Files through workers that do nothing but wait: what the queue itself carries. */
export async function rate(
  options: LoadOptions,
  load: { workers: number; processes: number; group: number; delay: number; files: number },
): Promise<RateRow> {
  const { workers, processes, group, delay, files } = load;
  return withRedis(options, Object.values(load).join('-'), async (connection, redis, identity) => {
    const names = Array.from({ length: files }, (_, i) => fileName(i));
    const timed = async (work: () => Promise<unknown>): Promise<number> => {
      const begun = performance.now();
      await work();
      return (performance.now() - begun) / 1000;
    };
    const idle = await processorOf(connection);
    const enqueuing = await timed(() => enqueue(connection, names, { group, window: 1e9 }));
    const settings: WorkChildSettings = {
      ...{ url: redis.url, identity, delay, lock: 60, crew: Math.ceil(workers / processes) },
    };
    await connection.queue.pause();
    const crew: ChildProcess[] = [];
    for (let i = 0; i < processes; i++) {
      const child = fork(join(options.programs, 'work-child.js'), [JSON.stringify(settings)]);
      crew.push(child);
      await new Promise((resolve) => child.once('message', resolve));
    }
    const before = await processorOf(connection);
    const working = await timed(async () => {
      await connection.queue.resume();
      for (;;) {
        const { waiting, active } = await connection.queue.getJobCounts('waiting', 'active');
        if (waiting + active === 0) break;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    });
    const after = await processorOf(connection);
    for (const child of crew) child.kill('SIGKILL');
    const ledger = Ledger.open(
      join(options.folder, `${Object.values(load).join('-')}.ndjson`),
      identity,
    );
    const collecting = await timed(() => collect(connection, ledger));
    const wrong = names.filter((name) => !ledger.entryOf(name)).length + ledger.files - files;
    ledger.close();
    const all = (await processorOf(connection)) - idle;
    return {
      ...{ workers, group, delay, files, wrong },
      enqueuedPerSecond: Math.round(files / enqueuing),
      filesPerSecond: Math.round(files / working),
      jobsPerSecond: Math.round(files / group / working),
      collectedPerSecond: Math.round(files / collecting),
      redisMicroseconds: Math.round((1e6 * all) / files),
      redisBusy: Math.round((100 * (after - before)) / working) / 100,
    };
  });
}
