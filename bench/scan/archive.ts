/** An archive's last files: workers, collector and Redis where millions of files are through already. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Copies } from '../../node/scan/copies.ts';
import { keyOfHash, keyOfName, Places } from '../../node/scan/places.ts';
import { Connection } from '../../node/scan/queue/connect.ts';
import { enqueue } from '../../node/scan/queue/enqueue.ts';
import type { CollectChildMessage, CollectChildSettings } from './collect-child.ts';
import { fileName, type LoadOptions, memoryOf, processorOf } from './load.ts';
import { OwnRedis } from './redis.ts';
import { stubIdentity } from './stub.ts';
import type { WorkChildSettings } from './work-child.ts';

export interface ArchiveOptions {
  /** Files that are through before: their marks are in Redis. */
  before: number;
  /** Files that are put in. */
  files: number;
  workers: number;
  /** Node processes that the workers live in. */
  processes: number;
  group: number;
  window: number;
  /** Milliseconds that a file takes a worker, which has four in hand. */
  delay: number;
  /** Seconds from one row to the next. */
  every?: number;
}

/** The state at a moment. */
export interface ArchiveRow {
  seconds: number;
  enqueued: number;
  /** Results that workers sent, and lines that the collector wrote. */
  results: number;
  lines: number;
  /** Since the last row. */
  linesPerSecond: number;
  /** Processor seconds of Redis, its memory, and that of the collector, in MiB. */
  redisSeconds: number;
  redisMemory: number;
  collectorMemory: number;
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Marks of bytes and pixels, as many as files, made in Redis itself: fields of random bytes. */
async function fillMarks(connection: Connection, files: number): Promise<void> {
  // 262,144 hashes are filled to an equal height.
  const buckets = 2 ** 18;
  const script = `
    for bucket = ARGV[1], ARGV[2] - 1 do
      local n, name = bucket, ''
      repeat
        local d = n % 36
        name = string.sub('0123456789abcdefghijklmnopqrstuvwxyz', d + 1, d + 1) .. name
        n = (n - d) / 36
      until n == 0
      local all = {}
      for i = 1, ARGV[3] do
        local at = i * 7919 + bucket * 104729
        all[#all + 1] = struct.pack('I4I4I4I2', at % 4294967296, i * 65537, at * 31 % 4294967296, i)
        all[#all + 1] = 'abcdef'
      end
      redis.call('HSET', KEYS[1] .. name, unpack(all))
    end`;
  const each = Math.round((2 * files) / buckets);
  if (each === 0) return;
  for (let from = 0; from < buckets; from += 2048) {
    const key = `${connection.prefix}:done:`;
    await connection.redis.eval(script, 1, key, from, from + 2048, each);
  }
}

/** @returns rows over time, and the files that have no line or two */
export async function archive(
  { folder, programs, say }: LoadOptions,
  options: ArchiveOptions,
): Promise<{ rows: ArchiveRow[]; wrong: number }> {
  const { before, files, workers, processes, group, window, delay, every = 10 } = options;
  const home = join(folder, 'archive');
  mkdirSync(home);
  const redis = await OwnRedis.start(home, ['--auto-aof-rewrite-percentage', '0']);
  const identity = { ...stubIdentity, settings: 'archive' };
  const connection = await Connection.open(redis.url, identity, true);
  await fillMarks(connection, before);
  say(`${before} files are through: Redis has ${mib(await memoryOf(connection))} MiB`);

  const out = join(folder, 'archive.ndjson');
  let [lines, memory] = [0, 0];
  const settings: CollectChildSettings = { url: redis.url, identity, out };
  const collector = fork(join(programs, 'collect-child.js'), [JSON.stringify(settings)]);
  const gone = new Promise((resolve) => collector.once('exit', resolve));
  collector.on('message', (message: CollectChildMessage) => {
    if ('files' in message) [lines, memory] = [message.files, message.memory];
  });
  const crew: ChildProcess[] = [];
  const work: WorkChildSettings = {
    ...{ url: redis.url, identity, delay, lock: 60, crew: Math.ceil(workers / processes) },
  };
  for (let i = 0; i < processes; i++) {
    const child = fork(join(programs, 'work-child.js'), [JSON.stringify(work)]);
    crew.push(child);
    await new Promise((resolve) => child.once('message', resolve));
  }
  let enqueued = 0;
  const names = function* () {
    for (let i = 0; i < files; i++) yield fileName(before + i);
  };
  const begun = performance.now();
  const putting = enqueue(connection, names(), {
    ...{ group, window },
    onProgress: (told) => {
      enqueued = told.files;
    },
  });
  const rows: ArchiveRow[] = [];
  const idle = await processorOf(connection);
  let last = { seconds: 0, lines: 0 };
  while (lines < files) {
    await pause(every * 1000);
    const seconds = Math.round((performance.now() - begun) / 100) / 10;
    const counts = await connection.redis.hvals(connection.totals);
    rows.push({
      ...{ seconds, enqueued, lines },
      results: counts.reduce((sum, count) => sum + Number(count), 0),
      linesPerSecond: Math.round((lines - last.lines) / (seconds - last.seconds)),
      redisSeconds: Math.round(10 * ((await processorOf(connection)) - idle)) / 10,
      redisMemory: mib(await memoryOf(connection)),
      collectorMemory: mib(memory),
    });
    last = { seconds, lines };
    say(JSON.stringify(rows.at(-1)));
  }
  await putting;
  for (const child of crew) child.kill('SIGKILL');
  collector.send('end');
  await gone;
  await connection.close();
  await redis.kill();
  const { Ledger } = await import('../../node/scan/ledger.ts');
  let read = 0;
  const ledger = Ledger.open(out, identity, () => read++);
  let missing = 0;
  for (const name of names()) if (!ledger.entryOf(name)) missing++;
  ledger.close();
  return { rows, wrong: missing + read - files };
}

const mib = (bytes: number): number => Math.round(bytes / 2 ** 20);

/** What a collector holds in memory at so many files, in bytes a file. */
export function collectorTable(files: number): { what: string; bytesEach: number }[] {
  const measured = (what: string, fill: () => unknown) => {
    globalThis.gc?.();
    const before = process.memoryUsage();
    const kept = fill();
    globalThis.gc?.();
    const after = process.memoryUsage();
    const grown = after.heapUsed + after.external - before.heapUsed - before.external;
    return { what, bytesEach: Math.round((10 * grown) / files) / 10, kept };
  };
  const hash = (i: number) => {
    const [a, b] = [Math.imul(i, 0x9e3779b1), Math.imul(i ^ 0x5bd1e995, 0x85ebca6b)];
    return [a, b, a ^ b, a + b, a - b, ~a, ~b, a ^ ~b].map((word) =>
      (word >>> 0).toString(16).padStart(8, '0'),
    );
  };
  const rows = [
    measured('where its lines are, by name, bytes and pixels', () => {
      const tables = [new Places(), new Places(), new Places()];
      for (let i = 0; i < files; i++) {
        tables[0].set(keyOfName(fileName(i)), i * 1300);
        // Bytes and pixels share a table.
        tables[1].set(keyOfHash(hash(i).join('')), i * 1300);
        tables[1].set(keyOfHash(hash(i + files).join('')), i * 1300);
      }
      return tables;
    }),
    measured('perceptual hashes', () => {
      const copies = new Copies();
      for (let i = 0; i < files; i++) copies.add({ file: fileName(i), print: hash(i).join('') });
      return copies;
    }),
  ];
  return rows.map(({ kept: _, ...row }) => row);
}
