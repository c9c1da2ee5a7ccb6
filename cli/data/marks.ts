import { basename, dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { readNameList } from '../../node/sets/folder.ts';
import { makeMarkedSet, readGroups } from '../../node/sets/marks.ts';
import { names, wholeNumber } from '../arguments.ts';
import { addSplit, checkShares, type SplitOptions } from './options.ts';
import { printSet, withProgress } from './summary.ts';

interface Options extends SplitOptions {
  out: string;
  folder?: string;
  size: number;
  dataset?: string;
  only?: string[];
  least: number;
  same?: string;
  without?: string;
  json?: true;
}

export function register(data: Command): void {
  const command = data
    .command('marks <table>')
    .description(
      'Crops real faces from photographs by a CSV table of their boxes and landmarks (columns file, ' +
        'person, x, y, w, h, reye_x, reye_y, leye_…, nose_…, rmouth_…, lmouth_…, in pixels). Run ' +
        'again, it continues.',
    )
    .requiredOption('--out <dir>', 'the data set: manifest.jsonl, images/')
    .option('--folder <dir>', "where the table's paths begin (default: beside the table)")
    .option('--size <n>', 'side of the crops that are written', wholeNumber(32, 1024), 256)
    .option('--dataset <name>', "the data set's name; default: the folder's")
    .option('--only <names>', "take these of the table's top folders", names)
    .option('--least <n>', 'leave out faces with no side of so many pixels', wholeNumber(1), 32)
    .option('--same <file>', 'who is who: all ids of one person, comma-separated, on each line')
    .option('--without <file>', 'leave out these people: an id first on each line');
  addSplit(command, { val: 'default: 0.15', test: 'default: 0' })
    .option('--json', 'print the result as JSON')
    .action(run);
}

async function run(table: string, options: Options): Promise<void> {
  const { out, folder = null, size, only = null, least, split, seed, json } = options;
  const shares = checkShares({ val: options.valShare ?? 0.15, test: options.testShare ?? 0 });
  const settings = {
    ...{ folder, size, only, least, seed },
    split: split ?? shares,
    dataset: options.dataset ?? basename(resolve(folder ?? dirname(table))),
    same: options.same === undefined ? [] : readGroups(options.same),
    without: options.without === undefined ? [] : await readNameList(options.without),
  };
  const result = await withProgress('faces', 1, (progress) =>
    makeMarkedSet(table, out, { ...settings, progress }),
  );
  printSet(out, result, json);
}
