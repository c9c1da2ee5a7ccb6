/** A scan's queue while its workers, its Redis, its network, its disk and its clocks fail. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseLine } from '../../node/scan/line.ts';
import { Connection } from '../../node/scan/queue/connect.ts';
import { enqueue } from '../../node/scan/queue/enqueue.ts';
import { messageOf } from '../../src/base/errors.ts';
import { Random } from '../../src/base/random.ts';
import type { CollectChildMessage, CollectChildSettings } from './collect-child.ts';
import { OwnRedis } from './redis.ts';
import { stubIdentity } from './stub.ts';
import { Wire } from './wire.ts';
import type { WorkChildSettings } from './work-child.ts';

/** What fails, and how often. */
export interface Faults {
  worker: number;
  redis: number;
  network: number;
  disk: number;
  clock: number;
  collector: number;
  /** Redis's disk, full for a while; and its clock. */
  redisDisk: number;
  redisClock: number;
}

export interface ChaosOptions {
  /** For Redis's file and the collected lines. */
  folder: string;
  /** The folder of the built programs. */
  programs: string;
  faults: Faults;
  workers?: number;
  /** Milliseconds between two faults. */
  every?: number;
  /** Milliseconds that a file takes. */
  delay?: number;
  seed?: number;
  say?: (line: string) => void;
}

export interface ChaosResult {
  files: number;
  lines: number;
  missing: number;
  doubled: number;
  /** Lines that say that a file was given up. */
  givenUp: number;
  faults: Faults;
  /** Results that all workers sent; what is above the files was looked at more than once. */
  results: number;
  seconds: number;
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A process that is started again whenever it ends. */
class Kept {
  process!: ChildProcess;
  ended = false;
  #gone!: Promise<unknown>;

  constructor(
    private readonly path: string,
    private readonly settings: unknown,
    private readonly onMessage: (message: unknown) => void = () => {},
  ) {
    this.#start();
  }

  #start(): void {
    this.process = fork(this.path, [JSON.stringify(this.settings)], { stdio: 'ignore' });
    this.process.on('message', this.onMessage);
    this.#gone = new Promise((resolve) =>
      this.process.once('exit', () => {
        if (!this.ended) this.#start();
        resolve(undefined);
      }),
    );
  }

  tell(message: unknown): void {
    if (this.process.connected) this.process.send(message as string, () => {});
  }

  kill(): void {
    this.process.kill('SIGKILL');
  }

  /** Ends it for good, after what it is told to do. */
  async end(last: () => void): Promise<void> {
    this.ended = true;
    last();
    await this.#gone;
  }
}

/** Whether Redis takes nothing that changes its data, as while its file cannot be written. */
const refuses = ({ redis, prefix }: Connection): Promise<boolean> =>
  redis.set(`${prefix}:tried`, 1).then(
    () => false,
    (error) => {
      if (/^MISCONF/.test(messageOf(error))) return true;
      throw error;
    },
  );

/**
 * What a jump of Redis's clock does to a queue: all that ends at a time ends earlier, such as locks
 * on jobs, or later. Jobs' own times are told by workers.
 */
async function jumpOfRedis({ redis, prefix }: Connection, milliseconds: number): Promise<void> {
  const pattern = `${prefix.replace(/[[\]{}?*\\]/g, '\\$&')}:*`;
  const script = `
    for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
      local left = redis.call('PTTL', key)
      if left > 0 then redis.call('PEXPIRE', key, math.max(1, left - ARGV[2])) end
    end`;
  await redis.eval(script, 0, pattern, milliseconds);
}

