import type { Command } from 'commander';
import { makePeople } from '../../lab/portraits/make.ts';
import { share, wholeNumber } from '../arguments.ts';
import { checkShares } from './options.ts';
import { withProgress } from './summary.ts';

interface Options {
  out: string;
  people: number;
  perPerson: number;
  size: number;
  valShare: number;
  testShare: number;
  seed: number;
  json?: true;
}

export function register(data: Command): void {
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
    .action(run);
}

async function run(options: Options): Promise<void> {
  const { out, people, perPerson, size, seed, json } = options;
  const split = checkShares({ val: options.valShare, test: options.testShare });
  const result = await withProgress('portraits', 1, (progress) =>
    makePeople(out, { people, perPerson, size, seed, split }, progress),
  );
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
