/** `node bench/scan/start.js COMMAND`: measures and tries the scan of archives. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../../src/base/errors.ts';
import { type ArchiveOptions, archive, collectorTable } from './archive.ts';
import { chaos } from './chaos.ts';
import { memoryTable, type RateRow, rate } from './load.ts';
import { printTable } from './prints.ts';
import { share } from './share.ts';

const programs = join(dirname(fileURLToPath(import.meta.url)));
const say = (line: string) => console.error(line);

/** @param args the part of the faults to make (1) */
async function runChaos(folder: string, [part = '1']: string[]): Promise<void> {
  const times = (count: number) => Math.ceil(count * Number(part));
  const [worker, many, few] = [200, 20, 10].map(times);
  const result = await chaos({
    ...{ folder, programs, say },
    faults: {
      ...{ worker, redis: many, network: many, disk: many, clock: many, collector: few },
      ...{ redisDisk: many, redisClock: many },
    },
  });
  console.table(result.faults);
  const { faults: _, ...rest } = result;
  console.table(rest);
  if (rest.missing > 0 || rest.doubled > 0) process.exitCode = 1;
}

async function runShare(folder: string, [pictures = '20000', ...workers]: string[]): Promise<void> {
  const counts = workers.length > 0 ? workers.map(Number) : [1, 2, 4];
  const rows = await share({ folder, pictures: Number(pictures), workers: counts, say });
  console.table(rows);
  if (rows.some(({ missing, doubled, different }) => missing + doubled + different > 0)) {
    process.exitCode = 1;
  }
}

async function runLoad(folder: string, [count = '200000']: string[]): Promise<void> {
  const options = { folder, programs, say };
  console.table(await memoryTable(options, Number(count)));
}

async function runRates(folder: string, [count = '100000']: string[]): Promise<void> {
  const options = { folder, programs, say };
  const rows: RateRow[] = [];
  for (const [workers, processes, group, delay] of [
    [1, 1, 16, 0],
    [2, 2, 16, 0],
    [4, 4, 16, 0],
    [1, 1, 1, 0],
    [10, 5, 16, 200],
    [50, 5, 16, 200],
  ]) {
    const files = Math.round(Number(count) * (group === 1 ? 0.2 : 1));
    rows.push(await rate(options, { workers, processes, group, delay, files }));
    say(JSON.stringify(rows.at(-1)));
  }
  console.table(rows);
}

async function runArchive(folder: string, args: string[]): Promise<void> {
  const [files = 100_000, before = 0, workers = 50, group = 16, delay = 100] = args.map(Number);
  const processes = Math.min(workers, 5);
  const options: ArchiveOptions = {
    ...{ files, before, workers, processes, group, delay, window: 200_000 },
  };
  const { rows, wrong } = await archive({ folder, programs, say }, options);
  console.table(rows);
  console.log(`${wrong} files without a line, or with two`);
  if (wrong > 0) process.exitCode = 1;
}

type Run = (folder: string, args: string[]) => Promise<void>;
const commands: Record<string, Run> = {
  chaos: runChaos,
  share: runShare,
  load: runLoad,
  rates: runRates,
  archive: runArchive,
  collector: async (_, [files = '10000000']) => console.table(collectorTable(Number(files))),
  prints: async (_, [photographs = '.']) => console.table(await printTable(photographs)),
};

const [name = '', ...args] = process.argv.slice(2);
if (!Object.hasOwn(commands, name)) {
  throw new UsageError(`name one of: ${Object.keys(commands).join(', ')}`);
}
const folder = mkdtempSync(join(tmpdir(), 'llsm-scan-'));
try {
  await commands[name](folder, args);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit();