export async function chaos(options: ChaosOptions): Promise<ChaosResult> {
  const { folder, programs, faults, workers = 4, every = 200, delay = 20 } = options;
  const { seed = 1, say = () => {} } = options;
  const random = new Random(seed, 'chaos');
  const begun = performance.now();
  mkdirSync(folder, { recursive: true });
  const redis = await OwnRedis.start(folder);
  const wire = await Wire.start(redis.port);
  const identity = { ...stubIdentity, settings: `chaos ${seed}` };
  const out = join(folder, 'collected.ndjson');
  const made = Object.fromEntries(
    Object.keys(faults).map((kind) => [kind, 0]),
  ) as unknown as Faults;
  let collected = 0;

  const work: WorkChildSettings = { url: wire.url, identity, delay, lock: 2 };
  const crew = Array.from(
    { length: workers },
    () => new Kept(join(programs, 'work-child.js'), work),
  );
  const collecting: CollectChildSettings = { url: wire.url, identity, out };
  const collector = new Kept(join(programs, 'collect-child.js'), collecting, (message) => {
    const told = message as CollectChildMessage;
    if ('files' in told) collected = told.files;
    else made.disk++;
  });
  // This process puts files in, and is not cut off: that an enqueue that failed is run again is its own matter.
  const connection = await Connection.open(redis.url, identity, true);
  const files: string[] = [];
  const feed = async (): Promise<void> => {
    const batch = Array.from({ length: 256 }, (_, i) => `/archive/${files.length + i}.jpg`);
    await enqueue(connection, batch, { backoff: 50, window: 1e9 });
    files.push(...batch);
  };

  const plan = (Object.keys(faults) as (keyof Faults)[]).flatMap((kind) =>
    Array.from({ length: faults[kind] }, () => kind),
  );
  for (let i = plan.length - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [plan[i], plan[j]] = [plan[j], plan[i]];
  }
  const one = () => crew[random.int(crew.length)];
  const happen: Record<keyof Faults, () => Promise<void>> = {
    worker: async () => {
      one().kill();
    },
    redis: async () => {
      await redis.kill();
      await pause(random.uniform(0, 300));
      await redis.start();
    },
    network: () => wire.cut(random.uniform(100, 2500)),
    disk: async () => {
      // It counts where it happens: with the next line that is written.
      made.disk--;
      collector.tell('full');
    },
    clock: async () => {
      one().tell({ jump: random.uniform(-1, 1) * 3600e3 });
    },
    collector: async () => {
      collector.kill();
    },
    redisDisk: async () => {
      redis.fillDisk(true);
      while (!(await refuses(connection))) await pause(50);
      await pause(random.uniform(0, 2000));
      redis.fillDisk(false);
      while (await refuses(connection)) await pause(50);
    },
    redisClock: async () => {
      const jump = random.next() < 0.5 ? 3600e3 : random.uniform(-3000, 0);
      await jumpOfRedis(connection, Math.round(jump));
    },
  };
  const sent = async (): Promise<number> => {
    const counts = await connection.redis.hvals(connection.totals);
    return counts.reduce((sum, count) => sum + Number(count), 0);
  };
  /** Nothing fails before work goes on after the last failure, however slow the machine is. */
  const goesOn = async (): Promise<void> => {
    const before = await sent();
    for (let tries = 0; (await sent()) < before + 8; tries++) {
      if (tries > 3000) throw new Error('the work does not go on');
      await pause(50);
    }
  };
  for (const kind of plan) {
    const { waiting = 0 } = await connection.queue.getJobCounts('waiting');
    if (waiting < 4 * workers) await feed();
    await goesOn();
    await pause(random.uniform(0, every));
    await happen[kind]();
    made[kind]++;
    const count = Object.values(made).reduce((sum, n) => sum + n, 0);
    if (count % 25 === 0)
      say(`${count} of ${plan.length} faults, ${collected} of ${files.length} files collected`);
  }
  const busy = async (): Promise<boolean> => {
    const counts = await connection.queue.getJobCounts(
      'waiting',
      'active',
      'delayed',
      'prioritized',
    );
    return Object.values(counts).some((count) => count > 0);
  };
  while (await busy()) await pause(200);
  await Promise.all(crew.map((each) => each.end(() => each.process.kill('SIGTERM'))));
  await collector.end(() => collector.tell('end'));
  const results = await sent();
  await connection.close();
  wire.close();
  await redis.kill();

  const lines = readFileSync(out, 'utf8').split('\n');
  if (lines.pop() !== '') throw new Error('the last line is not whole');
  const parsed = lines.map((text, i) => parseLine(text, `${out}, line ${i + 1},`));
  const seen = new Set(parsed.map(({ file }) => file));
  return {
    files: files.length,
    lines: parsed.length,
    missing: files.filter((file) => !seen.has(file)).length,
    doubled: parsed.length - seen.size,
    givenUp: parsed.filter(({ error }) => error).length,
    faults: made,
    results,
    seconds: (performance.now() - begun) / 1000,
  };
}
