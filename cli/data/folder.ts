import { basename, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { type FolderOptions, makeFolderSet, readNameList } from '../../node/sets/folder.ts';
import { UsageError } from '../../src/base/errors.ts';
import type { FacePlace } from '../../src/faces/place.ts';
import { parseFacesOrAuto, wholeNumber } from '../arguments.ts';
import { addSplit, checkShares, type SplitOptions, withFinder } from './options.ts';
import { printSet, withProgress } from './summary.ts';

interface Options extends SplitOptions {
  out: string;
  faces: FacePlace | 'auto';
  size: number;
  label: 'real' | 'forged';
  masks?: string;
  method?: string;
  dataset?: string;
  people: FolderOptions['people'];
  personPrefix: string;
  list?: string;
  limit?: number;
  json?: true;
}

export function register(data: Command): void {
  const command = data
    .command('folder <dir>')
    .description(
      'Crops the face of each picture in a folder: of several faces the largest, or that which the ' +
        'mask marks. Run again, it continues.',
    )
    .requiredOption('--out <dir>', 'the data set: manifest.jsonl, images/, masks/')
    .option(
      '--faces <how>',
      'auto: found by a network; whole: the picture is the face crop; centre=F: a centred square ' +
        'of F of the shorter side',
      parseFacesOrAuto,
      'auto',
    )
    .option('--size <n>', 'side of the crops that are written', wholeNumber(32, 1024), 256)
    .addOption(
      new Option('--label <label>', 'what the faces are')
        .choices(['real', 'forged'])
        .default('real'),
    )
    .option('--masks <dir>', 'forged: a grey mask for each picture, of the same name and size')
    .option('--method <name>', 'forged: how they were made')
    .option('--dataset <name>', "the data set's name; default: the folder's")
    .addOption(
      new Option('--people <how>', 'who it is: the name without a final _number, or the folder')
        .choices(['file-stem', 'folder', 'none'])
        .default('file-stem'),
    )
    .option('--person-prefix <text>', "put before people's ids, to tell equal ones apart", '');
  addSplit(command, { val: 'default: 0.1', test: 'default: 0' })
    .option('--list <file>', 'take these people or pictures only: a name first on each line')
    .option('--limit <n>', 'take the first n pictures', wholeNumber(1))
    .option('--json', 'print the result as JSON')
    .action(run);
}

async function run(dir: string, options: Options): Promise<void> {
  const { out, faces, size, label, masks = null, method = null, split, json } = options;
  if (label === 'real' && (masks !== null || method !== null)) {
    throw new UsageError('--masks and --method are for --label forged.');
  }
  const shares = checkShares({ val: options.valShare ?? 0.1, test: options.testShare ?? 0 });
  const settings: FolderOptions = {
    ...{ faces, size, masks, method },
    label: label === 'forged' ? 1 : 0,
    dataset: options.dataset ?? basename(resolve(dir)),
    people: options.people,
    personPrefix: options.personPrefix,
    split: split ?? shares,
    seed: options.seed,
    list: options.list === undefined ? null : await readNameList(options.list),
    limit: options.limit ?? Number.POSITIVE_INFINITY,
  };
  const result = await withProgress('faces', 1, (progress) =>
    withFinder(faces, (finder) => makeFolderSet(dir, out, { ...settings, progress, finder })),
  );
  printSet(out, result, json);
}
