import { basename, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { FacePlace } from '../data/crops.ts';
import { type FolderOptions, makeFolderSet, readNameList } from '../data/folder.ts';
import type { Split } from '../data/manifest.ts';
import { makePeople } from '../data/portrait/make.ts';
import { UsageError } from '../errors.ts';
import { Progress } from '../progress.ts';
import { parseFaces, wholeNumber } from './arguments.ts';

interface Options {
  out: string;
  faces: FacePlace;
  size: number;
  label: 'real' | 'forged';
  masks?: string;
  method?: string;
  dataset?: string;
  people: FolderOptions['people'];
  personPrefix: string;
  split?: Split;
  valShare?: number;
  testShare?: number;
  seed: number;
  list?: string;
  limit?: number;
  json?: true;
}

export function register(program: Command): void {
  const data = program.command('data').description('Makes a data set from photographs or videos.');
  data
    .command('folder <dir>')
    .description(
      'Crops the face of each picture in a folder. Run again, it continues. There is no face ' +
        'detector in this step: the crop is by geometry (--faces).',
    )
    .requiredOption('--out <dir>', 'the data set: manifest.jsonl, images/, masks/')
    .option(
      '--faces <how>',
      'whole: the picture is the face crop; centre=F: a centred square of F of the shorter side',
      parseFaces,
      'whole',
    )
    .option('--size <n>', 'side of the crops that are written', wholeNumber(32, 1024), 160)
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
    .option('--person-prefix <text>', "put before people's ids, to tell equal ones apart", '')
    .addOption(
      new Option('--split <split>', 'one split for all')
        .choices(['train', 'val', 'test'])
        .conflicts(['valShare', 'testShare']),
    )
    .option('--val-share <share>', 'part of the people for validation (default: 0.1)', share)
    .option('--test-share <share>', 'part of the people for testing (default: 0)', share)
    .option('--seed <n>', 'of the split by shares', wholeNumber(0, 0xffffffff), 0)
    .option('--list <file>', 'take these people or pictures only: a name first on each line')
    .option('--limit <n>', 'take the first n pictures', wholeNumber(1))
    .option('--json', 'print the result as JSON')
    .action(run);
  data
    .command('portraits')
    .description(
      'Draws portraits of people who do not exist, where no photographs are at hand. What is ' +
        'learnt from drawings says nothing about photographs. Run again, it continues.',
    )
    .requiredOption('--out <dir>', 'the data set: manifest.jsonl, images/')
    .requiredOption('--people <n>', 'how many people', wholeNumber(1, 100000))
    .option('--per-person <n>', 'pictures of each person', wholeNumber(1, 1000), 2)
    .option('--size <n>', 'side of the pictures', wholeNumber(64, 1024), 160)
    .option('--val-share <share>', 'part of the people for validation', share, 0.15)
    .option('--test-share <share>', 'part of the people for testing', share, 0.15)
    .option('--seed <n>', 'of everything drawn', wholeNumber(0, 0xffffffff), 0)
    .option('--json', 'print the result as JSON')
    .action(runPortraits);
}

interface PortraitOptions {
  out: string;
  people: number;
  perPerson: number;
  size: number;
  valShare: number;
  testShare: number;
  seed: number;
  json?: true;
}

async function runPortraits(options: PortraitOptions): Promise<void> {
  const { out, people, perPerson, size, seed, json } = options;
  const split = { val: options.valShare, test: options.testShare };
  if (split.val + split.test > 1) throw new UsageError('The shares add up to more than 1.');
  let bar: Progress | undefined;
  const result = await makePeople(out, { people, perPerson, size, seed, split }, (done, total) => {
    bar ??= new Progress({ label: 'portraits', total });
    bar.update(done);
  }).finally(() => bar?.stop());
  if (json) {
    console.log(JSON.stringify({ out, ...result }));
    return;
  }
  const splits = Object.entries(result.splits).map(([name, count]) => `${name} ${count}`);
  console.log(
    `${out}: ${result.written + result.kept} portraits of ${people} people ` +
      `(${splits.join(', ')}); ${result.kept} were there before`,
  );
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1)) {
    throw new InvalidArgumentError('It must be a number from 0 to 1.');
  }
  return value;
}

async function run(dir: string, options: Options): Promise<void> {
  const { out, label, masks = null, method = null, split, json } = options;
  if (label === 'real' && (masks !== null || method !== null)) {
    throw new UsageError('--masks and --method are for --label forged.');
  }
  const shares = { val: options.valShare ?? 0.1, test: options.testShare ?? 0 };
  if (shares.val + shares.test > 1) throw new UsageError('The shares add up to more than 1.');
  let bar: Progress | undefined;
  const result = await makeFolderSet(
    dir,
    out,
    {
      faces: options.faces,
      size: options.size,
      label: label === 'forged' ? 1 : 0,
      masks,
      method,
      dataset: options.dataset ?? basename(resolve(dir)),
      people: options.people,
      personPrefix: options.personPrefix,
      split: split ?? shares,
      seed: options.seed,
      list: options.list === undefined ? null : await readNameList(options.list),
      limit: options.limit ?? Number.POSITIVE_INFINITY,
    },
    (done, total) => {
      bar ??= new Progress({ label: 'faces', total });
      bar.update(done);
    },
  ).finally(() => bar?.stop());
  if (json) {
    console.log(JSON.stringify({ out, ...result }));
    return;
  }
  const splits = Object.entries(result.splits).map(([name, count]) => `${name} ${count}`);
  console.log(
    `${out}: ${result.written + result.kept} ${label} faces of ${result.people} people ` +
      `(${splits.join(', ')}); ${result.kept} were there before`,
  );
  printDropped(result.dropped, out);
}

/** The commonest reasons, one example each. */
export function printDropped(dropped: { file: string; reason: string }[], out: string): void {
  if (dropped.length === 0) return;
  const kinds = new Map<string, { count: number; example: string }>();
  for (const { file, reason } of dropped) {
    // What differs from file to file, its name and numbers, does not make another reason.
    const kind = reason.replace(/^\S*[/\\]\S*/, '').replace(/\d+/g, '');
    const known = kinds.get(kind) ?? { count: 0, example: `${file}: ${reason}` };
    known.count++;
    kinds.set(kind, known);
  }
  console.log(`${dropped.length} dropped (all of them in ${out}/dropped.jsonl):`);
  const common = [...kinds.values()].sort((a, b) => b.count - a.count).slice(0, 8);
  for (const { count, example } of common) console.log(`  ${count} x such as ${example}`);
}
