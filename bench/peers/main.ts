/** The benchmark against other libraries: see README.md. `npm run bench:peers` installs and builds. */
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { openNodeGpu } from '../../node/gpu/open.ts';
import { checkFolderOf, writeFileWhole } from '../../node/system/write-file.ts';
import { LlsmError, UsageError } from '../../src/base/errors.ts';
import { describeGpu } from '../../src/gpu/device.ts';
import type { AlternateEffort } from '../alternate.ts';
import { Ceilings } from '../ceilings.ts';
import { describeMachine } from '../machine.ts';
import { ask } from './contestant.ts';
import { compareMemory, type MemoryResult } from './memory.ts';
import { type Rival, rivals } from './peers.ts';
import { memoryText, type PeersResult, page, rowText } from './print.ts';
import { measureRow, type RowResult } from './row.ts';
import { rowsFor } from './rows.ts';
import { type Probe, taskName } from './task.ts';

interface Options {
  quick?: boolean;
  slow?: boolean;
  only?: string;
  json?: boolean;
  write?: string | true;
}

// Built into bench/peers/dist.
const resultsFile = fileURLToPath(new URL('../../RESULTS.md', import.meta.url));

const full: AlternateEffort = { rounds: 7, sampleMilliseconds: 100, mostMilliseconds: 90_000 };
const short: AlternateEffort = { rounds: 3, sampleMilliseconds: 50, mostMilliseconds: 10_000 };

async function run({ quick = false, slow = false, only, json, write }: Options): Promise<void> {
  if (write === true && (quick || only)) {
    throw new UsageError(
      'bench/RESULTS.md is of a whole run: leave --quick and --only out, or name another file',
    );
  }
  const file = write === true ? resultsFile : write;
  if (file) checkFolderOf(file);
  const began = performance.now();
  const say = (text: string) => console.error(text);
  const gpu = await openNodeGpu();
  say(describeGpu(gpu));
  const wanted = rowsFor({ quick, slow }, gpu.software).filter(({ task }) =>
    taskName(task).includes(only ?? ''),
  );
  const wantsMemory = !quick && (!only || 'memory'.includes(only));
  if (wanted.length === 0 && !wantsMemory) {
    throw new UsageError(`--only ${only}: no row's name has that`);
  }
  const ceilings = await Ceilings.build(gpu);
  const peers: (Rival & Probe)[] = [];
  for (const rival of rivals()) {
    const probe: Probe = await ask<Probe>(rival, 'probe');
    peers.push({ ...rival, ...probe });
    say(`${rival.title}: ${probe.absent ? `absent: ${probe.absent}` : probe.version}`);
  }
  const rows: RowResult[] = [];
  for (const spec of wanted) {
    say(`... ${taskName(spec.task)}`);
    rows.push(await measureRow(gpu, ceilings, spec, peers, quick ? short : full));
    if (!json) console.log(rowText(rows[rows.length - 1]));
  }
  const memory: MemoryResult[] = [];
  if (wantsMemory) {
    say('... memory');
    memory.push(await compareMemory(gpu, peers));
    if (!json) console.log(memory.flatMap(memoryText).join('\n'));
  }
  const minutes = (performance.now() - began) / 60_000;
  const machine = describeMachine(gpu);
  const chosen = `${quick ? ' --quick' : ''}${slow ? ' --slow' : ''}${only ? ` --only ${only}` : ''}`;
  const result: PeersResult = {
    ...{ machine, peers, rows, memory, ceilings: ceilings.all, minutes },
    chosen: chosen.trim(),
  };
  if (json) console.log(JSON.stringify(result));
  if (file) {
    writeFileWhole(file, [page(result)]);
    say(`Written: ${file}`);
  }
}

const program = new Command('bench:peers')
  .description('Times our kernels beside other libraries, in alternation, on one adapter.')
  .option('--quick', 'the small rows, with few samples')
  .option('--slow', 'on a software driver also the rows that take half an hour')
  .option('--only <word>', 'rows whose name has this')
  .option('--json', 'print the result as JSON')
  .option('--write [file]', 'write the page of results (bench/RESULTS.md)')
  .exitOverride()
  .action(run);
// The files of the row being measured are removed as the process ends.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
let status = 0;
try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) status = error.exitCode === 0 ? 0 : 2;
  else {
    console.error(error instanceof LlsmError ? `bench:peers: ${error.message}` : error);
    status = error instanceof UsageError ? 2 : 1;
  }
}
// The GPU keeps the process alive.
process.stdout.write('', () => process.exit(status));
