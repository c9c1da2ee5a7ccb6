import type { Command } from 'commander';
import { Copies } from '../node/scan/copies.ts';
import { Examination } from '../node/scan/examination.ts';
import { Ledger } from '../node/scan/ledger.ts';
import { Parts } from '../node/scan/parts.ts';
import { scan, type Tally } from '../node/scan/scan.ts';
import { identityOf } from '../node/scan/settings.ts';
import { listFiles, type Shard } from '../node/scan/task.ts';
import { Progress } from '../node/system/progress.ts';
import { LlsmError, PassingError, UsageError } from '../src/base/errors.ts';
import { listenForInterrupt } from './interrupt.ts';
import { registerChanged } from './scan/changed.ts';
import {
  addWorkOptions,
  parseShard,
  settingsOf,
  tryAgain,
  type WorkOptions,
} from './scan/options.ts';
import { registerQueue } from './scan/queue.ts';

interface Options extends WorkOptions {
  out?: string;
  shard?: Shard;
  quick?: true;
  json?: true;
}

export function register(program: Command): void {
  const command = program
    .command('scan')
    .description(
      'Looks at the files of an archive and writes a line on each. Run again, it does what is missing. ' +
        'docs/scan.md says how to share the work between machines.',
    )
    .enablePositionalOptions()
    .argument('[source]', 'a folder, a list (a path a line), or - for a list on standard input')
    .option('--out <file>', 'for the lines (NDJSON); begun or gone on with')
    .option('--shard <i/n>', 'only this share of the files, of n', parseShard)
    .option('--quick', 'a file whose size and time of change have a line is not read again')
    .option('--json', 'print what became of the files as JSON')
    .addHelpText(
      'after',
      '\nExit status: 0 done, 75 stopped or something could not be read: run it again; 1 failed, 2 called wrongly.',
    )
    .action(scanHere);
  addWorkOptions(command);
  registerQueue(command);
  registerChanged(command);
}

async function scanHere(source: string | undefined, options: Options): Promise<void> {
  const { out } = options;
  if (source === undefined) throw new UsageError('name a list of files, a folder, or -');
  if (out === undefined) throw new UsageError('--out says where the lines go');
  const settings = settingsOf(options);
  const identity = identityOf(settings);
  const files: string[] = [];
  for await (const file of listFiles(source, { shard: options.shard })) files.push(file);
  const copies = new Copies();
  const ledger = Ledger.open(out, identity, (line) => copies.mark(line));
  try {
    if (ledger.cut > 0) {
      console.error(`llsm: ${out} ended inside a line: ${ledger.cut} bytes were cut off`);
    }
    const parts = new Parts(`${out}.parts`, identity);
    const say = (line: string) =>
      console.error(line.startsWith('Adapter') ? line : `llsm: ${line}`);
    const examination = await Examination.start({ settings, say });
    const interrupt = listenForInterrupt(() => examination.stop());
    const bar = new Progress({ label: 'files', total: files.length });
    try {
      const { tries, quick } = options;
      const { tally, complete } = await scan(examination, files, ledger, {
        ...{ identity, tries, quick, copies, parts, stop: interrupt.seen },
        onProgress: ({ through, same, dropped }) => bar.update(through, { same, ...sum(dropped) }),
      }).catch((error) => {
        // What was written stays; whatever went wrong may be over when it is run again.
        throw error instanceof LlsmError ? new PassingError(error.message) : error;
      });
      bar.stop();
      report(tally, complete, options);
      if (!complete || tally.unread > 0) process.exitCode = tryAgain;
    } finally {
      bar.stop();
      interrupt.close();
      await examination.close();
    }
  } finally {
    ledger.close();
  }
}

const sum = (dropped: Tally['dropped']): { dropped?: number } => {
  const count = [...dropped.values()].reduce((total, n) => total + n, 0);
  return count > 0 ? { dropped: count } : {};
};

function report(tally: Tally, complete: boolean, { out, json }: Options): void {
  const dropped = Object.fromEntries([...tally.dropped].sort(([, a], [, b]) => b - a));
  if (json) {
    console.log(JSON.stringify({ out, complete, ...tally, dropped }));
    return;
  }
  const { through, looked, before, same } = tally;
  console.log(
    `${through} files: ${looked} looked at, ${before} had a line before, ${same} have another file's bytes or pixels.`,
  );
  for (const [reason, count] of Object.entries(dropped)) console.log(`${count}: ${reason}`);
  console.log(
    complete ? `The lines are in ${out}.` : `Stopped. Run it again to go on with ${out}.`,
  );
}
