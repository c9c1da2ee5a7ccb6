import { closeSync, openSync } from 'node:fs';
import type { Command } from 'commander';
import {
  canaries,
  judgeKinds,
  type Kind,
  type OldLine,
  oldLine,
  toLookAtAgain,
} from '../../node/scan/changed.ts';
import { Examination } from '../../node/scan/examination.ts';
import { eachLine, Ledger } from '../../node/scan/ledger.ts';
import { isOf, parseLine, type ScanIdentity } from '../../node/scan/line.ts';
import { scan } from '../../node/scan/scan.ts';
import { identityOf } from '../../node/scan/settings.ts';
import { Progress } from '../../node/system/progress.ts';
import { writeFileWhole } from '../../node/system/write-file.ts';
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import { share, wholeNumber } from '../arguments.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { addWorkOptions, settingsOf, tryAgain, type WorkOptions } from './options.ts';

interface Options extends WorkOptions {
  out: string;
  canary: number;
  least: number;
  list?: string;
  json?: true;
}

/** Adds the command that looks again at what new weights change. */
export function registerChanged(command: Command): void {
  addWorkOptions(
    command
      .command('changed')
      .description(
        'With new weights, looks again at the files whose verdict may have changed: of each kind of ' +
          'verdict and score some are looked at first, and the rest where too many of those changed; ' +
          'the oldest verdicts first.',
      )
      .argument('<lines>', 'the output of a scan with the old weights')
      .requiredOption('--out <file>', 'for the new lines (NDJSON); begun or gone on with')
      .option('--canary <n>', 'files of each kind that are looked at first', wholeNumber(1), 200)
      .option(
        '--least <share>',
        'a kind is left alone where no more than this share of its files changed (95 % sure)',
        share,
        0.02,
      )
      .option('--list <file>', 'write the files to look at there, for `llsm scan enqueue`, and end')
      .option('--json', 'print what the canaries said as JSON'),
  ).action(changed);
}

async function changed(path: string, options: Options): Promise<void> {
  const settings = settingsOf(options);
  const identity = identityOf(settings);
  const { lines, without } = readOld(path, identity);
  const drawn = canaries(lines, options.canary);
  const ledger = Ledger.open(options.out, identity);
  const say = (line: string) => console.error(line.startsWith('Adapter') ? line : `llsm: ${line}`);
  const examination = await Examination.start({ settings, say });
  const interrupt = listenForInterrupt(() => examination.stop());
  const look = async (files: readonly string[], label: string): Promise<boolean> => {
    const bar = new Progress({ label, total: files.length });
    try {
      const { complete } = await scan(examination, files, ledger, {
        ...{ identity, tries: options.tries, stop: interrupt.seen },
        onProgress: ({ through }) => bar.update(through),
      });
      return complete;
    } finally {
      bar.stop();
    }
  };
  const isThrough = (file: string) => ledger.entryOf(file) !== undefined;
  const verdictOf = (file: string): string | null | undefined => {
    const sha256 = ledger.entryOf(file)?.sha256;
    return sha256 ? ledger.lineOf(sha256)?.verdict : undefined;
  };
  try {
    // Those that are through keep an interrupted run from asking them twice.
    if (
      !(await look(
        drawn.map(({ file }) => file).filter((file) => !isThrough(file)),
        'canaries',
      ))
    ) {
      process.exitCode = tryAgain;
      return;
    }
    const kinds = judgeKinds(lines, drawn, verdictOf, options.least);
    const files = [
      ...without.filter((file) => !isThrough(file)),
      ...toLookAtAgain(lines, kinds, isThrough),
    ];
    report(kinds, files.length, lines.length, options);
    if (options.list !== undefined) {
      writeFileWhole(
        options.list,
        files.map((file) => `${file}\n`),
      );
    } else if (!(await look(files, 'changed'))) {
      process.exitCode = tryAgain;
    }
  } finally {
    interrupt.close();
    await examination.close();
    ledger.close();
  }
}

/** The last line on each file that is of other weights; `without` are files that have no verdict. */
function readOld(path: string, now: ScanIdentity): { lines: OldLine[]; without: string[] } {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw new LlsmError(`${path} cannot be read: ${messageOf(error)}`);
  }
  const last = new Map<string, OldLine | undefined>();
  try {
    eachLine(file, (text, _, number) => {
      const line = parseLine(text, `${path}, line ${number},`);
      if (!isOf(line, now)) last.set(line.file, oldLine(line));
    });
  } finally {
    closeSync(file);
  }
  if (last.size === 0) throw new LlsmError(`${path} has no lines of other weights than these.`);
  const lines = [...last.values()].filter((line) => line !== undefined);
  return { lines, without: [...last.keys()].filter((name) => last.get(name) === undefined) };
}

function report(kinds: readonly Kind[], again: number, all: number, { json }: Options): void {
  if (json) {
    console.log(JSON.stringify({ kinds, again, files: all }));
    return;
  }
  for (const { kind, files, canaries: asked, changed: count, atMost, again: looked } of kinds) {
    console.log(
      `${kind.padEnd(28)} ${String(count).padStart(5)} of ${String(asked).padStart(5)} changed, ` +
        `so at most ${(100 * atMost).toFixed(1).padStart(5)} % of ${files}: ${looked ? 'looked at again' : 'left alone'}`,
    );
  }
  console.log(`${again} of ${all} files are looked at again.`);
}
